/** The application: its tasks, its settings, and what they are sent with. Two of them in one process do not know each other. */
import type { Broker } from '../broker/broker.js'
import { type Clock, systemClock } from '../clock.js'
import type { Settings, SettingsInput } from '../config/schema.js'
import { CelerityError } from '../errors.js'
import { type Log, silentLog } from '../log.js'
import type { ResultStore } from '../results/store.js'
import { AsyncResult } from './async-result.js'
import type { CallOptions } from './call-options.js'
import { callSite } from './call-site.js'
import { directContext } from './direct-context.js'
import { Dispatch } from './dispatch.js'
import { closedError, LazyRuntime, type Substitution } from './lazy-runtime.js'
import { Registry } from './registry.js'
import { ResultAccess } from './result-access.js'
import type { Runtime } from './runtime.js'
import { DeclaredSchedule, type ScheduleOptions } from './schedules.js'
import { toWireOptions } from './signature-options.js'
import type { StandardSchema } from './standard-schema.js'
import { createTask, type Task, type TaskOf } from './task.js'
import type { TaskContext } from './task-context.js'
import type { TaskOptions } from './task-options.js'
import { TaskSignature } from './task-signature.js'

/** The worker's path for one message without a broker: from its bytes to the JSON of its result. */
export type InProcessRunner = (app: Celerity, raw: Buffer) => Promise<string>

/** What an application is made with; each has a default. */
export interface CelerityParts {
  /** Default: eager runs are refused. */
  readonly runInProcess?: InProcessRunner
  /** Default: silent, until a command hands its own to `configure`. */
  readonly log?: Log
  readonly clock?: Clock
}

/** A signature to which nothing has to be added. */
export type CompleteSignature = TaskSignature<readonly [], unknown>

/** The results of signatures, in their order. */
export type ResultsOf<Signatures extends readonly CompleteSignature[]> = {
  readonly [At in keyof Signatures]: Signatures[At] extends TaskSignature<infer _, infer Result> ? AsyncResult<Result> : never
}

const MARK = Symbol.for('celerity.app')

export class Celerity {
  readonly name: string
  /** The settings given in code: the weakest source but for the defaults. */
  readonly declared: SettingsInput
  readonly registry = new Registry()
  readonly declaredSchedule = new DeclaredSchedule()
  readonly #runtime: LazyRuntime
  readonly #results: ResultAccess
  readonly #dispatch: Dispatch
  readonly #log: Log

