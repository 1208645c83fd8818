/** When a task is tried again, and after how long. Pure: the worker asks, and draws the random number. */
import { type Duration, seconds } from '../duration.js'

export type ErrorClass = abstract new (...args: never[]) => Error

export interface RetryPolicyOptions {
  /** Which errors are retried by themselves: classes, or a question. Absent: none, only `task.retry()` retries. */
  readonly on?: readonly ErrorClass[] | ((error: unknown) => boolean)
  /** The most retries; default `taskMaxRetries` (3), `Infinity` for no limit. */
  readonly max?: number
  /** Wait `2^retries` seconds, or this many times that. Default off: `delay` each time. */
  readonly backoff?: boolean | Duration
  /** Never wait longer than this by back-off; default 10 minutes. */
  readonly backoffMax?: Duration
  /** Draw the wait evenly from 0 to the back-off, so that what failed together is not retried together. Default true. */
  readonly jitter?: boolean
  /** The wait without back-off; default `taskDefaultRetryDelay` (3 minutes). */
  readonly delay?: Duration
}

export interface RetryPolicy {
  /** Whether this error is retried without the handler asking. */
  readonly retries: (error: unknown) => boolean
  readonly max: number
  /** Factor in seconds; 0: no back-off. */
  readonly backoff: number
  readonly backoffMax: number
  readonly jitter: boolean
  readonly delay: number
}

/** What the settings say where a task does not: `taskMaxRetries`, `taskDefaultRetryDelay`. */
export interface RetryDefaults {
  readonly max: number
  /** Seconds. */
  readonly delay: number
}

/** Celery's `retry_backoff_max`. */
const BACKOFF_MAX = 600
const NEVER = () => false

/** @throws RangeError about a span or a number that cannot be */
export function retryPolicy(options: RetryPolicyOptions, defaults: RetryDefaults): RetryPolicy {
  const max = options.max ?? defaults.max
  if (max !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(max) && max >= 0)) {
    throw new RangeError(`retry.max is ${String(max)}: give a whole number from 0, or Infinity`)
  }
  return {
    retries: retriesOn(options.on),
    max,
    backoff: backoffFactor(options.backoff ?? false),
    backoffMax: seconds(options.backoffMax ?? BACKOFF_MAX),
    jitter: options.jitter ?? true,
    delay: seconds(options.delay ?? defaults.delay),
  }
}

function retriesOn(on: RetryPolicyOptions['on']): RetryPolicy['retries'] {
  if (on === undefined) return NEVER
  // A class is a function too, but `on: SmtpError` is a slip for `on: [SmtpError]`: as a question it would throw at the first error.
  if (typeof on === 'function') {
    if (on.prototype instanceof Error || (on as unknown) === Error) throw new RangeError('retry.on is a class: give a list of classes')
    return on
  }
  if (!Array.isArray(on) || on.some((one) => typeof one !== 'function')) {
    throw new RangeError('retry.on must be a list of error classes, or a function of the error')
  }
  const classes: readonly ErrorClass[] = [...on]
  return (error) => classes.some((one) => error instanceof one)
}

function backoffFactor(backoff: boolean | Duration): number {
  if (typeof backoff === 'boolean') return backoff ? 1 : 0
  return seconds(backoff)
}

/**
 * How long to wait before the next try: factor * 2^retries, never above the ceiling; without back-off the policy's `delay`.
 *
 * @param retries retries already made, from 0
 * @param random  draws evenly from [0, 1), used for jitter only
 * @returns       seconds; whole ones with jitter, as Celery draws them
 * @see           Celery's `get_exponential_backoff_interval`: the same numbers for the same settings
 */
export function retryDelay(policy: RetryPolicy, retries: number, random: () => number): number {
  if (policy.backoff === 0) return policy.delay
  const ceiling = Math.min(policy.backoffMax, policy.backoff * 2 ** retries)
  return policy.jitter ? Math.floor(random() * (Math.floor(ceiling) + 1)) : ceiling
}
