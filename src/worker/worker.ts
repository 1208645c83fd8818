/**
 * A worker: takes messages, runs their tasks, settles. It opens one session (incarnation) after the other: the next one when the lease was
 * lost, or when it was told to start anew. What an operator changes while it runs (queues, concurrency) holds for the next session too.
 */
import { isCelerityError, reason } from '../errors.js'
import { Autoscaler, type ScaleBounds } from './autoscaler.js'
import { keepHouse } from './housekeeping.js'
import { ControlPanel } from './panel/panel.js'
import type { Subject } from './panel/subject.js'
import { unlessAborted, within } from './patience.js'
import type { Request } from './request.js'
import type { Run } from './run.js'
import { Scheduled, type ScheduledTask } from './scheduled.js'
import { Session, type SessionParts } from './session.js'
import type { Signal } from './signal.js'
import { Totals } from './totals.js'
import type { WorkerOptions, WorkerParts } from './worker-options.js'

/** Timers can't be longer, in milliseconds; a grace beyond it has no end. */
const MAX_TIMER = 2 ** 31 - 1
/** Seconds that a stop waits for the last events, and for the housekeeping under way: any other process takes that up again. */
const LAST_SECONDS = 0.2
/** Seconds that a worker may take to be heard by remote control before it says that it is ready all the same. */
const LISTENING_SECONDS = 3
/** Milliseconds between two words to the keeper about what only this thread knows. */
const SHOW_MS = 5_000
/** Milliseconds between two looks at how many slots are needed. */
const SCALE_MS = 1_000

export class Worker implements Subject {
  readonly #parts: SessionParts
  #options: WorkerOptions
  readonly #autoscaler: Autoscaler | null
  readonly #stop = new AbortController()
  readonly #hurry = new AbortController()
  #renewal = new AbortController()
  #session: Session | undefined
  /** It has had a lease. */
  #served = false
  #grace: NodeJS.Timeout | undefined
  #consuming: Promise<void> = Promise.resolve()

  constructor(parts: WorkerParts, options: WorkerOptions) {
    this.#options = options
    this.#autoscaler = options.autoscale ? new Autoscaler(options.autoscale) : null
    const panel = new ControlPanel(this, parts)
    this.#parts = { ...parts, totals: new Totals(), scheduled: new Scheduled(options.node), panel }
  }

  /** Whether it holds a lease, and can renew it. */
  get ready(): boolean {
    return this.#session?.leased ?? false
  }

  get active(): number {
    return this.runs.size
  }

