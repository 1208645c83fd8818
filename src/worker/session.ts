/**
 * Everything that belongs to one incarnation: its lease, its takes, its runs, its settlements. When the lease is lost the session is over
 * and the worker opens another; nothing of the old one is written any more.
 */
import { randomUUID } from 'node:crypto'
import type { Consumer, Delivery, Taken } from '../broker/broker.js'
import { isCelerityError, reason } from '../errors.js'
import { celeryError } from '../protocol/error-wire.js'
import { Board } from './board.js'
import { RunContext } from './context.js'
import { type Keeper, startKeeper } from './keeper.js'
import type { Finished } from './outcome.js'
import { RateGate } from './rate-gate.js'
import { reportOutcome, reportRefusal, reportStart } from './report.js'
import { accept, type Intake, overtaken, type Request } from './request.js'
import { Run } from './run.js'
import { Settler, type Settling } from './settler.js'
import { Slots } from './slots.js'
import { type Tracing, trace } from './trace.js'
import type { WorkerOptions, WorkerParts } from './worker.js'

/** Messages of one take: more gains nothing (performance.md). */
const MAX_TAKE = 100
/** Seconds an idle worker waits at most before it looks again. */
const IDLE_WAIT = 1
/** Milliseconds that taken work may wait behind busy slots before it goes back. */
const STALE_MS = 1_000

