/**
 * Everything that belongs to one incarnation: its lease, its takes, its runs, its settlements. When the lease is lost the session is over
 * and the worker opens another; nothing of the old one is written any more.
 */
import { randomUUID } from 'node:crypto'
import type { Consumer, Delivery } from '../broker/broker.js'
import { reason } from '../errors.js'
import { celeryError } from '../protocol/error-wire.js'
import { Lamport } from '../protocol/lamport.js'
import { RunContext } from './context.js'
import { Board } from './keeper/board.js'
import { type Keeper, startKeeper } from './keeper/keeper.js'
import type { Finished } from './outcome.js'
import { unlessAborted, within } from './patience.js'
import { RateGate } from './rate-gate.js'
import { Records } from './records.js'
import { named, reportOutcome, reportOverrun, reportRefusal, reportStart } from './report.js'
import { accept, type Intake, overtaken, type Request } from './request.js'
import { Revocations } from './revocations.js'
import { Run } from './run.js'
import { Settler, type Settling } from './settler.js'
import { Slots } from './slots.js'
import { Taker } from './taker.js'
import { type Tracing, trace } from './trace.js'
import type { WorkerOptions, WorkerParts } from './worker.js'

/** Messages of one take: more gains nothing. */
const MAX_TAKE = 100
/** Milliseconds that taken work may wait behind busy slots before it goes back. */
const STALE_MS = 1_000
/**
 * A task that ran this long keeps its slot until its outcome is stored: so what a lost worker leaves to be done again is never more than its
 * concurrency. For shorter ones the wait would cost more than the repeat.
 */
const KEPT_MS = 20

export class Session {
  readonly #parts: WorkerParts
  readonly #options: WorkerOptions
  readonly #consumer: Consumer
  readonly #taker: Taker
  readonly #settler: Settler
  readonly #keeper: Keeper
  readonly #board: Board
  readonly #slots: Slots
  readonly #records: Records
  readonly #rates: RateGate
  readonly #revocations: Revocations
  readonly #intake: Intake
  readonly #tracing: Tracing
  readonly #runs = new Set<Run>()
  readonly #over = new AbortController()
  #processed = 0
  #wake: (() => void) | undefined
  #storing: Promise<void> | undefined
  /** Nothing starts any more. */
  #halted = false
  #lost = false
  #resigned = false

  static async open(parts: WorkerParts, options: WorkerOptions): Promise<Session> {
    const incarnation = randomUUID()
    const { node, leaseMs, queues } = options
    const consumer = await parts.broker.register({ incarnation, node, leaseMs, queues })
    return new Session(parts, options, consumer)
  }

  private constructor(parts: WorkerParts, options: WorkerOptions, consumer: Consumer) {
    this.#parts = parts
    this.#options = options
    this.#consumer = consumer
    const { clock, log, registry } = parts
    this.#taker = new Taker({ consumer, queues: options.queues, clock, log })
    this.#slots = new Slots(options.concurrency, options.prefetchMultiplier)
    this.#board = new Board(options.concurrency)
    const lost = () => this.#leaseLost()
    this.#settler = new Settler({ consumer, results: parts.results, clock, log, lost })
    const { node, leaseMs, remoteControl, heartbeat, brokerUrl, keyPrefix, deadlineMs } = options
    const { incarnation } = consumer
    const keeper = { incarnation, node, leaseMs, remoteControl, heartbeat, brokerUrl, keyPrefix, deadlineMs }
    const panel = { handle: () => Promise.resolve({ kind: 'silent' } as const) }
    const hears = { lost, readers: () => {} }
    this.#keeper = startKeeper(keeper, { broker: parts.broker, board: this.#board, lamport: new Lamport(), log, panel, ...hears })
    const brokerNow = () => this.#taker.now()
    this.#rates = new RateGate(parts.broker, options.node, brokerNow)
    this.#revocations = new Revocations(parts.broker, this.#taker)
    this.#intake = { limits: options.limits, definition: (name) => registry.get(name), isRevoked: (id) => this.#revocations.has(id) }
    const { outcomes, results } = parts
    this.#records = new Records({ consumer, outcomes, results, taker: this.#taker, clock, ends: this.#over.signal, lost })
    const context = { log, store: (run: Run, state: string, meta: unknown) => this.#records.state(run, state, meta) }
    this.#tracing = {
      context: (run) => new RunContext(run, context),
      monotonic: () => clock.monotonic(),
      brokerNow,
      random: parts.random,
      overran: (run, seconds, handler) => reportOverrun(log, run, seconds, handler),
    }
  }

  get running(): ReadonlySet<Run> {
    return this.#runs
  }

  /** False while the broker does not answer our renewals, and when it answered that the lease is lost. */
  get leased(): boolean {
    return this.#keeper.renewing
  }

  /** Runs that ended with an outcome. */
  get processed(): number {
    return this.#processed
  }

