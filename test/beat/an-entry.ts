import { ENTRY_DEFAULTS, type Schedule, type ScheduleEntry } from '../../src/protocol/schedule.js'

export function anEntry(schedule: Schedule, more: Partial<ScheduleEntry> = {}): ScheduleEntry {
  return { ...ENTRY_DEFAULTS, name: 'an-entry', task: 'app.task', schedule, ...more }
}

/** Milliseconds since 1970 of an ISO text. */
export function ms(text: string): number {
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw new Error(`${text} is no date`)
  return at
}

/** ISO texts, for messages that can be read. */
export function iso(at: number | null): string {
  return at === null ? 'never' : new Date(at).toISOString()
}
