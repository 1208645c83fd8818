/** What can be said about a task when it is registered. Everything is checked then: a bad definition never reaches a worker. */

import { type Duration, seconds } from '../duration.js'
import { CelerityError, reason } from '../errors.js'
import { queueNameProblem } from '../protocol/queue-name.js'
import { type RateLimitOption, rateLimit } from './rate-limit.js'
import { type ErrorClass, type RetryPolicyOptions, retryPolicy } from './retry-policy.js'
import type { StandardSchema } from './standard-schema.js'

export type Compression = 'zlib' | 'gzip' | 'brotli'

export interface TaskOptions<Args extends readonly unknown[] = readonly unknown[]> {
  /** Hands the handler a TaskContext before its arguments. */
  readonly bind?: boolean
  /** Default: what `taskRoutes` say, else `taskDefaultQueue`. */
  readonly queue?: string
  /** 0 is the highest; Redis keeps four steps: 0, 3, 6, 9. */
  readonly priority?: number
  readonly retry?: RetryPolicyOptions
  /** `task.signal` fires after this long. */
  readonly softTimeLimit?: Duration
  /** The task has failed after this long, whatever the handler does. */
  readonly timeLimit?: Duration
  /** `'60/m'`; `{ rate: '60/m', scope: 'worker' }` for each worker by itself, as in Celery (default: `workerRateLimitScope`). */
  readonly rateLimit?: RateLimitOption
  /** `late` (default): acked when it is done, so a lost worker's tasks run again. `early`: at most once. */
  readonly acks?: 'late' | 'early'
  readonly ignoreResult?: boolean
  /** Stores STARTED, with the worker's name and pid, when a run begins. */
  readonly trackStarted?: boolean
  /**
   * Names of all parameters, so that keyword arguments find their position; `'y?'` marks one that may be left out. Without it keyword
   * arguments arrive as one object after the positional ones.
   */
  readonly params?: readonly string[]
  /** Checks, and may convert, the arguments as one array before the handler runs: `z.tuple([z.number(), z.string()])`. */
  readonly schema?: StandardSchema<unknown, Args>
  /** Errors that are an expected outcome: stored as a failure, logged without alarm. */
  readonly throws?: readonly ErrorClass[]
  /** Not run any more this long after it was sent. */
  readonly expires?: Duration
  readonly compression?: Compression
}

const flag = (value: unknown) => typeof value === 'boolean' || 'give true or false'
const span = (value: unknown) => seconds(value as Duration) >= 0
const limit = (value: unknown) => seconds(value as Duration) > 0 || 'must be above 0'
const oneOf =
  (...allowed: readonly string[]) =>
  (value: unknown) =>
    allowed.includes(value as string) || `give ${allowed.map((one) => `'${one}'`).join(' or ')}`

/** True, or what to give instead; a RangeError says it itself. */
type Check = (value: unknown) => true | false | string

const CHECKS: { readonly [K in keyof Required<TaskOptions>]: Check } = {
  bind: flag,
  queue: (value) => {
    if (typeof value !== 'string' || value === '') return 'give the name of a queue'
    const why = queueNameProblem(value)
    return why === null || `'${value}' ${why}`
  },
  priority: (value) =>
    (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255) || 'give a whole number from 0 (highest)',
  retry: (value) =>
    typeof value === 'object' && value !== null
      ? retryPolicy(value, { max: 0, delay: 0 }) !== null
      : 'give an object: { on, max, backoff … }',
  softTimeLimit: limit,
  timeLimit: limit,
  rateLimit: (value) => rateLimit(value as RateLimitOption, 'cluster') !== undefined,
  acks: oneOf('late', 'early'),
  ignoreResult: flag,
  trackStarted: flag,
  params: checkParams,
  schema: (value) =>
    ((typeof value === 'object' || typeof value === 'function') && value !== null && '~standard' in value) ||
    'give a Standard Schema (zod, valibot …)',
  throws: (value) => (Array.isArray(value) && value.every((one) => typeof one === 'function')) || 'give a list of error classes',
  expires: span,
  compression: oneOf('zlib', 'gzip', 'brotli'),
}

const TASK_OPTION_NAMES = Object.keys(CHECKS) as readonly (keyof TaskOptions)[]

function checkParams(value: unknown): true | string {
  if (!Array.isArray(value) || value.some((name) => typeof name !== 'string' || !/^[^\s?]+\??$/.test(name)))
    return 'give a list of parameter names'
  const names = value.map((name: string) => name.replace(/\?$/, ''))
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  return twice === undefined || `names ${twice} twice`
}

/**
 * @param source what the options belong to, for the message: `task kuma.add`, `taskAnnotations["kuma.*"]`
 * @throws       CelerityError E_TASK_DEFINITION that names the option
 */
export function checkOptions(source: string, options: TaskOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const check: Check | undefined = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof TaskOptions] : undefined
    if (check === undefined) throw badOption(source, name, 'there is no such option', `The options are ${TASK_OPTION_NAMES.join(', ')}.`)
    const verdict = attempt(check, value)
    if (verdict !== true) throw badOption(source, name, verdict || 'has a wrong value')
  }
  checkLimits(source, options)
}

function checkLimits(source: string, { softTimeLimit: soft, timeLimit: hard }: TaskOptions): void {
  if (soft === undefined || hard === undefined || seconds(soft) < seconds(hard)) return
  throw badOption(source, 'softTimeLimit', `${soft} is not below timeLimit, ${hard}: it would never fire`)
}

function attempt(check: Check, value: unknown): true | false | string {
  try {
    return check(value)
  } catch (error) {
    return reason(error) // a RangeError of seconds(), rateLimit() or retryPolicy(): its text is the answer
  }
}

function badOption(source: string, option: string, why: string, hint?: string): CelerityError {
  return new CelerityError('E_TASK_DEFINITION', { message: `${source}: ${option}: ${why}`, hint })
}
