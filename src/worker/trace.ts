/** A run becomes an `Outcome`: the one place where a user's code is called. Never throws, never rejects. */
import { bindArguments, validateArguments } from '../app/arguments.js'
import { currentRequest } from '../app/current.js'
import type { RetryOptions, TaskContext } from '../app/task-context.js'
import { isIgnore, isReject, isRetry, SoftTimeLimitExceeded, TimeLimitExceeded } from '../app/throwables.js'
import type { Finished, Outcome } from './outcome.js'
import { decideRetry, type RetryClock } from './retry.js'
import type { Run } from './run.js'

export interface Tracing extends RetryClock {
  context(run: Run): TaskContext
  /** Milliseconds on a clock that never jumps. */
  monotonic(): number
  /** A handler that goes on after its hard limit is named. */
  overran(run: Run, seconds: number): void
}

export async function trace(run: Run, tracing: Tracing): Promise<Finished> {
  const outcome = await attempt(run, tracing)
  run.over = true
  if (run.pending.size > 0) await Promise.allSettled(run.pending)
  return { outcome, runtime: (tracing.monotonic() - run.startedAt) / 1000, children: run.children }
}

async function attempt(run: Run, tracing: Tracing): Promise<Outcome> {
  try {
    const { message, definition } = run.request
    const soft = message.softTimeLimit ?? definition.policy.softTimeLimit
    const hard = message.timeLimit ?? definition.policy.timeLimit
    const value = soft === null && hard === null ? await call(run, tracing) : await limited(run, tracing, soft, hard)
    return { kind: 'success', value }
  } catch (error) {
    return classify(error, run, tracing)
  }
}

function call(run: Run, tracing: Tracing): unknown {
  return currentRequest.run(run, () => {
    const { definition, message } = run.request
    const bound = validateArguments(definition, bindArguments(definition, message.args, message.kwargs))
    if (bound instanceof Promise) return bound.then((args) => invoke(run, tracing, args))
    return invoke(run, tracing, bound)
  })
}

function invoke(run: Run, tracing: Tracing, args: readonly unknown[]): unknown {
  const { definition } = run.request
  return definition.bind ? definition.handler(tracing.context(run), ...args) : definition.handler(...args)
}

/**
 * Soft limit: the handler's signal fires, and a handler that heeds it ends in its own way. Hard limit: the outcome is TimeLimitExceeded at
 * once; JavaScript can't end a function from outside, so one that goes on is named and its late result refused.
 */
async function limited(run: Run, tracing: Tracing, soft: number | null, hard: number | null): Promise<unknown> {
  const softTimer = soft === null ? undefined : setTimeout(() => run.cancel(new SoftTimeLimitExceeded(soft)), soft * 1000)
  let hardTimer: NodeJS.Timeout | undefined
  try {
    const handler = Promise.resolve(call(run, tracing))
    if (hard === null) return await handler
    handler.catch(() => {}) // after the limit nobody waits for it any more
    const limit = new Promise<never>((_, reject) => {
      hardTimer = setTimeout(() => {
        const exceeded = new TimeLimitExceeded(hard)
        run.cancel(exceeded)
        handler.finally(() => tracing.overran(run, hard)).catch(() => {})
        reject(exceeded)
      }, hard * 1000)
    })
    return await Promise.race([handler, limit])
  } finally {
    clearTimeout(softTimer)
    clearTimeout(hardTimer)
  }
}

function classify(error: unknown, run: Run, tracing: Tracing): Outcome {
  try {
    if (isRetry(error)) return decideRetry(run, error.options, tracing)
    if (isIgnore(error)) return { kind: 'ignore' }
    if (isReject(error)) return { kind: 'reject', requeue: error.requeue, reason: error.message }
    const { policy } = run.request.definition
    if (policy.retry.retries(error)) return decideRetry(run, { cause: error } satisfies RetryOptions, tracing)
    return { kind: 'failure', error, expected: policy.throws.some((kind) => error instanceof kind) }
  } catch (broken) {
    return { kind: 'failure', error: broken, expected: false } // the task's own `retry.on` threw, or a hostile error object did
  }
}
