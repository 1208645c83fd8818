/** How often a task may start: `'60/m'` and what the worker needs to keep to it. */

/** Whether all workers share it at the broker, or each keeps its own, as Celery does. */
export type RateLimitScope = 'cluster' | 'worker'

export interface RateLimit {
  /** Between two starts, in milliseconds: a rate allows no burst (Celery's bucket has a capacity of one). */
  readonly intervalMs: number
  readonly scope: RateLimitScope
  /** As it was written, for people. */
  readonly text: string
}

export type RateLimitOption = number | string | { readonly rate: number | string; readonly scope?: RateLimitScope }

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000 } as const
const WRITTEN = /^(\d{1,12}(?:\.\d{1,9})?)(?:\s*\/\s*([smh]))?$/

/**
 * @param option       `'10/s'`, `'60/m'`, `'100/h'`; a number is per second; 0 is no limit
 * @param defaultScope where the option leaves it open: the setting `workerRateLimitScope`
 * @throws             RangeError for anything else
 */
export function rateLimit(option: RateLimitOption, defaultScope: RateLimitScope): RateLimit | null {
  const { rate, scope = defaultScope } = typeof option === 'object' && option !== null ? option : { rate: option }
  const match = WRITTEN.exec(String(rate).trim())
  if (match === null) throw new RangeError(`${JSON.stringify(rate) ?? typeof rate} is no rate: give '10/s', '60/m' or '100/h'`)
  if (scope !== 'cluster' && scope !== 'worker') throw new RangeError(`scope ${JSON.stringify(scope)}: give 'cluster' or 'worker'`)
  const count = Number(match[1])
  if (count === 0) return null
  return { intervalMs: UNIT_MS[(match[2] ?? 's') as keyof typeof UNIT_MS] / count, scope, text: String(rate) }
}
