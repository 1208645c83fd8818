import type { Occurrence } from '../broker/schedules.js'

/** An occurrence as scripts read it: ISO 8601. */
export interface PastOccurrence extends Omit<Occurrence, 'due' | 'at'> {
  readonly due: string
  /** When it was sent or skipped. */
  readonly at: string
}

export function pastOccurrence({ due, at, outcome, ids, node, epoch }: Occurrence): PastOccurrence {
  return { due: new Date(due).toISOString(), at: new Date(at).toISOString(), outcome, ids, node, epoch }
}
