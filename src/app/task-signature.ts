/** A call of a task, not yet sent: what links, and later chains and chords, are made of. */
import type { Signature } from '../protocol/signature.js'
import type { AsyncResult } from './async-result.js'
import { type CallOptions, plain } from './call-options.js'
import type { SendRequest } from './message-builder.js'
import { fromWireOptions, toWireOptions } from './signature-options.js'

/** What a signature needs of its application. */
export interface Caller {
  /** @param below the public function that was called: the call site is its caller */
  send(requests: readonly SendRequest[], below: CallableFunction): Promise<readonly AsyncResult[]>
  apply(request: SendRequest, below: CallableFunction): Promise<AsyncResult>
}

/** Arguments and options of a call; the arguments may be left out where all of them may. */
export type ApplyParameters<Args extends readonly unknown[]> = [] extends Args
  ? [args?: Args, options?: CallOptions]
  : [args: Args, options?: CallOptions]

/** `Args` are those still to be given, `Result` is what the task returns. Immutable: every change makes another one. */
export class TaskSignature<Args extends readonly unknown[] = readonly unknown[], Result = unknown> implements Signature {
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  /** As they travel: Celery's names. */
  readonly options: Readonly<Record<string, unknown>>
  readonly subtask_type = null
  readonly immutable: boolean
  readonly #caller: Caller

  constructor(caller: Caller, signature: Omit<Signature, 'subtask_type'>) {
    this.#caller = caller
    this.task = signature.task
    this.args = signature.args
    this.kwargs = signature.kwargs
    this.options = signature.options
    this.immutable = signature.immutable
  }

  /** The same with more options; new ones win. */
  set(options: CallOptions): TaskSignature<Args, Result> {
    const kwargs = { ...this.kwargs, ...options.kwargs }
    return new TaskSignature(this.#caller, { ...plain(this), kwargs, options: { ...this.options, ...toWireOptions(options) } })
  }

  /** Sends it. What is given here goes before what it holds already. */
  async delay(...args: Args): Promise<AsyncResult<Result>> {
    const [result] = await this.#caller.send([this.request(args)], this.delay)
    return result as AsyncResult<Result>
  }

  async applyAsync(...[args, options]: ApplyParameters<Args>): Promise<AsyncResult<Result>> {
    const [result] = await this.#caller.send([this.request(args ?? [], options)], this.applyAsync)
    return result as AsyncResult<Result>
  }

  /** Runs it here, over the whole path of a worker. */
  async apply(...[args, options]: ApplyParameters<Args>): Promise<AsyncResult<Result>> {
    return (await this.#caller.apply(this.request(args ?? [], options), this.apply)) as AsyncResult<Result>
  }

  /** As a call to be sent. */
  request(args: readonly unknown[] = [], options: CallOptions = {}): SendRequest {
    const { call, workflow } = fromWireOptions(this.options)
    return {
      task: this.task,
      args: this.immutable ? this.args : [...args, ...this.args],
      options: { ...call, ...options, kwargs: { ...this.kwargs, ...options.kwargs } },
      workflow,
    }
  }

  toJSON(): Signature {
    return plain(this)
  }
}
