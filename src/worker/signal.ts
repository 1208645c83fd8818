/** A signal of the operating system as control messages name it. A task here ends by its AbortSignal whatever is named; events tell the number. */
import { constants } from 'node:os'

export interface Signal {
  /** `SIGTERM` */
  readonly name: string
  readonly number: number
}

/** @param given a name with or without SIG, or a number; null when there is no such signal */
export function readSignal(given: unknown): Signal | null {
  const signals = Object.entries(constants.signals)
  const name = typeof given === 'string' && !given.startsWith('SIG') ? `SIG${given}` : given
  const found = signals.find(([known, number]) => name === known || name === number)
  return found === undefined ? null : { name: found[0], number: found[1] }
}
