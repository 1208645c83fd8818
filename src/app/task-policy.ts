/**
 * What holds for a task once settings are known: the task's own options over the settings' defaults, and `taskAnnotations`, the
 * operator's word, over both. Built once; the worker only reads fields.
 */
import { seconds } from '../duration.js'
import { CelerityError } from '../errors.js'
import { globMatches, isGlob } from './glob.js'
import { type RateLimit, type RateLimitOption, rateLimit } from './rate-limit.js'
import { DEFAULT_RETRY, type ErrorClass, type RetryPolicy, retryPolicy } from './retry-policy.js'
import { type Compression, checkOptions, type TaskOptions } from './task-options.js'

export interface TaskPolicy {
  readonly queue: string | null
  readonly priority: number | null
  readonly retry: RetryPolicy
  /** Seconds. */
  readonly softTimeLimit: number | null
  readonly timeLimit: number | null
  readonly rateLimit: RateLimit | null
  readonly acks: 'late' | 'early'
  readonly ignoreResult: boolean
  readonly trackStarted: boolean
  readonly throws: readonly ErrorClass[]
  /** Seconds after it was sent. */
  readonly expires: number | null
  readonly compression: Compression | null
}

/** The settings that a policy depends on. */
export interface PolicySettings {
  readonly taskAcksLate?: boolean | undefined
  readonly taskIgnoreResult?: boolean | undefined
  readonly taskTrackStarted?: boolean | undefined
  /** Seconds. */
  readonly taskTimeLimit?: number | null | undefined
  readonly taskSoftTimeLimit?: number | null | undefined
  readonly taskDefaultRateLimit?: string | number | null | undefined
  readonly taskCompression?: string | null | undefined
  /** By task name or glob: the options of a task, in our spelling or Celery's (`rate_limit`, `max_retries` …). */
  readonly taskAnnotations?: Readonly<Record<string, unknown>> | null | undefined
}

/** @throws CelerityError E_TASK_DEFINITION when an annotation cannot be */
export function taskPolicy(name: string, declared: TaskOptions, settings: PolicySettings): TaskPolicy {
  const options = annotated(name, declared, settings)
  return {
    queue: options.queue ?? null,
    priority: options.priority ?? null,
    retry: options.retry === undefined ? DEFAULT_RETRY : retryPolicy(options.retry),
    softTimeLimit: options.softTimeLimit === undefined ? (settings.taskSoftTimeLimit ?? null) : seconds(options.softTimeLimit),
    timeLimit: options.timeLimit === undefined ? (settings.taskTimeLimit ?? null) : seconds(options.timeLimit),
    rateLimit: limitOf(options.rateLimit ?? settings.taskDefaultRateLimit),
    acks: options.acks ?? ((settings.taskAcksLate ?? true) ? 'late' : 'early'),
    ignoreResult: options.ignoreResult ?? settings.taskIgnoreResult ?? false,
    trackStarted: options.trackStarted ?? settings.taskTrackStarted ?? false,
    throws: options.throws ?? [],
    expires: options.expires === undefined ? null : seconds(options.expires),
    compression: options.compression ?? (settings.taskCompression as Compression | null | undefined) ?? null,
  }
}

function limitOf(option: RateLimitOption | null | undefined): RateLimit | null {
  return option === null || option === undefined ? null : rateLimit(option)
}

/** Globs in their order, then the exact name: what is said last and most exactly holds. */
function annotated(name: string, declared: TaskOptions, { taskAnnotations }: PolicySettings): TaskOptions {
  if (!taskAnnotations) return declared
  let options = declared
  for (const [pattern, annotation] of Object.entries(taskAnnotations)) {
    if (isGlob(pattern) && globMatches(pattern, name)) options = merge(options, pattern, annotation)
  }
  return Object.hasOwn(taskAnnotations, name) ? merge(options, name, taskAnnotations[name]) : options
}

/** Celery's attribute names that are more than another spelling of ours. */
const CELERY_RETRY: Readonly<Record<string, string>> = {
  max_retries: 'max',
  default_retry_delay: 'delay',
  retry_backoff: 'backoff',
  retry_backoff_max: 'backoffMax',
  retry_jitter: 'jitter',
}

function merge(options: TaskOptions, pattern: string, annotation: unknown): TaskOptions {
  const source = `taskAnnotations[${JSON.stringify(pattern)}]`
  if (typeof annotation !== 'object' || annotation === null || Array.isArray(annotation)) {
    throw new CelerityError('E_TASK_DEFINITION', { message: `${source} is no object of task options` })
  }
  const own: Record<string, unknown> = {}
  const retry: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(annotation)) {
    const inRetry = CELERY_RETRY[key]
    if (inRetry !== undefined) retry[inRetry] = value ?? (key === 'max_retries' ? Number.POSITIVE_INFINITY : undefined)
    else if (key === 'acks_late' || key === 'acksLate') own['acks'] = value ? 'late' : 'early'
    else if (key === 'retry') Object.assign(retry, value)
    else own[camelCase(key)] = value
  }
  if (Object.keys(retry).length > 0) own['retry'] = { ...options.retry, ...retry }
  refuseCode(source, own)
  const merged = { ...options, ...own }
  checkOptions(source, merged)
  return merged
}

/** What belongs to the code and not to whoever operates it. */
function refuseCode(source: string, own: Readonly<Record<string, unknown>>): void {
  for (const key of ['bind', 'params', 'schema', 'throws']) {
    if (key in own)
      throw new CelerityError('E_TASK_DEFINITION', { message: `${source}: ${key} can only be set where the task is registered` })
  }
}

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
