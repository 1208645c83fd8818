/**
 * What holds for a task once settings are known: the task's own options over the settings' defaults, and `taskAnnotations`, the
 * operator's word, over both. Built once; the worker only reads fields.
 */
import { SCHEMA, type Settings } from '../config/schema.js'
import type { TaskAnnotation } from '../config/task-kinds.js'
import { type Duration, seconds } from '../duration.js'
import { globMatches, isGlob } from './glob.js'
import { type RateLimit, type RateLimitOption, type RateLimitScope, rateLimit } from './rate-limit.js'
import { type ErrorClass, type RetryPolicy, type RetryPolicyOptions, retryPolicy } from './retry-policy.js'
import type { Compression, TaskOptions } from './task-options.js'

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
export type PolicySettings = Pick<
  Settings,
  | 'taskAcks'
  | 'taskIgnoreResult'
  | 'taskTrackStarted'
  | 'taskTimeLimit'
  | 'taskSoftTimeLimit'
  | 'taskDefaultRateLimit'
  | 'taskDefaultRetryDelay'
  | 'taskMaxRetries'
  | 'taskCompression'
  | 'taskAnnotations'
  | 'workerRateLimitScope'
>

/** Until settings are loaded. */
export const DEFAULT_POLICY_SETTINGS: PolicySettings = {
  taskAcks: SCHEMA.taskAcks.default,
  taskIgnoreResult: SCHEMA.taskIgnoreResult.default,
  taskTrackStarted: SCHEMA.taskTrackStarted.default,
  taskTimeLimit: SCHEMA.taskTimeLimit.default,
  taskSoftTimeLimit: SCHEMA.taskSoftTimeLimit.default,
  taskDefaultRateLimit: SCHEMA.taskDefaultRateLimit.default,
  taskDefaultRetryDelay: SCHEMA.taskDefaultRetryDelay.default,
  taskMaxRetries: SCHEMA.taskMaxRetries.default,
  taskCompression: SCHEMA.taskCompression.default,
  taskAnnotations: SCHEMA.taskAnnotations.default,
  workerRateLimitScope: SCHEMA.workerRateLimitScope.default,
}

/** @param declared options that were checked (`checkOptions`), so that nothing here throws */
export function taskPolicy(name: string, declared: TaskOptions, settings: PolicySettings): TaskPolicy {
  const said = annotationsFor(name, settings.taskAnnotations)
  return {
    queue: declared.queue ?? null,
    priority: declared.priority ?? null,
    retry: retryPolicy(
      { ...declared.retry, ...retryOf(said) },
      { max: settings.taskMaxRetries ?? Number.POSITIVE_INFINITY, delay: settings.taskDefaultRetryDelay },
    ),
    softTimeLimit: limitOf(firstSaid(said.softTimeLimit, declared.softTimeLimit, settings.taskSoftTimeLimit)),
    timeLimit: limitOf(firstSaid(said.timeLimit, declared.timeLimit, settings.taskTimeLimit)),
    rateLimit: rateOf(firstSaid(said.rateLimit, declared.rateLimit, settings.taskDefaultRateLimit), settings.workerRateLimitScope),
    acks: said.acks ?? declared.acks ?? settings.taskAcks,
    ignoreResult: said.ignoreResult ?? declared.ignoreResult ?? settings.taskIgnoreResult,
    trackStarted: said.trackStarted ?? declared.trackStarted ?? settings.taskTrackStarted,
    throws: declared.throws ?? [],
    expires: declared.expires === undefined ? null : seconds(declared.expires),
    compression: declared.compression ?? settings.taskCompression,
  }
}

/** Globs in their order, then the exact name: what is said last and most exactly holds. */
function annotationsFor(name: string, annotations: PolicySettings['taskAnnotations']): TaskAnnotation {
  let said: TaskAnnotation = {}
  for (const [pattern, annotation] of Object.entries(annotations)) {
    if (isGlob(pattern) && globMatches(pattern, name)) said = { ...said, ...annotation }
  }
  return Object.hasOwn(annotations, name) ? { ...said, ...annotations[name] } : said
}

function retryOf({ maxRetries, defaultRetryDelay }: TaskAnnotation): RetryPolicyOptions {
  return {
    ...(maxRetries === undefined ? {} : { max: maxRetries ?? Number.POSITIVE_INFINITY }),
    ...(defaultRetryDelay === undefined ? {} : { delay: defaultRetryDelay }),
  }
}

/** Not `??`: null is a word too, it takes a limit away. */
function firstSaid<A, B, C>(operator: A | undefined, declared: B | undefined, setting: C): A | B | C {
  return operator !== undefined ? operator : declared !== undefined ? declared : setting
}

/** Seconds; 0 is no limit, as in Celery. */
function limitOf(limit: Duration | null): number | null {
  return limit === null ? null : seconds(limit) || null
}

function rateOf(option: RateLimitOption | null, scope: RateLimitScope): RateLimit | null {
  return option === null ? null : rateLimit(option, scope)
}
