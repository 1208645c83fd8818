/**
 * Everything that belongs to one incarnation: its lease, its takes, its runs, its settlements. When the lease is lost the session is over
 * and the worker opens another; nothing of the old one is written any more.
 */
import { randomUUID } from 'node:crypto'
import type { Consumer } from '../broker/broker.js'
import { Bell } from './bell.js'
import { RunContext } from './context.js'
import { Departure } from './departure.js'
import { Board } from './keeper/board.js'
import { handOver } from './keeper/handed-over.js'
import { type Keeper, startKeeper } from './keeper/keeper.js'
import type { ControlPanel } from './panel/panel.js'
import { unlessAborted } from './patience.js'
import { RateGate } from './rate-gate.js'
import { Reception } from './reception.js'
import { Records } from './records.js'
import { reportOverrun } from './report.js'
import type { Intake, Request } from './request.js'
import { Revocations } from './revocations.js'
import type { Run } from './run.js'
import type { Scheduled } from './scheduled.js'
import { Settler } from './settler.js'
import type { Signal } from './signal.js'
import { Slots } from './slots.js'
import { Solitude } from './solitude.js'
import { Taker } from './taker.js'
import type { Totals } from './totals.js'
import type { Tracing } from './trace.js'
import { LOOK_MS, Watchdog } from './watchdog.js'
import { STALE_MS, Workbench } from './workbench.js'
import type { WorkerOptions, WorkerParts } from './worker-options.js'

/** Messages of one take: a server is asked again before half of what is held has run, and more gains nothing. */
const MAX_TAKE = 150

/** The worker's, for all its sessions. */
export interface SessionParts extends WorkerParts {
  readonly totals: Totals
  readonly scheduled: Scheduled
  readonly panel: ControlPanel
}

export class Session {
  readonly #parts: SessionParts
  readonly #options: WorkerOptions
  readonly #consumer: Consumer
  readonly #taker: Taker
  readonly #slots: Slots
  readonly #board: Board
  readonly #settler: Settler
  readonly #revocations: Revocations
  readonly #workbench: Workbench
  readonly #reception: Reception
  readonly #watchdog: Watchdog
  readonly #solitude: Solitude
  readonly #departure: Departure
  #keeper: Keeper | undefined
  /** Something has changed that whoever waits may want to know: a slot, a run, a settlement. */
  readonly #bell = new Bell()
  readonly #over = new AbortController()
  #heard = () => {}
  /** Resolves when remote control is heard; at once where it is off. */
  readonly listening = new Promise<void>((resolve) => {
    this.#heard = resolve
  })
  /** What runs is a suspect. */
  #isAlone = false
  #lost = false
  #resigned = false

  static async open(parts: SessionParts, options: WorkerOptions): Promise<Session> {
    const incarnation = randomUUID()
    const { node, leaseMs, queues, process } = options
    const registered = parts.broker.register({ incarnation, node, leaseMs, queues, process, write: parts.outcomes.sample() })
    // Asked before the first take: a monitor that is registered is to hear of the first task too, and heartbeats tell of it only later.
    const reading = parts.broker.journal.readers().catch(() => []) // then a heartbeat tells
    const consumer = await registered
    parts.events.readers((await reading).length)
    return new Session(parts, options, consumer)
  }

