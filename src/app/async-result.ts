/** The handle of a task that was sent: its state, its value, its error, from whichever worker runs it. */
import { type Duration, seconds } from '../duration.js'
import { CelerityError } from '../errors.js'
import { fromWireError, type RemoteTaskError } from '../protocol/error-wire.js'
import { decodeResult, isFinal, stateOf, type TaskResult } from '../protocol/result.js'
import { ResultChanges } from './result-changes.js'
import type { Listener } from './result-feed.js'
import { TaskRevoked } from './throwables.js'

/** What an AsyncResult needs of its application. */
export interface ResultSource {
  read(id: string): Promise<string | null>
  listen(id: string, listener: Listener): () => void
  forget(ids: readonly string[]): Promise<void>
  revoke(ids: readonly string[]): Promise<void>
  /** Says that a task waits for another one. */
  noteWait(id: string): void
}

export interface WaitOptions {
  /** Seconds, or `'5m'`; default: no limit. */
  readonly timeout?: Duration
  /** Stops the waiting; the promise rejects with its reason. */
  readonly signal?: AbortSignal
}

export interface GetOptions extends WaitOptions {
  /** False: a failure is returned, not thrown. */
  readonly propagate?: boolean
}

export type FinalState = 'SUCCESS' | 'FAILURE' | 'REVOKED'

/** A task at one moment. */
export interface TaskState {
  /** PENDING, STARTED, PROGRESS, RETRY, SUCCESS, FAILURE, REVOKED, or one of the task's own. */
  readonly state: string
  /** The value of SUCCESS, the error of RETRY, FAILURE and REVOKED, the meta of any other; null for PENDING. */
  readonly info: unknown
}

const PENDING: TaskState = { state: 'PENDING', info: null }

/** How the result is known, when it is known beforehand. */
export type Known = { readonly ignored: true } | { readonly result: TaskResult }

export class AsyncResult<T = unknown> {
  readonly id: string
  readonly #source: ResultSource
  readonly #ignored: boolean
  /** Once final, nothing can change it: no more round trips. */
  #final: TaskResult | undefined

  /** Applications make these: `task.delay()`, `app.result(id)`. */
  constructor(id: string, source: ResultSource, known?: Known) {
    this.id = id
    this.#source = source
    this.#ignored = known !== undefined && 'ignored' in known
    this.#final = known !== undefined && 'result' in known ? known.result : undefined
  }

  /**
   * Waits for the value. Waiting inside a task can lock up all workers, each waiting for the other: it is warned of.
   *
   * @throws RemoteTaskError with the type, message and traceback of the failure, TaskRevoked, E_RESULT_TIMEOUT, E_RESULTS_DISABLED,
   *         E_RESULTS_UNREACHABLE
   */
  async get(options: GetOptions & { readonly propagate: false }): Promise<T | RemoteTaskError | TaskRevoked>
  async get(options?: GetOptions): Promise<T>
  async get(options: GetOptions = {}): Promise<unknown> {
    const { outcome } = await this.#wait(options)
    if (outcome.kind !== 'error') return outcome.kind === 'success' ? outcome.value : outcome.meta
    const error = errorOf(this.id, outcome)
    if (options.propagate === false) return error
    throw error
  }

