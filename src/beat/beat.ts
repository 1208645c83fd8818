/**
 * A beat: leads or stands by, and as the leader sends periodic tasks when they are due. Any number of them may run. To lose the lead is a
 * normal state: it stands by, and leads again when nobody else does.
 */
import { randomUUID } from 'node:crypto'
import type { Candidate, Leadership } from '../broker/schedules.js'
import { isCelerityError, reason } from '../errors.js'
import type { ScheduleEntry } from '../protocol/schedule.js'
import { Reign, type ReignOptions, type ReignParts } from './reign.js'

export interface BeatParts extends Omit<ReignParts, 'named'> {
  /** Called with the entries it will send, at the start of each reign. */
  review?(entries: Iterable<ScheduleEntry>): void
}

export interface BeatOptions {
  /** `beat@host`; need not be unique. */
  readonly node: string
  readonly leaseMs: number
  /** Seconds between two looks for edits, at most. */
  readonly maxInterval: number
  /** Send what is due now, then end. */
  readonly once: boolean
}

/** Seconds between two tries to lead: who stops in order is followed this fast. */
const TRY_SECONDS = 1
/** The same against a broker that does not answer; grows up to the second. */
const FIRST_PAUSE = 0.25
const LONGEST_PAUSE = 5
/** Milliseconds between two lines about a broker that is away. */
const COMPLAIN_MS = 60_000
/** Seconds that a stop waits for a broker: the lease runs out by itself. */
const STOP_SECONDS = 1.5

export class Beat {
  readonly #parts: BeatParts
  readonly #options: BeatOptions
  readonly #candidate: Candidate
  readonly #stop = new AbortController()
  readonly #named = new Map<string, string>()
  #reign: Reign | undefined
  #before = 0
  #ready = false
  #served = false
  #told = ''
  #complained = Number.NEGATIVE_INFINITY
  /** It has not been said yet that the broker is away. */
  #isUnsaid = true

  constructor(parts: BeatParts, options: BeatOptions) {
    this.#parts = parts
    this.#options = options
    this.#candidate = { id: randomUUID(), node: options.node }
  }

  /** Whether the broker answers: it leads, or knows who does. */
  get ready(): boolean {
    return this.#ready
  }

  get leads(): boolean {
    return this.#reign !== undefined
  }

  /** Messages it has sent. */
  get sent(): number {
    return this.#before + (this.#reign?.sent ?? 0)
  }

  /** Ends what it is at, and gives the lead up, so that another leads at once. */
  stop(): void {
    this.#stop.abort()
  }

  /**
   * Resolves when it has stopped; `once`, when what is due now was sent. Waits for a broker that is away.
   * @throws CelerityError when the broker refuses a beat (E_BROKER_UNSAFE, E_BROKER_URL)
   */
  async run(): Promise<void> {
    const { signal } = this.#stop
    const ended = new AbortController()
    // A call that a broker out of reach does not answer must not hold up a stop.
    const patience = this.#afterStop(signal, ended.signal)
    try {
      await Promise.race([this.#work(signal).then(() => this.#parts.schedules.yield(this.#candidate.id)), patience])
    } catch (error) {
      if (!signal.aborted || !isCelerityError(error)) throw error
      this.#parts.log.debug(`the lead was not given up: ${reason(error)}`)
    } finally {
      this.#stop.abort()
      ended.abort()
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (let tries = 0; !signal.aborted; tries++) {
      const began = this.#parts.clock.monotonic()
      try {
        const leadership = await this.#parts.schedules.lead(this.#candidate, this.#options.leaseMs)
        this.#served = this.#ready = this.#isUnsaid = true
        if (leadership.leader) await this.#lead(leadership, signal)
        else await this.#standBy(leadership, signal)
        if (this.#options.once) return
        tries = -1
      } catch (error) {
        if (!this.#mayPass(error)) throw error
        this.#ready = false
        this.#complain(error)
        if (this.#parts.clock.monotonic() - began > LONGEST_PAUSE * 2000) tries = 0
        await this.#parts.clock.sleep(Math.min(FIRST_PAUSE * 2 ** tries, LONGEST_PAUSE), signal)
      }
    }
  }

  async #lead(leadership: Leadership & { readonly leader: true }, signal: AbortSignal): Promise<void> {
    const { log, review } = this.#parts
    const { node, once } = this.#options
    const reign = new Reign({ ...this.#parts, named: this.#named }, this.#reignOptions(), leadership)
    this.#reign = reign
    try {
      await reign.begin()
      this.#tell(`${node} leads, epoch ${reign.epoch}: ${reign.size} ${reign.size === 1 ? 'entry' : 'entries'}`)
      review?.(reign.entries())
      while (await reign.round(signal)) {
        if (signal.aborted || once) return
        await reign.rest(signal)
      }
      if (!signal.aborted) log.info(`${node} leads no more`, { epoch: reign.epoch })
    } finally {
      this.#told = ''
      this.#before += reign.sent
      this.#reign = undefined
    }
  }

  #reignOptions(): ReignOptions {
    return { candidate: this.#candidate, leaseMs: this.#options.leaseMs, lookMs: this.#options.maxInterval * 1000 }
  }

  /** Until the leader's lease may have run out, or it may have given the lead up. */
  async #standBy({ node, until, now }: Leadership & { readonly leader: false }, signal: AbortSignal): Promise<void> {
    this.#tell(`${this.#options.node} stands by: ${node} leads`)
    if (this.#options.once) return
    await this.#parts.clock.sleep(Math.min(Math.max((until - now) / 1000, 0.01), TRY_SECONDS), signal)
  }

  #tell(text: string): void {
    if (this.#told !== text) this.#parts.log.info(text)
    this.#told = text
  }

  /** Once for an outage, and once a minute where one follows the other. What lasts the connection tells, each minute. */
  #complain(error: unknown): void {
    const now = this.#parts.clock.monotonic()
    if (!this.#isUnsaid || now - this.#complained < COMPLAIN_MS) return
    this.#complained = now
    this.#isUnsaid = false
    this.#parts.log.warning(`waiting for the broker, what is due is sent when it is back: ${reason(error)}`)
  }

  /** A broker that is away is waited for; one that refuses is not, unless it has answered before. */
  #mayPass(error: unknown): boolean {
    if (!isCelerityError(error)) return false
    const { code } = error
    return code === 'E_BROKER_UNREACHABLE' || (this.#served && (code === 'E_BROKER_REFUSED' || code === 'E_ACCESS_DENIED'))
  }

  async #afterStop(stopped: AbortSignal, ended: AbortSignal): Promise<void> {
    if (!stopped.aborted) await new Promise((resolve) => stopped.addEventListener('abort', resolve, { once: true }))
    await this.#parts.clock.sleep(STOP_SECONDS, ended)
  }
}