export class Session {
  readonly #parts: WorkerParts
  readonly #options: WorkerOptions
  readonly #consumer: Consumer
  readonly #settler: Settler
  readonly #keeper: Keeper
  readonly #board: Board
  readonly #slots: Slots
  readonly #rates: RateGate
  readonly #intake: Intake
  readonly #tracing: Tracing
  readonly #runs = new Set<Run>()
  readonly #over = new AbortController()
  #seq = 0
  #processed = 0
  #clockBase: number
  #revocations = 0
  #revoked: ReadonlySet<string> = new Set()
  #wake: (() => void) | undefined
  #lost = false
  /** The earliest moment at which something that we parked is due, in broker milliseconds. */
  #parkedUntil = 0
  #waiting: { readonly until: number; end(): void } | undefined
  /** The last take found nothing: what `--once` waits for. */
  #dry = false

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
    this.#clockBase = clock.now() - clock.monotonic()
    this.#slots = new Slots(options.concurrency, options.prefetchMultiplier)
    this.#board = new Board(options.concurrency)
    const lost = () => this.#leaseLost()
    this.#settler = new Settler({ consumer, results: parts.results, log, lost })
    const { leaseMs, brokerUrl, keyPrefix, deadlineMs } = options
    const keeper = { incarnation: consumer.incarnation, leaseMs, brokerUrl, keyPrefix, deadlineMs }
    this.#keeper = startKeeper(keeper, { broker: parts.broker, board: this.#board, log, lost })
    this.#rates = new RateGate(parts.broker, options.node, () => this.brokerNow())
    this.#intake = { limits: options.limits, definition: (name) => registry.get(name), isRevoked: (id) => this.#revoked.has(id) }
    const context = { log, store: (run: Run, state: string, meta: unknown) => this.#storeState(run, state, meta) }
    this.#tracing = {
      context: (run) => new RunContext(run, context),
      monotonic: () => clock.monotonic(),
      brokerNow: () => this.brokerNow(),
      random: parts.random,
      overran: (run, seconds) => log.warning('a handler went on after its time limit; its result is refused', { ...named(run), seconds }),
    }
  }

  get running(): ReadonlySet<Run> {
    return this.#runs
  }

  /** Runs that ended with an outcome. */
  get processed(): number {
    return this.#processed
  }

  /** The broker's wall clock in milliseconds, as far as its last answer tells. */
  brokerNow(): number {
    return this.#clockBase + this.#parts.clock.monotonic()
  }

  /** Takes and runs until `signal` aborts or the lease is lost; with `once`, until the queues are empty and all is done. */
  async run(signal: AbortSignal): Promise<'stopped' | 'lost' | 'empty'> {
    const ends = AbortSignal.any([signal, this.#over.signal])
    ends.addEventListener('abort', () => this.#wake?.(), { once: true })
    const stale = setInterval(() => this.#giveBackStale(), STALE_MS / 4)
    try {
      while (!ends.aborted) {
        const want = Math.min(this.#slots.want, MAX_TAKE)
        if (want === 0) await this.#changed()
        else await this.#takeAndReceive(want, ends)
        if (this.#options.once && this.#dry && this.#runs.size === 0 && this.#settler.pending === 0) return 'empty'
      }
    } finally {
      clearInterval(stale)
    }
    return this.#lost ? 'lost' : 'stopped'
  }

  async #takeAndReceive(want: number, ends: AbortSignal): Promise<void> {
    const taken = await this.#take(want, ends)
    if (taken === null) return
    this.#clockBase = taken.now - this.#parts.clock.monotonic()
    for (const { queue, reason: why } of taken.broken) this.#complainOf(queue, why)
    if (taken.revocations !== this.#revocations) await this.#learnRevocations(taken.revocations)
    this.#dry = taken.deliveries.length === 0
    if (!this.#dry) return this.#receive(taken.deliveries)
    // A slot that becomes free meanwhile changes nothing: there was room, and nothing came.
    if (!(this.#options.once && this.#runs.size === 0)) await this.#waitForWork(taken.nextDue ?? Number.POSITIVE_INFINITY, ends)
  }

  /** Until something comes or is due: what the broker told, or what we parked there since. */
  async #waitForWork(nextDue: number, ends: AbortSignal): Promise<void> {
    const now = this.brokerNow()
    const until = Math.min(nextDue, this.#parkedUntil > now ? this.#parkedUntil : Number.POSITIVE_INFINITY, now + IDLE_WAIT * 1000)
    const sooner = new AbortController()
    this.#waiting = { until, end: () => sooner.abort() }
    await this.#consumer.wait(this.#options.queues, Math.max(0.001, (until - now) / 1000), AbortSignal.any([ends, sooner.signal]))
    this.#waiting = undefined
  }

  /** Something will be due at the broker: an idle wait must not outlast it. */
  #parked(due: number): void {
    if (this.#parkedUntil <= this.brokerNow() || due < this.#parkedUntil) this.#parkedUntil = due
    if (this.#waiting !== undefined && due < this.#waiting.until) this.#waiting.end()
  }

  /** Null: nothing to work with, for whatever reason; the loop goes on, or ends when the lease is lost. */
  async #take(want: number, ends: AbortSignal): Promise<Taken | null> {
    const seq = ++this.#seq
    try {
      const taken = await this.#consumer.take(seq, this.#options.queues, want)
      if (taken !== 'lost') return taken
      this.#leaseLost()
    } catch (error) {
      await this.#closeTake(seq, error, ends)
    }
    return null
  }

  /** The take may have been carried out though its answer is lost: it must be closed before anything else is taken. */
  async #closeTake(seq: number, failure: unknown, ends: AbortSignal): Promise<void> {
    const { log, clock } = this.#parts
    log.warning(`nothing can be taken: ${reason(failure)}`)
    for (let tries = 0; !ends.aborted; tries++) {
      try {
        await this.#consumer.closeTake(seq)
        if (tries > 0 || isUnreachable(failure)) log.info('the broker answers again')
        // A server that refuses (no memory, a wrong type) does so at once: not a busy loop.
        if (!isUnreachable(failure)) await clock.sleep(1, ends)
        return
      } catch {
        await clock.sleep(Math.min(0.1 * 2 ** tries, 2), ends) // already logged: the same trouble as with the take
      }
    }
  }

  async #learnRevocations(count: number): Promise<void> {
    try {
      this.#revoked = await this.#parts.broker.revoked()
      this.#revocations = count
    } catch (error) {
      this.#parts.log.warning(`revocations can't be read: ${reason(error)}`)
    }
  }

  async #receive(deliveries: readonly Delivery[]): Promise<void> {
    const limited: Request[] = []
    const seen: Request[] = []
    const now = this.brokerNow()
    for (const delivery of deliveries) {
      const accepted = accept(delivery, this.#intake, now)
      if (accepted.kind !== 'run') {
        reportRefusal(this.#parts.log, delivery, accepted)
        this.#settle(this.#parts.outcomes.ofRefused(delivery, accepted))
      } else if (this.#rates.applies(accepted.request)) limited.push(accepted.request)
      else if (accepted.request.message.redelivered && !this.#parts.outcomes.joined) seen.push(accepted.request)
      else this.#slots.push(accepted.request, now)
    }
    this.#pump()
    if (seen.length > 0) await this.#orGiveBack(seen, () => this.#unlessFinal(seen))
    if (limited.length > 0) await this.#orGiveBack(limited, () => this.#throughGate(limited))
    this.#pump()
  }

  /** What depends on an answer that does not come goes back, and is asked again with the next take. */
  async #orGiveBack(requests: readonly Request[], step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      this.#parts.log.warning(`messages go back: ${reason(error)}`, { messages: requests.length })
      for (const { delivery } of requests) this.#giveBack(delivery)
    }
  }

  /** With results on another server an ack may have been lost after its result was stored: then the task is done already. */
  async #unlessFinal(requests: readonly Request[]): Promise<void> {
    const final = await this.#parts.outcomes.final(requests.map(({ message }) => message.id))
    for (const request of requests) {
      if (final.has(request.message.id)) this.#settle({ settlement: { delivery: request.delivery, fate: { kind: 'ack' } } })
      else this.#slots.push(request, this.brokerNow())
    }
  }

  async #throughGate(limited: readonly Request[]): Promise<void> {
    const { run, park } = await this.#rates.pass(limited)
    for (const request of run) this.#slots.push(request, this.brokerNow())
    for (const { request, due, raw } of park) this.#settle({ settlement: { delivery: request.delivery, fate: { kind: 'park', due, raw } } })
  }

  #pump(): void {
    for (let request = this.#slots.next(); request !== undefined; request = this.#slots.next()) void this.#work(request)
  }

  /** One request, from its slot to its settlement. Never rejects. */
  async #work(request: Request): Promise<void> {
    const { clock, outcomes } = this.#parts
    const why = overtaken(request, this.#intake, this.brokerNow())
    if (why !== null) {
      this.#settle(outcomes.ofRefused(request.delivery, { kind: 'revoked', message: request.message, why }))
      this.#slots.ended(0)
      return
    }
    const run = new Run(request, clock.monotonic())
    const place = this.#board.start(request.delivery.lane.name, request.delivery.position)
    this.#runs.add(run)
    reportStart(this.#parts.log, run)
    let finished: Finished | null = null
    try {
      if (await this.#mayStart(run)) finished = await trace(run, this.#tracing)
    } finally {
      this.#board.end(place)
      this.#slots.ended(clock.monotonic() - run.startedAt)
    }
    // Given back at the end of the grace, or lost with the lease: then the outcome is another worker's.
    if (this.#runs.delete(run) && finished !== null && !this.#lost) {
      reportOutcome(this.#parts.log, run, finished, this.brokerNow())
      this.#settle(outcomes.of(run, finished))
      this.#processed++
    }
    this.#pump()
    this.#wake?.()
  }

  /** What must be on record before the handler is called. */
  async #mayStart(run: Run): Promise<boolean> {
    const { policy } = run.request.definition
    if (policy.acks === 'early') {
      try {
        if ((await this.#consumer.start([run.request.delivery])) === 'lost') this.#leaseLost()
      } catch (error) {
        // Whether the record stands is not known: at most once means not to run it then. The reaper will say what became of it.
        this.#parts.log.error(`not run, for its start could not be recorded: ${reason(error)}`, named(run))
        return false
      }
    }
    if (policy.trackStarted) await this.#storeState(run, 'STARTED', null)
    return !this.#lost
  }

  async #storeState(run: Run, state: string, meta: unknown): Promise<void> {
    const result = this.#parts.outcomes.state(run.request.message, state, meta)
    try {
      if (result !== null && !this.#lost) await this.#parts.results?.set([result])
    } catch (error) {
      this.#parts.log.warning(`state ${state} was not stored: ${reason(error)}`, named(run)) // news, not an outcome: the task goes on
    }
  }

  #settle(settling: Settling): void {
    const { fate, publish } = settling.settlement
    if (fate.kind === 'park') this.#parked(fate.due)
    if (publish !== undefined) for (const { due } of publish) if (due !== undefined) this.#parked(due)
    this.#settler.add(settling)
  }

  #giveBackStale(): void {
    if (this.#slots.waiting === 0) return
    for (const { delivery } of this.#slots.overdue(this.brokerNow() - STALE_MS)) this.#giveBack(delivery)
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
      if (this.#over.signal.aborted || this.#slots.want > 0) this.#wake()
    })
  }

  /**
   * Orderly end: what has not started goes back at once; what runs may finish until `hurry` aborts, then its signal fires and it goes back
   * too. Takes as long as that, and at most a few seconds more, also when the broker is away.
   */
  async stop(hurry: AbortSignal): Promise<void> {
    for (const { delivery } of this.#slots.drain()) this.#giveBack(delivery)
    await this.#idle(hurry)
    for (const run of this.#runs) this.#abandon(run)
    await within(this.#settler.drained(), this.#options.stopSeconds)
    this.#settler.stop()
    if (!this.#lost) await within(this.#consumer.resign(), this.#options.stopSeconds)
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
    run.over = true
    const { delivery, message, definition } = run.request
    const why = 'the worker stopped before the task was done'
    this.#parts.log.warning(definition.policy.acks === 'early' ? `${why}: it has failed` : `${why}: it goes back`, named(run))
    run.cancel(new Error(why))
    if (this.#lost) return
    // At most once: a task that has started is not given back.
    if (definition.policy.acks === 'early')
      this.#settle(this.#parts.outcomes.failed(delivery, message, celeryError('WorkerLostError', [why])))
    else this.#giveBack(delivery)
  }

  #leaseLost(): void {
    if (this.#lost) return
    this.#lost = true
    this.#settler.stop()
    this.#slots.drain()
    const ids = [...this.#runs].map((run) => run.id)
    this.#parts.log.error('lease lost: the broker gave our tasks to others; what runs here no longer counts', { running: ids.length, ids })
    for (const run of this.#runs) {
      run.over = true
      run.cancel(new Error('the lease was lost'))
    }
    this.#over.abort()
    void this.#keeper.close()
  }

  readonly #complained = new Map<string, number>()

  /** Once a minute per queue. */
  #complainOf(queue: string, why: string): void {
    const now = this.#parts.clock.monotonic()
    if (now - (this.#complained.get(queue) ?? Number.NEGATIVE_INFINITY) < 60_000) return
    this.#complained.set(queue, now)
    this.#parts.log.error(`queue ${queue} can't be read: ${why}`, { queue })
  }
}

function named(run: Run): { readonly task: string; readonly id: string } {
  return { task: run.task, id: run.id }
}

function isUnreachable(error: unknown): boolean {
  return isCelerityError(error) && error.code === 'E_BROKER_UNREACHABLE'
}

/** Waits for `work`, but not longer than that; its failure is no news at the end. */
async function within(work: Promise<unknown>, seconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000)
  })
  await Promise.race([work.catch(() => {}), limit])
  clearTimeout(timer)
}
