/** How one run of a task ended. Always a value, never a throw: `trace.ts` makes it, `settlement.ts` turns it into writes and a fate. */
import type { RetryOptions } from '../app/task-context.js'

export type Outcome =
  | { readonly kind: 'success'; readonly value: unknown }
  /** `expected`: one of the task's `throws`, or its own way of saying no: no alarm in the log. */
  | { readonly kind: 'failure'; readonly error: unknown; readonly expected: boolean }
  /** `delay` in seconds, or `due` in broker milliseconds; `cause` is stored with the state RETRY. */
  | { readonly kind: 'retry'; readonly due: number; readonly cause: unknown; readonly options: RetryOptions }
  | { readonly kind: 'ignore' }
  | { readonly kind: 'reject'; readonly requeue: boolean; readonly reason: string }
  /** Terminated from outside while it ran; `signal` is the number that was named with it. */
  | { readonly kind: 'terminated'; readonly signal: number }

/** An outcome with what the run leaves beside it. */
export interface Finished {
  readonly outcome: Outcome
  /** Seconds the handler ran. */
  readonly runtime: number
  /** Ids of the messages sent meanwhile. */
  readonly children: readonly string[]
}