  /** Nothing is read and nothing is opened before it is needed, so that a module may make one at import. */
  constructor(name: string, settings: SettingsInput = {}, parts: CelerityParts = {}) {
    if (typeof name !== 'string' || name === '') throw new CelerityError('E_USAGE', { message: 'an application needs a name' })
    this.name = name
    this.declared = settings
    this.#log = parts.log ?? silentLog
    this.#runtime = new LazyRuntime({ declared: settings, registry: this.registry, log: this.#log, clock: parts.clock ?? systemClock })
    this.#results = new ResultAccess(this.#runtime)
    const { runInProcess } = parts
    this.#dispatch = new Dispatch({
      runtime: this.#runtime,
      results: this.#results,
      runInProcess: runInProcess === undefined ? undefined : (raw) => runInProcess(this, raw),
    })
    // A mark, not `instanceof`: the command that loads an application may hold another copy of this class.
    Object.defineProperty(this, MARK, { value: true })
  }

  /**
   * Registers a task.
   *
   * @param name unique in this application, such as `kuma.add`: messages carry it
   * @throws     E_TASK_DEFINITION
   */
  task<Handler extends CallableFunction>(name: string, handler: Handler): TaskOf<Handler>
  task<Args extends unknown[], Returned>(
    name: string,
    options: TaskOptions<Args> & { readonly bind: true },
    handler: (task: TaskContext, ...args: Args) => Returned,
  ): Task<Args, Returned>
  task<Args extends unknown[], Returned>(
    name: string,
    options: TaskOptions<Args> & { readonly bind?: false; readonly schema: StandardSchema<unknown, Args> },
    handler: (...args: Args) => Returned,
  ): Task<Args, Returned>
  task<Handler extends CallableFunction>(
    name: string,
    options: TaskOptions & { readonly bind?: false; readonly schema?: undefined },
    handler: Handler,
  ): TaskOf<Handler>
  task(name: string, ...rest: readonly unknown[]): unknown {
    const [options, handler] = rest.length === 1 ? [{}, rest[0]] : [rest[0] as TaskOptions, rest[1]]
    const definition = this.registry.add(name, options, handler, callSite(this.task))
    const log = () => this.#runtime.current?.log ?? this.#log
    return createTask(definition, this.#dispatch, (args) => directContext(this.registry.get(name) ?? definition, args, log()))
  }

  /**
   * Declares a periodic task: `tasks beat` sends it whenever it is due. An entry of the same name in the setting `beatSchedule` wins.
   *
   * @param name unique in this application
   * @throws     E_SCHEDULE
   * @example    app.schedule('sitemaps', { every: crontab({ minute: 0, hour: 5 }), task: buildSitemaps.s() })
   */
  schedule(name: string, entry: ScheduleOptions): void {
    this.declaredSchedule.add(name, entry)
  }

  /** Sends a task by name: one that lives elsewhere, in Python perhaps. */
  async send<Result = unknown>(task: string, args: readonly unknown[] = [], options: CallOptions = {}): Promise<AsyncResult<Result>> {
    const [result] = await this.#dispatch.send([{ task, args, options }], this.send)
    return result as AsyncResult<Result>
  }

  /** Sends them all in one round trip, all or none. */
  async sendMany<const Signatures extends readonly CompleteSignature[]>(signatures: Signatures): Promise<ResultsOf<Signatures>> {
    const requests = signatures.map((signature) => signature.request())
    return (await this.#dispatch.send(requests, this.sendMany)) as ResultsOf<Signatures>
  }

  /** A signature of a task that lives elsewhere. */
  signature<Result = unknown>(
    task: string,
    args: readonly unknown[] = [],
    options: CallOptions = {},
  ): TaskSignature<readonly unknown[], Result> {
    return new TaskSignature(this.#dispatch, {
      task,
      args,
      kwargs: options.kwargs ?? {},
      options: toWireOptions(options),
      immutable: false,
    })
  }

  /** The handle of a task that was sent before, here or elsewhere. */
  result<Result = unknown>(id: string): AsyncResult<Result> {
    return new AsyncResult<Result>(id, this.#results)
  }

  /** None of them runs any more that has not begun; Node and Python workers are told. */
  revoke(ids: readonly string[]): Promise<void> {
    return this.#results.revoke(ids)
  }

  /**
   * Settings that a command has loaded, and its log; instead of their being looked for at the first send.
   * @throws E_USAGE when they were found already
   */
  configure(settings: Settings, log?: Log): Runtime {
    return this.#runtime.configure(settings, log)
  }

  /**
   * Other settings for a while, whether or not it has its own already: for `celerity/testing`.
   * @returns what ends it: who still waits for a result is told, connections are closed, and what was before is in use again
   */
  substitute(settings: Settings, log: Log, clock: Clock): Substitution {
    const { runtime, end } = this.#runtime.substitute(settings, log, clock)
    const endAll = async () => {
      await this.#results.close(closedError())
      await end()
    }
    return { runtime, end: endAll }
  }

  /** Settings, and what is made of them. @throws E_SETTINGS */
  runtime(): Promise<Runtime> {
    return this.#runtime.get()
  }

  /** The shared broker, opened when first asked for. */
  async broker(): Promise<Broker> {
    return (await this.#runtime.get()).connections.broker()
  }

  /** The shared result store, opened when first asked for. @throws E_RESULTS_DISABLED */
  async results(): Promise<ResultStore> {
    return (await this.#runtime.get()).connections.results()
  }

  /** Waits for what is being sent, ends what waits for results, closes the connections. A process that does not call it goes on living. */
  async close(): Promise<void> {
    await this.#results.close(closedError())
    await this.#runtime.close()
  }
}

/** Whether this is an application, from whichever copy of the package. */
export function isCelerity(value: unknown): value is Celerity {
  return typeof value === 'object' && value !== null && MARK in value
}
