/** What a bound handler is given (`app/task-context.ts`), made from the run it serves. */
import { readSentFrom } from '../app/sent-from.js'
import type { RetryOptions, SentFrom, TaskContext } from '../app/task-context.js'
import { Retry } from '../app/throwables.js'
import { CelerityError } from '../errors.js'
import type { Log } from '../log.js'
import type { Run } from './run.js'

export interface ContextParts {
  readonly log: Log
  /** Stores a state that does not end the task. */
  store(run: Run, state: string, meta: unknown): Promise<void>
}

/** States that end a task or are the worker's to set: a handler reaches them by returning, throwing or `retry()`. */
const RESERVED = new Set(['PENDING', 'RECEIVED', 'STARTED', 'SUCCESS', 'FAILURE', 'RETRY', 'REVOKED', 'REJECTED', 'IGNORED'])

export class RunContext implements TaskContext {
  readonly #run: Run
  readonly #parts: ContextParts
  #log: Log | undefined

  constructor(run: Run, parts: ContextParts) {
    this.#run = run
    this.#parts = parts
  }

  get id(): string {
    return this.#run.id
  }
  get name(): string {
    return this.#run.task
  }
  get args(): readonly unknown[] {
    return this.#run.request.message.args
  }
  get kwargs(): Readonly<Record<string, unknown>> {
    return this.#run.request.message.kwargs
  }
  get retries(): number {
    return this.#run.request.message.retries
  }
  get maxRetries(): number {
    return this.#run.request.definition.policy.retry.max
  }
  get queue(): string {
    return this.#run.request.delivery.lane.queue
  }
  get parentId(): string | null {
    return this.#run.request.message.parentId
  }
  get rootId(): string {
    return this.#run.rootId
  }
  get headers(): Readonly<Record<string, unknown>> {
    return this.#run.request.message.headers
  }
  get sentFrom(): SentFrom | null {
    return readSentFrom(this.headers['sent_from'])
  }
  get redelivered(): boolean {
    return this.#run.request.message.redelivered
  }
  get eta(): Date | null {
    const { eta } = this.#run.request.message
    return eta === null ? null : new Date(eta)
  }
  get signal(): AbortSignal {
    return this.#run.signal
  }
  get log(): Log {
    this.#log ??= this.#parts.log.child({ task: this.name, id: this.id })
    return this.#log
  }

  retry(options: RetryOptions = {}): never {
    throw new Retry(options)
  }

  progress(meta: unknown): Promise<void> {
    return this.updateState('PROGRESS', meta)
  }

  updateState(state: string, meta: unknown = null): Promise<void> {
    if (RESERVED.has(state)) {
      const error = new CelerityError('E_USAGE', {
        message: `updateState: ${state} is a state the worker sets`,
        hint: 'Use a name of your own; return, throw or retry() end the task.',
      })
      return Promise.reject(error)
    }
    // The outcome stands: a late word of a handler that outlived its limit must not overwrite it.
    if (this.#run.over) return Promise.resolve()
    const write = this.#parts.store(this.#run, state, meta)
    this.#run.pending ??= new Set()
    const { pending } = this.#run
    pending.add(write)
    const done = () => pending.delete(write)
    write.then(done, done)
    return write
  }
}
