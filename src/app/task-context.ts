/** What a handler with `bind: true` is given first: the request it serves, and what it may do about it. */
import type { Duration } from '../duration.js'
import type { Log } from '../log.js'

export interface TaskContext {
  readonly id: string
  /** The registered name. */
  readonly name: string
  /** As they were sent, before they were bound to parameters. */
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  /** Retries made so far: 0 in the first run. */
  readonly retries: number
  /** Infinity: no limit. */
  readonly maxRetries: number
  /** Null when it was called directly. */
  readonly queue: string | null
  readonly parentId: string | null
  readonly rootId: string
  /** Headers of the caller's own. */
  readonly headers: Readonly<Record<string, unknown>>
  /** Where it was sent from; null when the sender did not say (Python, or `taskSendOrigin` off). */
  readonly sentFrom: SentFrom | null
  /** A worker had it before and did not finish. */
  readonly redelivered: boolean
  readonly eta: Date | null
  /**
   * Fires at the soft time limit (reason: SoftTimeLimitExceeded), when the task is terminated (TaskTerminated), at the end of a stop's grace
   * and when the lease is lost: hand it to `fetch` and the like. At the end of a stop there is a quarter of a second left: who returns in it
   * has done its work, who throws is run again, elsewhere, and that is no failure and no retry.
   */
  readonly signal: AbortSignal
  /** Lines carry the task's name and id. */
  readonly log: Log

  /** Ends this run and has the task run again later. Never returns: it throws Retry, or the `cause` when no try is left. */
  retry(options?: RetryOptions): never
  /** State PROGRESS with `meta` (anything JSON can hold): what `AsyncResult.info` and `tasks result --follow` show. */
  progress(meta: unknown): Promise<void>
  /** Any state of your own; not one that ends a task. */
  updateState(state: string, meta?: unknown): Promise<void>
}

/** The header `sent_from`. */
export interface SentFrom {
  /** `file:line` of the caller, relative to its working directory; null when no frame of its own was found. */
  readonly at: string | null
  readonly host: string
  readonly pid: number
  /** The version of celerity. */
  readonly version: string
}

export interface RetryOptions {
  /** Wait this long; absent: the task's back-off, or its `retry.delay`. */
  readonly countdown?: Duration
  /** Not before; wins over `countdown`. ISO text, or milliseconds since 1970. */
  readonly eta?: Date | string | number
  /** What went wrong: stored with the state RETRY, and thrown when no try is left. */
  readonly cause?: unknown
  /** The most retries; absent: the task's. */
  readonly max?: number
  /** Other arguments than this time. */
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
  readonly queue?: string
  readonly priority?: number
}
