/** How often a task may start: `'60/m'` and what the worker needs to keep to it. */

export interface RateLimit {
  /** Between two starts, in milliseconds: a rate allows no burst (Celery's bucket has a capacity of one). */
  readonly intervalMs: number
  /** Whether all workers share it at the broker, or each keeps its own, as Celery does. */
  readonly over: 'all' | 'worker'
  /** As it was written, for people. */
  readonly text: string
}

export type RateLimitOption = number | string | { readonly rate: number | string; readonly over?: 'all' | 'worker' }

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000 } as const
const WRITTEN = /^(\d{1,12}(?:\.\d{1,9})?)(?:\/([smh]))?$/

/**
 * @param option  `'10/s'`, `'60/m'`, `'100/h'`; a number is per second; 0 is no limit
 * @throws        RangeError for anything else
 */
export function rateLimit(option: RateLimitOption): RateLimit | null {
  const { rate, over } =
    typeof option === 'object' && option !== null ? { over: 'all' as const, ...option } : { rate: option, over: 'all' as const }
  const match = WRITTEN.exec(String(rate).trim())
  if (match === null) throw new RangeError(`rateLimit ${JSON.stringify(rate) ?? typeof rate} is no rate: give '10/s', '60/m' or '100/h'`)
  if (over !== 'all' && over !== 'worker') throw new RangeError(`rateLimit.over is ${JSON.stringify(over)}: give 'all' or 'worker'`)
  const count = Number(match[1])
  if (count === 0) return null
  return { intervalMs: UNIT_MS[(match[2] ?? 's') as keyof typeof UNIT_MS] / count, over, text: String(rate) }
}