  /** Takes and runs until `signal` aborts or the lease is lost; with `once`, until the queues are empty and all is done. */
  async run(signal: AbortSignal): Promise<'stopped' | 'lost' | 'empty'> {
    const ends = AbortSignal.any([signal, this.#over.signal])
    ends.addEventListener('abort', () => this.#halt(), { once: true })
    const stale = setInterval(() => this.#giveBackStale(), STALE_MS / 4)
    try {
      while (!ends.aborted) {
        const want = Math.min(this.#slots.want, MAX_TAKE)
        if (want === 0) await this.#changed()
        // A broker that is away answers late: a stop does not wait for it. What such a take still brings goes back.
        else if (await unlessAborted(this.#takeAndReceive(want, ends), ends)) return 'empty'
      }
    } finally {
      clearInterval(stale)
    }
    return this.#lost ? 'lost' : 'stopped'
  }

  /** True when there is nothing left to do, and `once` asks for an end then. */
  async #takeAndReceive(want: number, ends: AbortSignal): Promise<boolean> {
    // Asked before the take: what ends meanwhile may send something that this take does not see.
    const quiet = this.#runs.size === 0 && this.#settler.pending === 0
    const taken = await this.#taker.take(want, ends)
    if (taken === 'lost') this.#leaseLost()
    if (taken === null || taken === 'lost') return false
    await this.#revocations.learn(taken.revocations)
    if (taken.deliveries.length > 0) await this.#receive(taken.deliveries, ends)
    else if (this.#options.once && quiet) return true
    // A slot that becomes free meanwhile changes nothing: there was room, and nothing came.
    else if (!ends.aborted) await this.#taker.wait()
    return false
  }

  async #receive(deliveries: readonly Delivery[], ends: AbortSignal): Promise<void> {
    const limited: Request[] = []
    const seen: Request[] = []
    const now = this.#taker.now()
    for (const delivery of deliveries) {
      const accepted = accept(delivery, this.#intake, now)
      if (accepted.kind !== 'run') {
        this.#settle(this.#parts.outcomes.ofRefused(delivery, accepted))
        reportRefusal(this.#parts.log, delivery, accepted)
      } else if (this.#rates.applies(accepted.request)) limited.push(accepted.request)
      else if (accepted.request.message.redelivered && !this.#parts.outcomes.joined) seen.push(accepted.request)
      else this.#hold(accepted.request)
    }
    this.#pump()
    if (seen.length > 0) await this.#orGiveBack(seen, ends, () => this.#unlessFinal(seen))
    if (limited.length > 0) await this.#orGiveBack(limited, ends, () => this.#throughGate(limited))
    this.#pump()
  }

  /** What depends on an answer that does not come goes back, and is asked again with a later take. */
  async #orGiveBack(requests: readonly Request[], ends: AbortSignal, step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      this.#taker.complain('back', `messages go back: ${reason(error)}`, { messages: requests.length })
      for (const { delivery } of requests) this.#giveBack(delivery)
      await this.#parts.clock.sleep(1, ends) // they are at the front of their queue: not a busy loop
    }
  }

  /** With results on another server an ack may have been lost after its result was stored: then the task is done already. */
  async #unlessFinal(requests: readonly Request[]): Promise<void> {
    const { outcomes } = this.#parts
    const final = await outcomes.final(requests.map(({ message }) => message.id))
    for (const request of requests) {
      const stored = final.get(request.message.id)
      if (stored === undefined) this.#hold(request)
      else this.#settle(outcomes.ofSettled(request, stored))
    }
  }

  async #throughGate(limited: readonly Request[]): Promise<void> {
    const { run, park } = await this.#rates.pass(limited)
    for (const request of run) this.#hold(request)
    for (const { request, due, raw } of park) this.#settle({ settlement: { delivery: request.delivery, fate: { kind: 'park', due, raw } } })
  }

  /** To a slot; what comes when nothing starts any more goes back. */
  #hold(request: Request): void {
    if (this.#halted) this.#giveBack(request.delivery)
    else this.#slots.push(request, this.#parts.clock.monotonic())
  }

  #pump(): void {
    for (let request = this.#slots.next(); request !== undefined; request = this.#slots.next()) void this.#work(request)
  }

  /** One request, from its slot to its settlement. Never rejects. */
  async #work(request: Request): Promise<void> {
    const { clock, log, outcomes } = this.#parts
    const why = overtaken(request, this.#intake, this.#taker.now())
    if (why !== null) {
      const refused = { kind: 'revoked', message: request.message, why } as const
      this.#settle(outcomes.ofRefused(request.delivery, refused))
      reportRefusal(log, request.delivery, refused)
      this.#slots.free()
      return
    }
    const run = new Run(request, clock.monotonic())
    const { lane, position } = request.delivery
    const place = this.#board.start(lane.name, position, run.id, request.message.task, clock.now())
    this.#runs.add(run)
    let finished: Finished | null = null
    try {
      if (await this.#records.start(run)) {
        run.begun = true
        reportStart(log, run)
        finished = await trace(run, this.#tracing)
      }
    } finally {
      this.#board.end(place)
      this.#slots.ended(clock.monotonic() - run.startedAt)
    }
    // Given back at the end of the grace, or lost with the lease: then the outcome is another worker's.
    if (this.#runs.delete(run) && finished !== null && !this.#lost) {
      const { settling, outcome } = outcomes.of(run, finished)
      const keepsSlot = finished.runtime * 1000 >= KEPT_MS
      this.#settle(keepsSlot ? { ...settling, over: () => this.#free() } : settling)
      if (!keepsSlot) this.#free()
      this.#board.processed = ++this.#processed
      reportOutcome(log, run, { ...finished, outcome }, this.#taker.now())
      this.#parts.ended?.(run, outcome)
    } else this.#free()
    this.#wake?.() // a stop waits for the last run, not for its slot
    if (this.#options.once) this.#wakeWhenStored()
  }

  #free(): void {
    this.#slots.free()
    this.#pump()
    this.#wake?.()
  }

  /** For `once`: what the last runs sent can be taken when their settlements are stored. One wait for all, however many ended. */
  #wakeWhenStored(): void {
    this.#storing ??= this.#settler.drained().then(() => {
      this.#storing = undefined
      if (this.#settler.pending > 0 && !this.#halted)
        this.#wakeWhenStored() // after the end it would stay so
      else this.#taker.wake()
    })
  }

  #settle(settling: Settling): void {
    const { fate, publish } = settling.settlement
    if (fate.kind === 'park') this.#taker.parked(fate.due)
    if (publish !== undefined) for (const { due } of publish) if (due !== undefined) this.#taker.parked(due)
    this.#settler.add(settling)
  }

  #giveBackStale(): void {
    if (this.#slots.waiting === 0) return
    for (const { delivery } of this.#slots.overdue(this.#parts.clock.monotonic() - STALE_MS)) this.#giveBack(delivery)
  }

  #giveBack(delivery: Delivery): void {
    this.#settle({ settlement: { delivery, fate: { kind: 'requeue', to: 'front' } } })
  }

  /** Resolves when a slot may have become free. */
  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
      if (this.#halted || this.#slots.want > 0) this.#wake()
    })
  }

  /** From now on nothing starts: what waits for a slot goes back at once, and whoever waits for something wakes. */
  #halt(): void {
    this.#halted = true
    for (const { delivery } of this.#slots.drain()) this.#giveBack(delivery)
    this.#taker.wake()
    this.#wake?.()
  }

  /**
   * Orderly end: what has not started goes back at once; what runs may finish until `hurry` aborts, then its signal fires and it goes back
   * too. Takes as long as that and `stopSeconds`, also when the broker is away.
   */
  async stop(hurry: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    this.#halt()
    await this.#idle(hurry)
    for (const run of this.#runs) this.#abandon(run)
    const end = clock.monotonic() + this.#options.stopSeconds * 1000
    if (!this.#lost) await within(this.#settler.drained(), this.#options.stopSeconds)
    this.#settler.stop()
    this.#resigned = true
    await within(this.#consumer.resign(), Math.max(0.2, (end - clock.monotonic()) / 1000))
    this.#over.abort()
    await this.#keeper.close()
  }

  async #idle(hurry: AbortSignal): Promise<void> {
    if (hurry.aborted) return
    const hurried = new Promise<void>((resolve) => hurry.addEventListener('abort', () => resolve(), { once: true }))
    while (this.#runs.size > 0 && !hurry.aborted && !this.#lost) {
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), hurried])
    }
  }

  #abandon(run: Run): void {
    this.#runs.delete(run)
    if (this.#lost) return // named and cancelled when that was known
    run.over = true
    const { delivery, message, definition } = run.request
    const why = 'the worker stopped before the task was done'
    // At most once: a task that has started is not given back.
    const fails = definition.policy.acks === 'early' && run.begun
    this.#parts.log.warning(fails ? `${why}: it has failed` : `${why}: it goes back`, named(run))
    if (fails) this.#settle(this.#parts.outcomes.failed(delivery, message, celeryError('WorkerLostError', [why])))
    else this.#giveBack(delivery)
    run.cancel(new Error(why))
  }

  #leaseLost(): void {
    if (this.#lost || this.#resigned) return
    this.#lost = true
    this.#settler.stop()
    const ids = [...this.#runs].map((run) => run.id)
    this.#parts.log.error('lease lost: the broker gave our tasks to others; what runs here no longer counts', { running: ids.length, ids })
    for (const run of this.#runs) {
      run.over = true
      run.cancel(new Error('the lease was lost'))
    }
    this.#over.abort()
    this.#halt() // `run` may have ended before, and `stop` be waiting
    void this.#keeper.close()
  }
}
