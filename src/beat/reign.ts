/**
 * What a beat does while it leads: brings the declared entries into the store, then plans and sends what is due, entry by entry, tick by
 * tick. All it knows may be behind: a tick counts only under its epoch and from the plan it was made from, so that nothing is sent twice
 * whatever happens between two looks.
 */
import type { Outgoing } from '../broker/broker.js'
import type { Candidate, Hold, Leadership, Schedules, Tick, TickOutcome } from '../broker/schedules.js'
import type { Clock } from '../clock.js'
import { reason } from '../errors.js'
import type { Log } from '../log.js'
import type { ScheduleEntry } from '../protocol/schedule.js'
import { BrokerClock } from './broker-clock.js'
import type { Calendar } from './calendar.js'
import { changesFor, type Declaration } from './declaration.js'
import { Roster } from './roster.js'
import { type PlannedEntry, type Step, stepsOf } from './steps.js'

export interface ReignParts {
  readonly schedules: Schedules
  readonly declared: Declaration
  readonly calendar: Calendar
  readonly clock: Clock
  readonly log: Log
  /** The message of an entry that was due at `due`; the same id each time. */
  message(entry: ScheduleEntry, due: number): { readonly id: string; readonly outgoing: Outgoing }
  /** Milliseconds after which an entry is free in any case, although nobody has told of the end of its task; null: never. */
  holdMs(entry: ScheduleEntry): number | null
  /** Entries that were named as damaged, with what was said. */
  readonly named: Map<string, string>
}

export interface ReignOptions {
  readonly candidate: Candidate
  readonly leaseMs: number
  /** Milliseconds between two looks for edits, at most. */
  readonly lookMs: number
}

/** Ticks of one call: other entries, the lease and a stop must not wait for long. */
const BATCH = 200
/** Milliseconds until an entry whose last task has not ended, or that the broker refuses, is tried again. */
const OPEN_MS = 1_000
const REFUSED_MS = 60_000
/** Milliseconds after which all is read anew when a plan was not as known: many may be so at once. */
const READ_ALL_MS = 200
/** Milliseconds by which the broker's clock may be off from one renewal to the next, with the way of an answer. */
const JUMP_MS = 1_000

export class Reign {
  readonly epoch: number
  /** Ticks that enqueued something. */
  sent = 0
  readonly #parts: ReignParts
  readonly #options: ReignOptions
  readonly #now: BrokerClock
  readonly #roster: Roster
  /** Monotonic milliseconds. */
  #renewAt: number
  #lookAt = 0
  /** The broker's time of the last look. */
  #lookedAt: number
  #version = -1
  #mustReadAll = false

  constructor(parts: ReignParts, options: ReignOptions, leadership: Leadership & { readonly leader: true }) {
    this.#parts = parts
    this.#options = options
    this.epoch = leadership.epoch
    this.#now = new BrokerClock(parts.clock, leadership.now)
    this.#lookedAt = leadership.now
    this.#roster = new Roster(parts)
    this.#renewAt = parts.clock.monotonic() + options.leaseMs / 3
  }

  /** How many entries can run. */
  get size(): number {
    return this.#roster.size
  }

  entries(): Iterable<ScheduleEntry> {
    return this.#roster.entries()
  }

