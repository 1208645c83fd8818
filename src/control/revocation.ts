/** Revocation as a record at the broker: what is recorded, and for how long. */

/**
 * Seconds that a revocation is remembered: longer than a message usually lives. One of a task that is known to be due later is kept until
 * it has been due.
 */
export const REVOCATION_TTL = 7 * 86_400

/** What is recorded for tasks that bear a stamp. It holds a blank, so it is the id of no task. */
export function stampMark(name: string, value: unknown): string {
  return `stamp ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`
}

export function isStampMark(mark: string): boolean {
  return mark.startsWith('stamp ')
}