  /** Waits for the end, whatever it is. @throws as `get`, but for the task's own failure */
  async wait(options: WaitOptions = {}): Promise<FinalState> {
    return stateOf((await this.#wait(options)).outcome) as FinalState
  }

  /** PENDING when nothing is known of it: it waits, or was never sent, or its result has expired. */
  async state(): Promise<string> {
    return (await this.#now()).state
  }

  /** What belongs to the state: see `TaskState.info`. */
  async info(): Promise<unknown> {
    return (await this.#now()).info
  }

  async ready(): Promise<boolean> {
    return isFinal(await this.state())
  }

  async successful(): Promise<boolean> {
    return (await this.state()) === 'SUCCESS'
  }

  async failed(): Promise<boolean> {
    return (await this.state()) === 'FAILURE'
  }

  /** Of the failure or the last retry; null when there is none. */
  async traceback(): Promise<string | null> {
    const outcome = (await this.#read())?.outcome
    return outcome?.kind === 'error' ? outcome.error.traceback : null
  }

  /** What it sent while it ran, known when it is done. */
  async children(): Promise<readonly AsyncResult[]> {
    const children = (await this.#read())?.children ?? []
    return children.map((child) => new AsyncResult(child.id, this.#source))
  }

  /**
   * Every state from now on, the present one first; ends with the final one.
   * @example for await (const { state, info } of result.follow()) console.log(state, info)
   */
  async *follow(options: WaitOptions = {}): AsyncGenerator<TaskState, void, undefined> {
    if (this.#final !== undefined) return yield describe(this.id, this.#final)
    this.#refuseIgnored()
    const changes = new ResultChanges(this.#source, this.id, options.signal, this.#deadline(options))
    try {
      for await (const json of changes) {
        const result = this.#decode(json)
        yield describe(this.id, result)
        if (this.#final !== undefined) return
      }
    } finally {
      changes.close()
    }
  }

  /** Removes the result from the store. */
  async forget(): Promise<void> {
    this.#final = undefined
    await this.#source.forget([this.id])
  }

  /** The task does not run any more, if it has not begun; Node and Python workers are told alike. */
  async revoke(): Promise<void> {
    await this.#source.revoke([this.id])
  }

  async #wait(options: WaitOptions): Promise<TaskResult> {
    if (this.#final !== undefined) return this.#final
    this.#refuseIgnored()
    this.#source.noteWait(this.id)
    const changes = new ResultChanges(this.#source, this.id, options.signal, this.#deadline(options))
    try {
      for await (const json of changes) {
        this.#decode(json)
        if (this.#final !== undefined) return this.#final
      }
      throw new TypeError('changes of a result end only by an error') // unreachable: keeps the types honest
    } finally {
      changes.close()
    }
  }

  async #now(): Promise<TaskState> {
    return describe(this.id, await this.#read())
  }

  async #read(): Promise<TaskResult | null> {
    return this.#final ?? this.#decode(await this.#source.read(this.id))
  }

  #decode(json: string | null): TaskResult | null {
    if (json === null) return null
    const decoded = decodeResult(json)
    if (!decoded.ok) {
      throw new CelerityError('E_RESULT_UNREADABLE', { message: `the result of task ${this.id} cannot be read: ${decoded.reason}` })
    }
    if (isFinal(stateOf(decoded.result.outcome))) this.#final = decoded.result
    return decoded.result
  }

  #deadline({ timeout }: WaitOptions): { readonly seconds: number; readonly error: () => Error } | undefined {
    if (timeout === undefined) return undefined
    const limit = seconds(timeout)
    const error = () =>
      new CelerityError('E_RESULT_TIMEOUT', {
        message: `task ${this.id} was not done within ${limit} s`,
        hint: 'Does a worker consume its queue? The task itself goes on: this only stopped waiting for it.',
      })
    return { seconds: limit, error }
  }

  #refuseIgnored(): void {
    if (!this.#ignored) return
    throw new CelerityError('E_RESULTS_DISABLED', {
      message: `task ${this.id} ignores its result: there is nothing to wait for`,
      hint: 'Leave out ignoreResult, in the call, in the definition and in the settings.',
    })
  }
}

function describe(id: string, result: TaskResult | null): TaskState {
  if (result === null) return PENDING
  const { outcome } = result
  switch (outcome.kind) {
    case 'success':
      return { state: 'SUCCESS', info: outcome.value }
    case 'meta':
      return { state: outcome.state, info: outcome.meta }
    case 'error':
      return { state: outcome.state, info: errorOf(id, outcome) }
  }
}

function errorOf(id: string, outcome: Extract<TaskResult['outcome'], { kind: 'error' }>): RemoteTaskError | TaskRevoked {
  if (outcome.state !== 'REVOKED') return fromWireError(outcome.error)
  return new TaskRevoked(id, typeof outcome.error.message[0] === 'string' ? outcome.error.message[0] : 'revoked')
}
