/**
 * Asks the broker for messages: numbered takes, what is done about one that got no answer, the patience between two of them, and the
 * broker's time as its answers tell it.
 */
import type { Consumer, Delivery, Taken } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import { isCelerityError, reason } from '../errors.js'
import type { Log, LogFields } from '../log.js'
import { Lanes } from './lanes.js'

/** Seconds an idle worker waits at most before it looks again. */
const IDLE_WAIT = 1
/** Milliseconds between two lines about the same trouble. */
const SILENCE_MS = 60_000

export interface TakerParts {
  readonly consumer: Consumer
  readonly queues: readonly string[]
  readonly clock: Clock
  readonly log: Log
  /** Milliseconds that a call to the broker may take. */
  readonly deadlineMs: number
}

export class Taker {
  readonly #parts: TakerParts
  #queues: readonly string[]
  readonly #complained = new Map<string, number>()
  #seq = 0
  /** The take that was neither answered nor closed yet. */
  #underWay: number | null = null
  readonly #lanes = new Lanes()
  #clockBase: number
  /** When the broker has something due, as the last take told, and the earliest that we parked there; in broker milliseconds. */
  #nextDue = Number.POSITIVE_INFINITY
  #parkedUntil = 0
  #waiting: { readonly until: number; end(): void } | undefined

  constructor(parts: TakerParts) {
    this.#parts = parts
    this.#queues = parts.queues
    this.#clockBase = parts.clock.now() - parts.clock.monotonic()
  }

  /** The broker's wall clock in milliseconds, as far as its last answer tells. */
  now(): number {
    return this.#clockBase + this.#parts.clock.monotonic()
  }

  get queues(): readonly string[] {
    return this.#queues
  }

  /** From the next take on: from these. */
  consume(queues: readonly string[]): void {
    this.#queues = queues
    this.wake()
  }

  /** Null: no answer, for whatever reason; what that take may hold is given back before this resolves, unless `ends` aborts. */
  take(max: number, ends: AbortSignal): Promise<Taken | 'lost' | null> {
    return this.#take((seq) => this.#parts.consumer.take(seq, this.#queues, max), ends)
  }

  /** The same for one of the suspects. */
  takeSuspect(ends: AbortSignal): Promise<Taken | 'lost' | null> {
    return this.#take((seq) => this.#parts.consumer.takeSuspect(seq, this.#queues), ends)
  }

  async #take(ask: (seq: number) => Promise<Taken | 'lost'>, ends: AbortSignal): Promise<Taken | 'lost' | null> {
    const { clock } = this.#parts
    const seq = ++this.#seq
    this.#underWay = seq
    try {
      const taken = await ask(seq)
      if (taken === 'lost') return taken
      this.#know(taken.deliveries)
      this.#clockBase = taken.now - clock.monotonic()
      this.#nextDue = taken.nextDue ?? Number.POSITIVE_INFINITY
      for (const { queue, reason: why } of taken.broken) this.complain(queue, `queue ${queue} can't be read: ${why}`, { queue })
      return taken
    } catch (error) {
      await this.#close(seq, error, ends)
      return null
    } finally {
      this.#underWay = null
    }
  }

  #know(deliveries: readonly Delivery[]): void {
    let last = ''
    for (const { lane } of deliveries) {
      if (lane.name === last) continue
      last = lane.name
      this.#lanes.add(last, this.#parts.clock.monotonic())
    }
  }

  /** @param held the lanes that the broker says are ours: one that was never ours goes back */
  async reconcile(held: readonly string[]): Promise<void> {
    const { consumer, clock, log, deadlineMs } = this.#parts
    for (const seq of this.#lanes.strangers(held, this.#underWay, clock.monotonic(), deadlineMs)) {
      log.warning('the broker held messages here that never came: they go back', { seq })
      await consumer.closeTake(seq).catch(() => {}) // with the next renewal again
    }
  }

  /** The take may have been carried out though its answer is lost: it must be closed before anything else is taken. */
  async #close(seq: number, failure: unknown, ends: AbortSignal): Promise<void> {
    const { consumer, clock, log } = this.#parts
    let said = this.complain('take', `nothing can be taken: ${reason(failure)}`)
    for (let tries = 0; !ends.aborted; tries++) {
      try {
        await consumer.closeTake(seq)
        if (said && (tries > 0 || isUnreachable(failure))) log.info('the broker answers again')
        // A server that refuses (no memory, a wrong type) does so at once: not a busy loop.
        if (!isUnreachable(failure)) await clock.sleep(1, ends)
        return
      } catch (error) {
        // A connection says by itself, once a minute, that its server is away.
        const isHeard = consumer.watch !== undefined && isUnreachable(error)
        if (!isHeard && this.complain('take', `still nothing can be taken: ${reason(error)}`)) said = true
        await clock.sleep(Math.min(0.1 * 2 ** tries, 2), ends)
      }
    }
  }

  /** Until something comes or is due, `wake` is called, or a second has passed. */
  async wait(): Promise<void> {
    const now = this.now()
    const parked = this.#parkedUntil > now ? this.#parkedUntil : Number.POSITIVE_INFINITY
    const until = Math.min(this.#nextDue, parked, now + IDLE_WAIT * 1000)
    // One signal of its own, not `AbortSignal.any`: that one leaves a trace on its sources for every wait.
    const woken = new AbortController()
    this.#waiting = { until, end: () => woken.abort() }
    await this.#parts.consumer.wait(this.#queues, Math.max(0.001, (until - now) / 1000), woken.signal)
    this.#waiting = undefined
  }

  /** Ends a wait. */
  wake(): void {
    this.#waiting?.end()
  }

  /** Something will be due at the broker then: an idle wait must not outlast it. */
  parked(due: number): void {
    if (this.#parkedUntil <= this.now() || due < this.#parkedUntil) this.#parkedUntil = due
    if (this.#waiting !== undefined && due < this.#waiting.until) this.#waiting.end()
  }

  /** A warning, once a minute per matter. Returns whether it was said. */
  complain(matter: string, text: string, fields?: LogFields): boolean {
    const now = this.#parts.clock.monotonic()
    if (now - (this.#complained.get(matter) ?? Number.NEGATIVE_INFINITY) < SILENCE_MS) return false
    this.#complained.set(matter, now)
    this.#parts.log.warning(text, fields)
    return true
  }
}

function isUnreachable(error: unknown): boolean {
  return isCelerityError(error) && error.code === 'E_BROKER_UNREACHABLE'
}
