/**
 * `celerity/testing`: a worker and a broker inside the test, over the real codec, so that a test calls tasks as production does. Nothing
 * is mocked: what the application sends becomes bytes, is taken, validated, run, tried again and settled as in `tasks worker`, in memory.
 */
import { randomUUID } from 'node:crypto'
import type { Celerity } from './app/celerity.js'
import type { Substitution } from './app/lazy-runtime.js'
import { queuesOf } from './app/queues.js'
import type { Broker, Consumer, DeadLetter, QueueCounts } from './broker/broker.js'
import { type Clock, systemClock } from './clock.js'
import { settingsOf } from './config/load.js'
import type { Settings, SettingsInput } from './config/schema.js'
import { type Duration, seconds } from './duration.js'
import { CelerityError } from './errors.js'
import { type Log, silentLog } from './log.js'
import { createWorker } from './worker/create.js'
import type { Outcome } from './worker/outcome.js'
import type { Run } from './worker/run.js'
import type { Worker } from './worker/worker.js'

export type { DeadLetter }

export interface TestWorkerOptions {
  /** Instead of the application's own settings. Broker and results are in memory whatever they say. */
  readonly settings?: SettingsInput
  /** Queues to take from besides those that the application's tasks and routes name. */
  readonly queues?: readonly string[]
  /** Where the lines of the worker go; default: nowhere. */
  readonly log?: Log
}

/** How one run of a task ended. A task that is tried again has several. */
export interface TestResult {
  readonly id: string
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly queue: string
  /** Retries made before this run. */
  readonly retries: number
  readonly state: 'SUCCESS' | 'FAILURE' | 'RETRY' | 'IGNORED' | 'REJECTED' | 'REVOKED'
  /** What the handler returned; undefined unless the state is SUCCESS. */
  readonly value: unknown
  /** What the handler threw, or gave `retry()` as the cause; undefined when it did not. */
  readonly error: unknown
}

/**
 * Has the tasks that `app` sends run here, until `close`. Works with an application of any settings and in any order of tests, one worker
 * at a time.
 *
 * @example
 * const kit = await testWorker(app)
 * await editPage('docs/Web', 'new text')                        // your code, which sends tasks
 * await kit.idle()
 * expect(kit.results.map(({ task }) => task)).to.deep.equal(['kuma.index', 'kuma.mail'])
 * await kit.close()
 *
 * @throws E_SETTINGS, when those of the application cannot be read; E_USAGE, when it has a test worker already
 */
export async function testWorker(app: Celerity, options: TestWorkerOptions = {}): Promise<TestWorker> {
  const url = `memory://${randomUUID()}`
  const wanted = { ...(await app.runtime()).settings, ...only(options.settings ?? {}) }
  const settings = { ...wanted, brokerUrl: url, resultBackend: wanted.resultBackend === null ? null : url, taskAlwaysEager: false }
  const clock = new TestClock()
  const substitution = app.substitute(settings, options.log ?? silentLog, clock)
  try {
    const queues = [...new Set([...queuesOf(app.registry, settings), ...(options.queues ?? [])])]
    return await TestWorker.start(app, substitution, clock, queues)
  } catch (error) {
    await substitution.end()
    throw error
  }
}

/** A worker in the test: see `testWorker`. */
export class TestWorker {
  /** Every run that has ended, in order. */
  readonly results: readonly TestResult[]
  readonly #substitution: Substitution
  readonly #clock: TestClock
  readonly #queues: readonly string[]
  readonly #broker: Broker
  /** Takes nothing; moves what is due, and knows what will be. */
  readonly #watcher: Consumer
  readonly #worker: Worker
  readonly #ended: Promise<void>
  #looks = 0
  #failure: { readonly error: unknown } | undefined
  #closing: Promise<void> | undefined

  /** @internal */
  static async start(app: Celerity, substitution: Substitution, clock: TestClock, queues: readonly string[]): Promise<TestWorker> {
    const results: TestResult[] = []
    const { worker } = await createWorker(app, { queues, ended: (run, outcome) => results.push(resultOf(run, outcome)) })
    const broker = await substitution.runtime.connections.broker()
    const watcher = await broker.register({ incarnation: randomUUID(), node: 'test', leaseMs: 2 ** 40, queues: [] })
    return new TestWorker({ results, substitution, clock, queues, broker, watcher, worker })
  }

