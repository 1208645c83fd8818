/** A whole worker on brokers and stores of its own, in memory: what it does is seen from outside, as its users see it. */
import { randomUUID } from 'node:crypto'
import type { Broker, Consumer, DeadLetter, QueueCounts } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { settingsOf } from '../../src/config/load.js'
import type { SettingsInput } from '../../src/config/schema.js'
import { Celerity, CelerityError } from '../../src/index.js'
import { createLog } from '../../src/log.js'
import { decodeResult, type TaskResult } from '../../src/protocol/result.js'
import type { ResultStore } from '../../src/results/store.js'
import { createWorker, type WorkerChoice } from '../../src/worker/create.js'
import { createOutcomes } from '../../src/worker/create-outcomes.js'
import { Worker } from '../../src/worker/worker.js'
import type { WorkerOptions, WorkerParts } from '../../src/worker/worker-options.js'
import type { Line } from '../app/an-app.js'
import { eventually } from '../eventually.js'

/** What a test does to a worker's surroundings. */
export interface Meddling {
  readonly choice?: WorkerChoice
  readonly options?: Partial<WorkerOptions>
  readonly parts?: Partial<WorkerParts>
  /** Called before each step at the broker; what it throws is what the worker gets, and the step is not carried out. */
  readonly before?: (step: string, args: readonly unknown[]) => unknown
  /** Called after each step that was carried out, with its answer; what it throws replaces the answer. */
  readonly after?: (step: string, args: readonly unknown[], answer: unknown) => unknown
}

/** An application, its log, and the workers that run for it; `end` after each test. */
export class Stage {
  readonly url = `memory://${randomUUID()}`
  readonly app: Celerity
  readonly lines: Line[] = []
  readonly #workers: { readonly worker: Worker; readonly ended: Promise<void> }[] = []
  readonly #crashes: unknown[] = []
  readonly #connections: Broker[] = []

  constructor(settings: SettingsInput = {}) {
    this.app = new Celerity('kuma')
    const log = createLog('debug', (level, text, fields) => this.lines.push({ level, text, fields }))
    this.app.configure(settingsOf({ brokerUrl: this.url, resultBackend: this.url, workerConcurrency: 2, ...settings }), log)
  }

  /** A worker that runs, with a promise of its end. */
  async work(meddling: Meddling = {}): Promise<{ readonly worker: Worker; readonly ended: Promise<void> }> {
    const worker = await this.worker(meddling)
    const ended = worker.run()
    ended.catch((error: unknown) => this.#crashes.push(error)) // named in the end, when nothing else explains what went wrong
    this.#workers.push({ worker, ended })
    return { worker, ended }
  }

  async worker({ choice, options, parts, before, after }: Meddling = {}): Promise<Worker> {
    const made = await createWorker(this.app, choice)
    if ((options ?? parts ?? before ?? after) === undefined) return made.worker
    const runtime = await this.app.runtime()
    const broker = meddled(parts?.broker ?? (await this.app.broker()), before, after)
    const results = parts?.results ?? (runtime.settings.resultBackend === null ? null : await this.app.results())
    const { node } = made.options
    const outcomes = createOutcomes(runtime, { store: results, brokerServer: broker.can.server, node })
    return new Worker({ ...made.parts, outcomes, ...parts, broker, results }, { ...made.options, ...options })
  }

  /** Another connection to its broker, as another process has one: nobody is fenced over the one that registered him. */
  async connect(): Promise<Broker> {
    const broker = await openBroker((await this.app.runtime()).settings.brokerUrl, {})
    this.#connections.push(broker)
    return broker
  }

  async result(id: string): Promise<TaskResult | null> {
    const [json] = await (await this.app.results()).get([id])
    if (json === null || json === undefined) return null
    const decoded = decodeResult(json)
    if (!decoded.ok) throw new Error(decoded.reason)
    return decoded.result
  }

  async counts(queue = 'celery'): Promise<QueueCounts> {
    const [counts] = await (await this.app.broker()).queues.counts([queue])
    return counts as QueueCounts
  }

  async dead(queue = 'celery'): Promise<readonly DeadLetter[]> {
    return (await this.app.broker()).queues.dead(queue, 0, 100)
  }

  /** Resolves when nothing is ready, delayed or in flight. */
  settled(queue = 'celery'): Promise<QueueCounts> {
    return eventually(async () => {
      const counts = await this.counts(queue)
      return counts.ready + counts.delayed + counts.leased === 0 && counts
    })
  }

  /** The lines that contain `text`, of any level. */
  said(text: string): Line[] {
    return this.lines.filter((line) => line.text.includes(text))
  }

  async end(): Promise<void> {
    for (const { worker } of this.#workers) worker.stopNow()
    await Promise.allSettled(this.#workers.map(({ ended }) => ended))
    await Promise.all([this.app.close(), ...this.#connections.map((broker) => broker.close())])
    if (this.#crashes.length > 0) throw new AggregateError(this.#crashes, `a worker ended by an error: ${String(this.#crashes[0])}`)
  }
}

/** A promise, and how it is kept. */
export interface Gate<T = void> {
  readonly passed: Promise<T>
  open(value: T): void
}

export function gate<T = void>(): Gate<T> {
  let open: (value: T) => void = () => {}
  const passed = new Promise<T>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

/** The same broker, with a word before and after each of its steps and those of its consumers. */
function meddled(broker: Broker, before: Meddling['before'], after: Meddling['after']): Broker {
  return before === undefined && after === undefined ? broker : over(broker)

  function over<T extends Broker | Consumer>(target: T): T {
    return new Proxy(target, {
      get(_, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function' || typeof key !== 'string') return value
        return async (...args: unknown[]) => {
          await before?.(key, args)
          const answer: unknown = await value.apply(target, args)
          await after?.(key, args, answer)
          return key === 'register' ? over(answer as Consumer) : answer
        }
      },
    })
  }
}

/** A store that is another server than any broker: results are written before the ack. */
export function elsewhere(store: ResultStore): ResultStore {
  return new Proxy(store, {
    get(_, key) {
      const value: unknown = Reflect.get(store, key, store)
      return key === 'server' ? 'memory:elsewhere' : typeof value === 'function' ? value.bind(store) : value
    },
  })
}

/** What a broker says that is away. */
export function unreachable(): CelerityError {
  return new CelerityError('E_BROKER_UNREACHABLE', { message: 'Cannot reach the broker' })
}
