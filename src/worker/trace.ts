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
  /** The outcome is decided, and `handler` may still go on: it settles when it ends. @param after such as `its time limit of 2s` */
  overran(run: Run, after: string, handler: Promise<unknown>): void
}

/** Timers can't be longer, in milliseconds; a limit beyond it is none. */
const MAX_TIMER = 2 ** 31 - 1

/** Null: it was interrupted by the end of its worker, and has no outcome. */
export async function trace(run: Run, tracing: Tracing): Promise<Finished | null> {
  let outcome: Outcome | null
  try {
    const { message, definition } = run.request
    const soft = message.softTimeLimit ?? definition.policy.softTimeLimit
    const hard = run.timeLimit
    const value = soft === null && hard === null ? await call(run, tracing) : await limited(run, tracing, soft, hard)
    outcome = { kind: 'success', value }
  } catch (error) {
    outcome = classify(error, run, tracing)
  }
  run.over = true
  if (run.pending !== null) await Promise.allSettled(run.pending)
  return outcome && { outcome, runtime: (tracing.monotonic() - run.startedAt) / 1000, children: run.children }
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
 * once; JavaScript can't end a function from outside, so one that goes on is named and its late result refused. Both timers are set before
 * the handler is called, so that what it does before its first `await` counts.
 */
async function limited(run: Run, tracing: Tracing, soft: number | null, hard: number | null): Promise<unknown> {
  const softTimer = after(soft, (seconds) => run.cancel(new SoftTimeLimitExceeded(seconds)))
  let hardTimer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    hardTimer = after(hard, (seconds) => {
      if (run.over) return // its outcome is decided, and the handler's end is waited for
      const exceeded = new TimeLimitExceeded(seconds)
      run.cancel(exceeded)
      tracing.overran(run, `its time limit of ${seconds}s`, handler)
      reject(exceeded)
    })
  })
  let handler: Promise<unknown> = Promise.resolve()
  try {
    handler = Promise.resolve(call(run, tracing))
    return await Promise.race([handler, limit])
  } finally {
    clearTimeout(softTimer)
    clearTimeout(hardTimer)
  }
}

function after(seconds: number | null, act: (seconds: number) => void): NodeJS.Timeout | undefined {
  return seconds === null || seconds * 1000 > MAX_TIMER ? undefined : setTimeout(act, seconds * 1000, seconds)
}

function classify(thrown: unknown, run: Run, tracing: Tracing): Outcome | null {
  try {
    const error = run.blame(thrown)
    if (isRetry(error)) return decideRetry(run, error.options, tracing)
    if (isIgnore(error)) return { kind: 'ignore' }
    if (isReject(error)) return { kind: 'reject', requeue: error.requeue, reason: error.message }
    if (run.isInterrupted && !(error instanceof TimeLimitExceeded)) return null // beyond its limit it may still go on here
    const { policy } = run.request.definition
    if (policy.retry.retries(error)) return decideRetry(run, { cause: error } satisfies RetryOptions, tracing)
    return { kind: 'failure', error, expected: policy.throws.some((kind) => error instanceof kind) }
  } catch (broken) {
    return { kind: 'failure', error: broken, expected: false } // the task's own `retry.on` threw, or a hostile error object did
  }
}