  private constructor(parts: {
    readonly results: readonly TestResult[]
    readonly substitution: Substitution
    readonly clock: TestClock
    readonly queues: readonly string[]
    readonly broker: Broker
    readonly watcher: Consumer
    readonly worker: Worker
  }) {
    this.results = parts.results
    this.#substitution = parts.substitution
    this.#clock = parts.clock
    this.#queues = parts.queues
    this.#broker = parts.broker
    this.#watcher = parts.watcher
    this.#worker = parts.worker
    this.#ended = parts.worker.run().catch((error: unknown) => {
      this.#failure = { error }
    })
  }

  /**
   * Resolves when nothing waits and nothing runs, retries and callbacks included. What is delayed (ETA, countdown, the wait of a retry)
   * is left waiting; with `delayed` the clock is turned to its time, until none is left.
   *
   * @throws E_USAGE when something waits in a queue that this worker does not take from
   */
  async idle({ delayed = false }: { readonly delayed?: boolean } = {}): Promise<void> {
    for (;;) {
      const due = await this.#quiet()
      if (!delayed || due === null) return
      this.#clock.turn(Math.max(0, due - this.#clock.now()))
    }
  }

  /** Turns the clock forward, and resolves when what has become due is done. Only for what waits at the broker: time limits run on. */
  async advance(span: Duration): Promise<void> {
    this.#clock.turn(seconds(span) * 1000)
    await this.idle()
  }

  /** The dead letters of a queue, or of all; the newest first. */
  async dead(queue?: string): Promise<readonly DeadLetter[]> {
    const names = queue === undefined ? await this.#broker.queues.names() : [queue]
    return (await Promise.all(names.map((name) => this.#broker.queues.dead(name, 0, 10_000)))).flat()
  }

  /** Stops the worker, whatever runs, drops what is left, and gives the application its own settings back. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#worker.stopNow()
    await this.#ended
    await this.#substitution.end()
  }

  /** Waits until nothing waits or runs; then when the next delayed message is due, or null. */
  async #quiet(): Promise<number | null> {
    for (;;) {
      await nextTurn() // what was sent in this turn of the event loop leaves at its end
      if (this.#failure !== undefined) throw this.#failure.error
      const taken = await this.#watcher.take(++this.#looks, this.#queues, 0)
      const counts = await this.#broker.queues.counts(await this.#broker.queues.names())
      this.#refuseStranded(counts)
      if (taken !== 'lost' && counts.every(({ ready, leased }) => ready + leased === 0)) return taken.nextDue
      await systemClock.sleep(0.001)
    }
  }

  #refuseStranded(counts: readonly QueueCounts[]): void {
    const stranded = counts.find(({ queue, ready, delayed }) => ready + delayed > 0 && !this.#queues.includes(queue))
    if (stranded === undefined) return
    throw new CelerityError('E_USAGE', {
      message: `a task waits in queue ${stranded.queue}, and the test worker does not take from it`,
      hint: `testWorker(app, { queues: ['${stranded.queue}'] }), or check its route.`,
    })
  }
}

/** The system's clock, which can be turned forward: for what waits at the broker, while leases and durations go on as they are. */
class TestClock implements Clock {
  #ahead = 0
  readonly #sleepers = new Set<() => void>()

  now(): number {
    return systemClock.now() + this.#ahead
  }

  monotonic(): number {
    return systemClock.monotonic()
  }

  async sleep(span: number, signal?: AbortSignal): Promise<void> {
    const woken = new AbortController()
    const wake = () => woken.abort()
    this.#sleepers.add(wake)
    signal?.addEventListener('abort', wake, { once: true })
    if (signal?.aborted) wake()
    await systemClock.sleep(span, woken.signal)
    signal?.removeEventListener('abort', wake)
    this.#sleepers.delete(wake)
  }

  /** Whoever sleeps wakes; who finds it too early sleeps again. */
  turn(ms: number): void {
    this.#ahead += ms
    for (const wake of [...this.#sleepers]) wake()
  }
}

/** Those settings that were given, checked and in the form that settings have. */
function only(given: SettingsInput): Partial<Settings> {
  const read = settingsOf({ ...given, brokerUrl: 'memory://' })
  const names = Object.keys(given) as (keyof Settings)[]
  return Object.fromEntries(names.map((name) => [name, read[name]]))
}

function resultOf({ request: { message, delivery } }: Run, outcome: Outcome): TestResult {
  const { id, task, args, kwargs, retries } = message
  return { id, task, args, kwargs, queue: delivery.lane.queue, retries, ...endOf(outcome) }
}

function endOf(outcome: Outcome): Pick<TestResult, 'state' | 'value' | 'error'> {
  switch (outcome.kind) {
    case 'success':
      return { state: 'SUCCESS', value: outcome.value, error: undefined }
    case 'failure':
      return { state: 'FAILURE', value: undefined, error: outcome.error }
    case 'retry':
      return { state: 'RETRY', value: undefined, error: outcome.cause }
    case 'ignore':
      return { state: 'IGNORED', value: undefined, error: undefined }
    case 'reject':
      return { state: 'REJECTED', value: undefined, error: undefined }
    case 'terminated':
      return { state: 'REVOKED', value: undefined, error: undefined }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