  /** Before the first `round`. @throws CelerityError when the broker does not answer; nothing is known then, and another reign begins anew */
  async begin(): Promise<void> {
    const { schedules, declared, calendar, log } = this.#parts
    const stored = await schedules.entries()
    this.#take(stored)
    const { put, remove, overridden } = changesFor(declared, stored.entries, this.#now.now(), calendar)
    for (const name of overridden) log.info(`entry ${JSON.stringify(name)}: what was made of it at run time counts, not what is declared`)
    if (put.length === 0 && remove.length === 0) return
    await schedules.put(put)
    await schedules.remove(remove)
    log.info(`schedule brought up to date: ${put.length} put, ${remove.length} removed`, {
      put: put.length,
      removed: remove.length,
    })
    this.#take(await schedules.entries(stored.version))
  }

  /** Renews the lease and reads edits when it is time, and sends what is due. False: it leads no more. */
  async round(signal: AbortSignal): Promise<boolean> {
    if (!(await this.#renew())) return false
    if (this.#parts.clock.monotonic() >= this.#lookAt && !(await this.#look())) return false
    while (!signal.aborted) {
      const due = this.#roster.takeDue(this.#now.now(), BATCH)
      if (due.length === 0) return true
      if (!(await this.#send(due)) || !(await this.#renew())) return false
    }
    return true
  }

  /** Until there is something to do. */
  async rest(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    const next = this.#roster.next
    const monotonic = clock.monotonic()
    const ms = Math.min(
      this.#renewAt - monotonic,
      this.#lookAt - monotonic,
      next === null ? Number.POSITIVE_INFINITY : next - this.#now.now(),
    )
    // A timer may be early by less than a millisecond: never spin.
    await clock.sleep(Math.max(ms, 1) / 1000, signal)
  }

  async #renew(): Promise<boolean> {
    const { clock, schedules } = this.#parts
    const asked = clock.monotonic()
    if (asked < this.#renewAt) return true
    const leadership = await schedules.lead(this.#options.candidate, this.#options.leaseMs)
    // Under another epoch somebody may have led meanwhile, and what is known here is behind.
    if (!leadership.leader || leadership.epoch !== this.epoch) return false
    this.#renewAt = asked + this.#options.leaseMs / 3
    // The broker's own clock was set: what is planned has to be looked at by the new one.
    if (Math.abs(leadership.now - this.#now.now()) > JUMP_MS) this.#readAllSoon()
    this.#now.set(leadership.now)
    return true
  }

  /** Reads what was edited since the last look. False when the store was emptied: the declared entries have to be put again. */
  async #look(): Promise<boolean> {
    const { schedules, clock } = this.#parts
    const asked = this.#now.now()
    const version = await schedules.version()
    if (version < this.#version) return false
    if (version !== this.#version || this.#mustReadAll) this.#take(await schedules.entries(this.#mustReadAll ? undefined : this.#version))
    this.#mustReadAll = false
    this.#lookedAt = asked
    this.#lookAt = clock.monotonic() + this.#options.lookMs
    return true
  }

  #readAllSoon(): void {
    this.#mustReadAll = true
    this.#lookAt = Math.min(this.#lookAt, this.#parts.clock.monotonic() + READ_ALL_MS)
  }

  #take(entries: Awaited<ReturnType<Schedules['entries']>>): void {
    this.#roster.read(entries, this.#now.now(), this.#lookedAt)
    this.#version = entries.version
  }

  /** False: it leads no more. */
  async #send(due: readonly PlannedEntry[]): Promise<boolean> {
    const now = this.#now.now()
    let chains: Chain[] = []
    let count = 0
    for (const one of due) {
      const chain = this.#chain(one, now)
      if (chain === null) continue
      chains.push(chain)
      count += chain.ticks.length
      if (count < BATCH) continue
      if (!(await this.#carryOut(chains))) return false
      ;[chains, count] = [[], 0]
    }
    return this.#carryOut(chains)
  }

  async #carryOut(chains: readonly Chain[]): Promise<boolean> {
    if (chains.length === 0) return true
    const ticks = chains.flatMap((chain) => chain.ticks)
    const outcomes = await this.#parts.schedules.ticks(this.#options.candidate.id, this.epoch, ticks)
    if (outcomes.includes('lost')) return false
    let at = 0
    for (const chain of chains) {
      this.#settle(chain, outcomes.slice(at, at + chain.ticks.length))
      at += chain.ticks.length
    }
    return true
  }

  /** What is due of one entry; null when nothing is, or when its message cannot be made. */
  #chain(one: PlannedEntry, now: number): Chain | null {
    const { entry } = one
    try {
      const ticks = stepsOf(one, now, this.#parts.calendar).map((step) => this.#tick(entry, step))
      if (ticks.length > 0) return { one, ticks }
      this.#roster.set(one, now)
    } catch (error) {
      this.#roster.leaveOut(entry.name, `entry ${JSON.stringify(entry.name)}: ${reason(error)}`)
    }
    return null
  }

  #tick(entry: ScheduleEntry, { planned, next, due, outcome }: Step): Tick {
    const { name } = entry
    if (due === null) return { name, planned, next, publish: [] }
    if (outcome === 'skipped-misfire') return { name, planned, next, publish: [], note: { due, outcome, ids: [] } }
    const { id, outgoing } = this.#parts.message(entry, due)
    const tick = { name, planned, next, publish: [outgoing], note: { due, outcome, ids: [id] } }
    if (entry.overlap === 'allow') return tick
    const hold: Hold = { id, whenOpen: entry.overlap === 'skip' ? 'skip' : 'wait', forMs: this.#parts.holdMs(entry) }
    return { ...tick, hold }
  }

  /** Goes on from the last tick that counted. */
  #settle({ one, ticks }: Chain, outcomes: readonly TickOutcome[]): void {
    const now = this.#now.now()
    let { planned, lastDue } = one
    for (const [index, tick] of ticks.entries()) {
      const outcome = outcomes[index]
      const waits = outcome === 'open' && tick.hold?.whenOpen === 'wait'
      if (waits) {
        this.#roster.set({ ...one, planned, lastDue, waiting: true }, now, now + OPEN_MS)
        return
      }
      if (outcome === 'refused') {
        this.#refused({ ...one, planned, lastDue }, tick, now)
        return
      }
      if (outcome === 'stale') {
        // Edited: the next look tells. Or carried out before, by a call whose answer was lost.
        this.#readAllSoon()
        return
      }
      this.#tell(one.entry, tick, outcome)
      planned = tick.next
      lastDue = tick.note?.due ?? lastDue
      this.#parts.named.delete(tick.name)
    }
    this.#roster.set({ ...one, planned, lastDue, waiting: false }, now)
  }

  #refused(one: PlannedEntry, { name }: Tick, now: number): void {
    const why = 'the broker refuses its message: a key of its queue, or of the entry, is not what it should be'
    const { named, log } = this.#parts
    if (named.get(name) !== why) log.error(`entry ${JSON.stringify(name)}: ${why}`, { entry: name })
    named.set(name, why)
    this.#roster.set(one, now, now + REFUSED_MS)
  }

  #tell({ name, task }: ScheduleEntry, { note }: Tick, outcome: TickOutcome | undefined): void {
    const { log } = this.#parts
    if (note === undefined) return
    if (outcome === 'sent' && note.ids.length > 0) this.sent++
    if (!log.enabled('info')) return
    const due = new Date(note.due).toISOString()
    if (outcome === 'open') log.info(`Left out: ${name} (${task}), its last task has not ended`, { due })
    else if (note.outcome === 'skipped-misfire') log.info(`Left out: ${name} (${task}), missed`, { due })
    else log.info(`Sending due task ${name} (${task})`, { id: note.ids[0], due, ...(note.outcome === 'late' ? { late: true } : {}) })
  }
}

interface Chain {
  readonly one: PlannedEntry
  readonly ticks: readonly Tick[]
}
