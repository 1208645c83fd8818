/** One run of a request while it lasts: its signal, its children, what it writes meanwhile, and whether its outcome still counts. */
import { type CurrentRequest, currentRequest } from '../app/current.js'
import type { Request } from './request.js'

/** One for all: this is made for every task. */
const NEVER_BEGUN = Promise.resolve()

/** What a handler's signal says at the end of a stop's grace. */
export class WorkerStopped extends Error {
  constructor() {
    super('the worker stopped before the task was done')
  }
}

export class Run implements CurrentRequest {
  readonly request: Request
  readonly id: string
  readonly rootId: string
  readonly task: string
  readonly children: string[] = []
  /** On the monotonic clock, milliseconds. */
  readonly startedAt: number
  /** Writes of `progress()` under way: they end before the outcome is stored, so that it is the last word. Null: there was none. */
  pending: Set<Promise<unknown>> | null = null
  /** The outcome is decided: what the handler still does has no effect. */
  over = false
  /** The handler may have been called. */
  begun = false
  /** When it began, in unix milliseconds. */
  since = 0
  /** Its slot on the keeper's board. */
  place = -1
  /** Settles when the handler has ended. */
  ended: Promise<unknown> = NEVER_BEGUN
  #controller: AbortController | undefined
  #cancelled: unknown

  constructor(request: Request, startedAt: number) {
    this.request = request
    this.id = request.message.id
    this.rootId = request.message.rootId
    this.task = request.message.task
    this.startedAt = startedAt
  }

  /** Seconds its handler may take; null: as many as it likes. */
  get timeLimit(): number | null {
    const { message, definition } = this.request
    return message.timeLimit ?? definition.policy.timeLimit
  }

  /** Made when it is first asked for: most handlers never do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#cancelled !== undefined) this.#controller.abort(this.#cancelled)
    }
    return this.#controller.signal
  }

  /** Fires the handler's signal; the run goes on until the handler ends. */
  cancel(why: unknown): void {
    this.#cancelled ??= why
    // What a listener of the handler throws belongs to this task (cli/stray-errors.ts).
    if (this.#controller !== undefined) currentRequest.run(this, () => this.#controller?.abort(why))
  }

  /**
   * Its worker could wait no longer and it listens for that: if it fails, that is why, and it is to run again. Who never looked at its signal
   * fails by itself; what is acked early runs once, however it ends.
   */
  get isInterrupted(): boolean {
    return this.#cancelled instanceof WorkerStopped && this.#controller !== undefined && this.request.definition.policy.acks !== 'early'
  }

  /** What made the handler fail: where an API it called turned our signal into an AbortError, the signal's own reason. */
  blame(error: unknown): unknown {
    if (this.#cancelled === undefined || !(error instanceof Error) || error.name !== 'AbortError') return error
    return error.cause === this.#cancelled ? this.#cancelled : error
  }
}