  get processed(): number {
    return this.#parts.totals.processed
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
   * @throws CelerityError when the broker refuses a worker (E_ACCESS_DENIED, E_BROKER_UNSAFE, E_BROKER_URL)
   */
  async run(): Promise<void> {
    try {
      await this.work()
    } finally {
      await this.leave()
    }
  }

  /** `run` without its last step: what outlasts the grace still runs, and its lease is kept until `leave`. */
  async work(): Promise<void> {
    const { signal } = this.#stop
    signal.addEventListener('abort', () => this.#startGrace(), { once: true })
    const housekeeping = keepHouse(this.#parts, Math.max(this.#options.leaseMs / 3000, 0.05), signal)
    const timers = [setInterval(() => this.changed(), SHOW_MS), setInterval(() => this.#scale(), SCALE_MS)]
    try {
      while (!signal.aborted) {
        const session = await this.#open(signal)
        if (session === null) break
        await this.#serve(session, signal)
      }
    } finally {
      this.#stop.abort()
      for (const timer of timers) clearInterval(timer)
      clearTimeout(this.#grace)
      await within(Promise.all([housekeeping, this.#parts.events.flush()]), LAST_SECONDS)
    }
  }

  async #serve(session: Session, signal: AbortSignal): Promise<void> {
    this.#session = session
    this.#renewal = new AbortController()
    const ready = this.#readiness()
    // Not before it can be asked too; tasks run meanwhile, and a keeper that is slow to load is not waited for long.
    void within(session.listening, LISTENING_SECONDS).then(ready)
    let ended: 'stopped' | 'lost' | 'empty' | 'failed' = 'failed'
    try {
      ended = await session.run(AbortSignal.any([signal, this.#renewal.signal]))
    } finally {
      ready()
      // Whatever ended it: its keeper would hold the lease for ever.
      if (ended === 'empty' || ended === 'failed') this.#stop.abort()
      await session.stop(this.#patience(signal))
      if (!signal.aborted) await this.#leave(undefined, true)
    }
  }

  /**
   * Gives back what still runs, and resigns.
   *
   * @param exit by a process that lives for this worker alone: ends it. Called where tasks still run, so that none of them goes on, and is
   *   done here, beside its second run elsewhere. Else this returns.
   */
  leave(exit?: () => never): Promise<void> {
    return this.#leave(exit, false)
  }

  async #leave(exit: (() => never) | undefined, returns: boolean): Promise<void> {
    await this.#session?.leave(exit, returns)
    this.#session = undefined
  }

  /** Says once that this session serves. */
  #readiness(): () => void {
    const { node, concurrency } = this.#options
    const line = `${node} ready${this.#served ? ' again' : ''}.`
    this.#served = true
    let isSaid = false
    return () => {
      if (!isSaid) this.#parts.log.info(line, { concurrency })
      isSaid = true
    }
  }

  /** What ends the grace of running tasks: that of the stop, or, when it only starts anew, one of its own. */
  #patience(stopped: AbortSignal): AbortSignal {
    const ms = this.#options.grace * 1000
    if (stopped.aborted || ms > MAX_TIMER) return this.#hurry.signal
    return AbortSignal.any([this.#hurry.signal, AbortSignal.timeout(ms)])
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
          // Opened after all, for nobody: not resigned, it would count as a worker until somebody finds that it is dead.
          await within(opening.then(end), this.#options.stopSeconds)
          return null
        }
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
    const { code } = error
    return code === 'E_BROKER_UNREACHABLE' || (this.#served && (code === 'E_BROKER_REFUSED' || code === 'E_ACCESS_DENIED'))
  }

  #scale(): void {
    if (this.#autoscaler === null || this.#session === undefined) return
    const { concurrency } = this
    const next = this.#autoscaler.next({ concurrency, running: this.active }, this.#parts.clock.monotonic())
    if (next === concurrency) return
    this.#parts.log.info(`autoscale: ${next} tasks at once`, { from: concurrency, to: next })
    this.resize(next)
  }

  // What its panel sees and changes.

  get node(): string {
    return this.#options.node
  }

  get queues(): readonly string[] {
    return this.#options.queues
  }

  get concurrency(): number {
    return this.#options.concurrency
  }

  get prefetch(): number {
    return this.#session?.prefetch ?? 0
  }

  get runs(): ReadonlySet<Run> {
    return this.#session?.runs ?? new Set()
  }

  get reserved(): readonly Request[] {
    return this.#session?.reserved ?? []
  }

  get scheduled(): readonly ScheduledTask[] {
    return this.#parts.scheduled.list(this.#session?.now ?? this.#parts.clock.now())
  }

  get totals(): ReadonlyMap<string, number> {
    return this.#parts.totals.byTask
  }

  get revoked(): readonly string[] {
    return this.#session?.revocations.ids ?? []
  }

  get keeping(): Readonly<Record<string, number>> {
    return this.#session?.board.stats() ?? {}
  }

  get bounds(): ScaleBounds | null {
    return this.#autoscaler?.bounds ?? null
  }

  rescale(bounds: ScaleBounds): void {
    this.#autoscaler?.change(bounds)
    this.resize(Math.min(bounds.max, Math.max(bounds.min, this.concurrency)))
  }

  resize(concurrency: number): void {
    this.#options = { ...this.#options, concurrency }
    this.#session?.resize(concurrency)
    this.changed()
  }

  /** One change after the other: each begins with what the one before has left. */
  consume(change: (queues: readonly string[]) => readonly string[]): Promise<void> {
    const changed = this.#consuming.then(async () => {
      const queues = change(this.queues)
      await this.#session?.consume(queues)
      this.#options = { ...this.#options, queues }
      this.changed()
    })
    this.#consuming = changed.catch(() => {}) // told to whoever asked for it
    return changed
  }

  async revoke(marks: readonly string[], ttl: number): Promise<void> {
    await this.#session?.revocations.add(marks, ttl)
  }

  terminate(run: Run, signal: Signal): void {
    void this.#session?.terminate(run, signal)
  }

  heartbeat(): void {
    this.#session?.heartbeat()
  }

  startAnew(): void {
    this.#renewal.abort()
  }

  changed(): void {
    this.#session?.show()
  }
}

async function end(session: Session): Promise<void> {
  await session.stop(AbortSignal.abort())
  await session.leave()
}
