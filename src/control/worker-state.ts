/**
 * What a worker of ours says of itself: noted at the broker every few seconds (`Broker.note`), so that `inspect`, `status` and `queues` can
 * tell what is known when nobody answers. JSON, one object; a reader takes it for a stranger's and checks each field.
 */
export interface WorkerState {
  readonly node: string
  readonly pid: number
  readonly version: string
  /** Unix seconds. */
  readonly started: number
  readonly concurrency: number
  readonly queues: readonly string[]
  readonly active: readonly ActiveTask[]
  /** Runs that ended. */
  readonly processed: number
  /** Milliseconds for which a handler has blocked the event loop; 0: it turns. */
  readonly blockedMs: number
  /** The answers of `inspect`, by wire method (`stats`, `registered`, `active_queues`, `conf` …), as they were last given. */
  readonly answers: Readonly<Record<string, unknown>>
}

export interface ActiveTask {
  readonly id: string
  readonly name: string
  /** Unix seconds. */
  readonly since: number
}