  private constructor(parts: SessionParts, options: WorkerOptions, consumer: Consumer) {
    this.#parts = parts
    this.#options = options
    this.#consumer = consumer
    const { broker, results, outcomes, registry, events, totals, scheduled, clock, log } = parts
    const lost = () => this.#leaseLost()
    const taker = new Taker({ consumer, queues: options.queues, clock, log, deadlineMs: options.deadlineMs })
    this.#taker = taker
    this.#slots = new Slots(options.concurrency, options.prefetchMultiplier)
    this.#watchdog = new Watchdog({ consumer, log, queues: () => taker.queues, isFree: () => this.#isFree })
    this.#board = new Board(options.autoscale?.max ?? options.concurrency)
    this.#board.concurrency = options.concurrency
    this.#board.processed = totals.processed
    const settler = new Settler({ consumer, results, clock, log, lost, parked: (due) => taker.parked(due), stored: () => this.#stored() })
    this.#settler = settler
    const revocations = new Revocations(broker, taker)
    this.#revocations = revocations
    const intake: Intake = {
      limits: options.limits,
      definition: (name) => registry.get(name),
      isRevoked: (id) => revocations.has(id),
      isStampRevoked: (message) => revocations.hasStampOf(message),
    }
    const records = new Records({
      consumer,
      outcomes,
      results,
      taker,
      clock,
      ends: this.#over.signal,
      lost,
      announce: () => this.#announce(),
    })
    const { ended } = parts
    const changed = () => this.#bell.ring()
    const held = { slots: this.#slots, board: this.#board, intake, records, tracing: this.#tracing(records), outcomes, settler }
    const workbench = new Workbench({ ...held, events, totals, scheduled, clock, log, ended, changed })
    this.#workbench = workbench
    const rates = new RateGate(broker, options.node, () => taker.now())
    this.#reception = new Reception({ intake, rates, outcomes, settler, workbench, scheduled, events, taker, clock, log })
    const resigning = () => {
      this.#resigned = true
    }
    const { stopSeconds, leaseMs, suspectPatience: patience } = options
    const leaving = { consumer, workbench, settler, bell: this.#bell, clock, log, isLost: () => this.#lost, resigning }
    this.#departure = new Departure(leaving, stopSeconds)
    const found = () => taker.wake()
    this.#solitude = new Solitude({ consumer, queues: () => taker.queues, clock, random: parts.random, leaseMs, patience, found, changed })
  }

  #tracing(records: Records): Tracing {
    const { clock, log, random } = this.#parts
    const context = { log, store: (run: Run, state: string, meta: unknown) => records.state(run, state, meta) }
    return {
      context: (run) => new RunContext(run, context),
      monotonic: () => clock.monotonic(),
      brokerNow: () => this.#taker.now(),
      random,
      overran: (run, after, handler) => reportOverrun(log, run, after, handler),
    }
  }

  #startKeeper(): Keeper {
    const lost = () => this.#leaseLost()
    const lanes = (names: readonly string[]) => void this.#taker.reconcile(names)
    const { broker, lamport, events, panel, registry, settings, log } = this.#parts
    const { node, leaseMs, remoteControl, heartbeat, blockedLimit, brokerUrl, keyPrefix, deadlineMs } = this.#options
    const { incarnation } = this.#consumer
    const readers = (count: number) => events.readers(count)
    const listening = () => this.#heard()
    const handedOver = handOver(settings, registry)
    return startKeeper(
      { incarnation, node, leaseMs, remoteControl, heartbeat, blockedLimit, handedOver, brokerUrl, keyPrefix, deadlineMs },
      { broker, board: this.#board, lamport, log, panel, lost, lanes, readers, listening },
    )
  }

  /** Takes and runs until `signal` aborts or the lease is lost; with `once`, until the queues are empty and all is done. */
  async run(signal: AbortSignal): Promise<'stopped' | 'lost' | 'empty'> {
    this.#keeper = this.#startKeeper() // not before: what the panel is asked must find this session
    this.show()
    const ends = AbortSignal.any([signal, this.#over.signal])
    ends.addEventListener('abort', () => this.#halt(), { once: true })
    const looks = setInterval(() => void this.#watchdog.look(), LOOK_MS)
    const stale = setInterval(() => this.#workbench.giveBackStale(), STALE_MS / 4)
    this.#solitude.watch()
    try {
      while (!ends.aborted) {
        // It lets itself run empty for a suspect that has waited for too long.
        if (this.#solitude.isDraining) {
          if (this.#isEmpty) await unlessAborted(this.#runAlone(ends), ends)
          else await this.#bell.next()
          continue
        }
        const want = Math.min(this.#slots.want, MAX_TAKE, this.#settler.room)
        if (want === 0) await this.#bell.next()
        // A broker that is away answers late: a stop does not wait for it. What such a take still brings goes back.
        else if (await unlessAborted(this.#takeAndReceive(want, ends), ends)) return 'empty'
      }
    } finally {
      clearInterval(stale)
      clearInterval(looks)
      this.#solitude.close()
    }
    return this.#lost ? 'lost' : 'stopped'
  }

  /** True when there is nothing left to do, and `once` asks for an end then. */
  async #takeAndReceive(want: number, ends: AbortSignal): Promise<boolean> {
    // Asked before the take: what ends meanwhile may send something that this take does not see.
    const quiet = this.#isEmpty
    const taken = await this.#taker.take(want, ends)
    if (taken === 'lost') this.#leaseLost()
    this.#watchdog.took(taken === null || taken === 'lost' ? null : taken.deliveries.length)
    if (taken === null || taken === 'lost') return false
    await this.#revocations.learn(taken.revocations)
    if (taken.deliveries.length > 0) await this.#reception.receive(taken.deliveries, ends)
    else if (quiet && (await this.#solitude.wantsOne(this.#options.once))) await this.#runAlone(ends)
    else if (this.#options.once && quiet) return true
    // A slot that becomes free meanwhile changes nothing: there was room, and nothing came.
    else if (!ends.aborted) await this.#taker.wait()
    return false
  }

  /** More is to be taken; not so for the sake of a suspect. */
  get #isFree(): boolean {
    return this.#slots.want > 0 && !this.#isAlone && !this.#solitude.isDraining
  }

  /** Nothing runs or waits here, and nothing is left to be stored. */
  get #isEmpty(): boolean {
    return this.#workbench.runs.size === 0 && this.#slots.running + this.#slots.waiting === 0 && this.#settler.pending === 0
  }

  /** One suspect, and nothing beside it until it has ended: so a worker that vanishes meanwhile leaves no doubt why. */
  async #runAlone(ends: AbortSignal): Promise<void> {
    const taken = await this.#taker.takeSuspect(ends)
    if (taken === 'lost') this.#leaseLost()
    if (taken === null || taken === 'lost') return
    await this.#revocations.learn(taken.revocations)
    this.#solitude.taken(taken.deliveries.length)
    for (const { lane } of taken.deliveries) this.#parts.log.info('a message runs alone: workers vanished with it', { queue: lane.queue })
    this.#isAlone = true
    await this.#reception.receive(taken.deliveries, ends)
    while (!this.#isEmpty && !ends.aborted) await this.#bell.next()
    this.#isAlone = false
  }

  #announce(): Promise<void> {
    return this.#keeper?.announce() ?? Promise.resolve()
  }

  #stored(): void {
    this.#bell.ring()
    // What the last runs sent can be taken now.
    if (this.#options.once && this.#settler.pending === 0) this.#taker.wake()
  }

  /** From now on nothing starts: what waits for a slot goes back at once, and whoever waits for something wakes. */
  #halt(): void {
    this.#workbench.halt()
    this.#taker.wake()
    this.#bell.ring()
  }

  /** Orderly end: what has not started goes back at once; what runs may finish, see `Departure.wait`. `leave` is to follow. */
  async stop(hurry: AbortSignal): Promise<void> {
    this.#halt()
    await this.#departure.wait(hurry)
  }

  /** Gives back what still runs, and resigns; `exit` ends the process (see `Departure.leave`). */
  async leave(exit?: () => never, returns = false): Promise<void> {
    await this.#departure.leave(this.#keeper, exit, returns)
    this.#over.abort()
  }

  #leaseLost(): void {
    if (this.#lost || this.#resigned) return
    this.#lost = true
    this.#settler.stop()
    this.#workbench.lose()
    this.#over.abort()
    this.#halt() // `run` may have ended before, and `stop` be waiting
    void this.#keeper?.close()
  }

  // What the panel sees and changes.

  get runs(): ReadonlySet<Run> {
    return this.#workbench.runs
  }

  /** Accepted, and waiting for a slot. */
  get reserved(): readonly Request[] {
    return this.#slots.queue
  }

  /** Messages it holds at most. */
  get prefetch(): number {
    return this.#slots.capacity
  }

  /** False while the broker does not answer our renewals, and when it answered that the lease is lost. */
  get leased(): boolean {
    return this.#keeper?.renewing ?? false
  }

  get board(): Board {
    return this.#board
  }

  get revocations(): Revocations {
    return this.#revocations
  }

  /** The broker's wall clock in milliseconds. */
  get now(): number {
    return this.#taker.now()
  }

  /** Tells the keeper what it is to answer while this thread is blocked. */
  show(): void {
    this.#keeper?.state(this.#parts.panel.standing(), this.#taker.queues)
  }

  heartbeat(): void {
    this.#keeper?.heartbeat()
  }

  terminate(run: Run, signal: Signal): Promise<void> {
    return this.#workbench.terminate(run, signal)
  }

  resize(concurrency: number): void {
    this.#workbench.resize(concurrency)
  }

  /** Takes from these queues from now on. @throws when the broker can't be told: then nothing has changed */
  async consume(queues: readonly string[]): Promise<void> {
    const before = this.#taker.queues
    // No longer from those it leaves: what the broker gives back there, for Python's workers, would be put aside again.
    this.#taker.consume(before.filter((queue) => queues.includes(queue)))
    try {
      if ((await this.#consumer.consume(queues)) === 'lost') return this.#leaseLost()
      this.#taker.consume(queues)
    } catch (error) {
      this.#taker.consume(before)
      throw error
    }
  }
}
