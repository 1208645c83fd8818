/** Revocation as a record at the broker: what is recorded, and for how long. */

/** Seconds that a revocation is remembered: as long as Celery keeps a result. */
export const REVOCATION_TTL = 86_400

/** Values by name, as the request `revoke_by_stamped_headers` has them. */
export type StampedHeaders = Readonly<Record<string, readonly string[]>>

/** What is recorded for tasks that bear a stamp. It holds a blank, so it is the id of no task. */
export function stampMark(name: string, value: unknown): string {
  return `stamp ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`
}

export function stampMarks(headers: StampedHeaders): readonly string[] {
  return Object.entries(headers).flatMap(([name, values]) => values.map((value) => stampMark(name, value)))
}
