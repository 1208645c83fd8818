/** Whether a task runs again, and when. Pure but for the clock and the random number that are handed in. */
import { retryDelay } from '../app/retry-policy.js'
import type { RetryOptions } from '../app/task-context.js'
import { MaxRetriesExceeded } from '../app/throwables.js'
import { seconds } from '../duration.js'
import type { Outcome } from './outcome.js'
import type { Run } from './run.js'

export interface RetryClock {
  /** The broker's wall clock, milliseconds. */
  readonly brokerNow: () => number
  /** Evenly from [0, 1). */
  random(): number
}

/** With no try left the task fails with the cause it gave, else with MaxRetriesExceededError. */
export function decideRetry(run: Run, options: RetryOptions, clock: RetryClock): Outcome {
  const { message, definition } = run.request
  const policy = definition.policy.retry
  if (message.retries >= (options.max ?? policy.max)) {
    const error = options.cause ?? new MaxRetriesExceeded(message.task, message.id, message.retries)
    return { kind: 'failure', error, expected: definition.policy.throws.some((kind) => error instanceof kind) }
  }
  const due = options.eta === undefined ? clock.brokerNow() + delayMs() : new Date(options.eta).getTime()
  if (!Number.isFinite(due))
    return { kind: 'failure', error: new RangeError(`retry: eta ${String(options.eta)} is no time`), expected: false }
  return { kind: 'retry', due, cause: options.cause, options }

  function delayMs(): number {
    return 1000 * (options.countdown === undefined ? retryDelay(policy, message.retries, clock.random) : seconds(options.countdown))
  }
}
