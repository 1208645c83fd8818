/**
 * A worker: takes messages, runs their tasks, settles. It opens one session (incarnation) after the other: the next one when the lease was
 * lost. Housekeeping that any process may do (due messages, dead workers, expired results) runs beside it.
 */
import type { Registry } from '../app/registry.js'
import type { Broker } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import { isCelerityError, reason } from '../errors.js'
import type { Log } from '../log.js'
import type { DecodeLimits } from '../protocol/message.js'
import type { EncodedResult, ResultStore } from '../results/store.js'
import { createJudge } from './judge.js'
import type { RemoteControl } from './keeper/panel-port.js'
import type { Outcome } from './outcome.js'
import { unlessAborted, within } from './patience.js'
import type { Run } from './run.js'
import { Session } from './session.js'
import type { Outcomes } from './settlement.js'

export interface WorkerOptions {
  /** `celery@host`. */
  readonly node: string
  readonly queues: readonly string[]
  readonly concurrency: number
  /** Messages held per slot; null: by the time tasks take. */
  readonly prefetchMultiplier: number | null
  /** Milliseconds. */
  readonly leaseMs: number
  /** Seconds that running tasks may go on after a stop. */
  readonly grace: number
  /** Seconds that the last settlements may take at the end, with a broker that is away. */
  readonly stopSeconds: number
  readonly remoteControl: RemoteControl
  /** Seconds between two heartbeats. */
  readonly heartbeat: number
  /** Run until the queues are empty. */
  readonly once: boolean
  /** How the keeper's thread reaches the broker. */
  readonly brokerUrl: string
  readonly keyPrefix: string
  readonly deadlineMs: number
  readonly limits: DecodeLimits
}

export interface WorkerParts {
  readonly registry: Registry
  readonly broker: Broker
  readonly results: ResultStore | null
  readonly outcomes: Outcomes
  readonly clock: Clock
  readonly log: Log
  /** Evenly from [0, 1): for the jitter of retries. */
  random(): number
  /** Hears how each run ended, after its settlement is on its way. */
  readonly ended?: ((run: Run, outcome: Outcome) => void) | undefined
}

/** Timers can't be longer, in milliseconds; a grace beyond it has no end. */
const MAX_TIMER = 2 ** 31 - 1
/** Seconds that a stop waits for the housekeeping under way: any other process takes it up again. */
const HOUSE_SECONDS = 0.2
/** Seconds between two sweeps of expired results. */
const SWEEP_SECONDS = 60

export class Worker {
  readonly #parts: WorkerParts
  readonly #options: WorkerOptions
  readonly #stop = new AbortController()
  readonly #hurry = new AbortController()
  #session: Session | undefined
  #before = 0
  /** It has had a lease. */
  #served = false
  #grace: NodeJS.Timeout | undefined

  constructor(parts: WorkerParts, options: WorkerOptions) {
    this.#parts = parts
    this.#options = options
  }

  /** Whether it holds a lease, and can renew it. */
  get ready(): boolean {
    return this.#session?.leased ?? false
  }

  get active(): number {
    return this.#session?.running.size ?? 0
  }

  get processed(): number {
    return this.#before + (this.#session?.processed ?? 0)
  }

  /** Takes nothing more, gives back what has not started, lets what runs finish for `grace` seconds, and gives back the rest. */
  stop(): void {
    this.#stop.abort()
  }

  /** No grace: what runs goes back now. */
  stopNow(): void {
    this.#stop.abort()
    this.#hurry.abort()
  }

  /**
   * Resolves when it has stopped; `once`, when the queues are empty. Waits for a broker that is away.
   * @throws CelerityError when the broker refuses a worker (E_BROKER_UNSAFE, E_BROKER_URL)
   */
  async run(): Promise<void> {
    const { signal } = this.#stop
    signal.addEventListener('abort', () => this.#startGrace(), { once: true })
    const housekeeping = this.#keepHouse(signal)
    try {
      while (!signal.aborted) {
        const session = await this.#open(signal)
        if (session === null) break
        await this.#serve(session, signal)
      }
    } finally {
      this.#stop.abort()
      clearTimeout(this.#grace)
      await within(housekeeping, HOUSE_SECONDS)
    }
  }

  async #serve(session: Session, signal: AbortSignal): Promise<void> {
    this.#session = session
    let ended: 'stopped' | 'lost' | 'empty' | 'failed' = 'failed'
    try {
      ended = await session.run(signal)
    } finally {
      // Whatever ended it: its keeper would hold the lease for ever.
      if (ended === 'empty' || ended === 'failed') this.#stop.abort()
      await session.stop(this.#hurry.signal)
      this.#before += session.processed
      this.#session = undefined
    }
  }

  #startGrace(): void {
    const ms = this.#options.grace * 1000
    if (ms <= MAX_TIMER) this.#grace = setTimeout(() => this.#hurry.abort(), ms)
  }

  /** A broker that is away is waited for; one that refuses is not, unless this worker had a lease before. */
  async #open(signal: AbortSignal): Promise<Session | null> {
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        const opening = Session.open(this.#parts, this.#options)
        const session = await unlessAborted(opening, signal)
        if (session === undefined) {
          opening.then((late) => late.stop(AbortSignal.abort())).catch(() => {}) // opened after all, for nobody
          return null
        }
        const { node, concurrency } = this.#options
        this.#parts.log.info(`${node} ready${this.#served ? ' again' : ''}.`, { concurrency })
        this.#served = true
        return session
      } catch (error) {
        if (!this.#mayPass(error)) throw error
        if (tries === 0) this.#parts.log.warning(`waiting for the broker: ${reason(error)}`)
        await this.#parts.clock.sleep(Math.min(0.25 * 2 ** tries, 2), signal)
      }
    }
    return null
  }

  #mayPass(error: unknown): boolean {
    if (!isCelerityError(error)) return false
    return error.code === 'E_BROKER_UNREACHABLE' || (this.#served && error.code === 'E_BROKER_REFUSED')
  }

  async #keepHouse(signal: AbortSignal): Promise<void> {
    const { broker, results, log, clock, outcomes } = this.#parts
    const every = Math.max(this.#options.leaseMs / 3000, 0.05)
    let lastSweep = clock.monotonic()
    let late: EncodedResult[] = []
    while (!signal.aborted) {
      // Not all workers at the same moment.
      await clock.sleep(every * (0.75 + 0.5 * this.#parts.random()), signal)
      if (signal.aborted) return
      try {
        await broker.tend(createJudge(outcomes, (result) => late.push(result)))
        if (late.length > 0) await results?.set(late) // again with the next round, until they are stored
        late = []
        if (clock.monotonic() - lastSweep > SWEEP_SECONDS * 1000) {
          lastSweep = clock.monotonic()
          await results?.sweep()
        }
      } catch (error) {
        log.debug(`housekeeping will be tried again: ${reason(error)}`)
      }
    }
  }
}
