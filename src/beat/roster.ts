/** The entries that can run, where their plans stand, and which is due first. What can't be run is named once and left out. */
import type { Entries, StoredEntry } from '../broker/schedules.js'
import { reason } from '../errors.js'
import type { Log } from '../log.js'
import { decodeEntry, type ScheduleEntry } from '../protocol/schedule.js'
import { Agenda } from './agenda.js'
import type { Calendar } from './calendar.js'
import { type PlannedEntry, wakeAt } from './steps.js'

export interface RosterParts {
  readonly calendar: Calendar
  readonly log: Log
  /** Entries that were named already, with what was said; outlives the roster. */
  readonly named: Map<string, string>
}

export class Roster {
  readonly #parts: RosterParts
  readonly #entries = new Map<string, PlannedEntry>()
  readonly #agenda = new Agenda()

  constructor(parts: RosterParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#entries.size
  }

  /** When the next thing is to be done; null: nothing. */
  get next(): number | null {
    return this.#agenda.next
  }

  entries(): Iterable<ScheduleEntry> {
    return [...this.#entries.values()].map(({ entry }) => entry)
  }

  /** @param from where first plans begin: what came due after it is not missed */
  read({ complete, entries, removed }: Entries, now: number, from: number): void {
    if (complete) {
      this.#entries.clear()
      this.#agenda.clear()
    }
    for (const name of removed) this.#forget(name)
    for (const stored of entries) this.#read(stored, now, from)
  }

  /** Takes out up to `max` entries whose time has come; each is put back with `set`, or is left out until it is edited. */
  takeDue(now: number, max: number): readonly PlannedEntry[] {
    return this.#agenda.takeDue(now, max).flatMap((name) => this.#entries.get(name) ?? [])
  }

  /** @param at when to look at it again; absent: by its plan. Nothing is due any more without one. */
  set(one: PlannedEntry, now: number, at?: number): void {
    const { name } = one.entry
    this.#forget(name)
    if (one.planned === null && at === undefined) return
    try {
      this.#agenda.set(name, at ?? wakeAt(one, now, this.#parts.calendar))
      this.#entries.set(name, one)
    } catch (error) {
      this.leaveOut(name, named(name, reason(error)))
    }
  }

  /** Not run until it is edited. */
  leaveOut(name: string, why: string): void {
    this.#forget(name)
    if (this.#parts.named.get(name) === why) return
    this.#parts.named.set(name, why)
    this.#parts.log.error(`${why}; the entry is left out until it is mended`, { entry: name })
  }

  #read(stored: StoredEntry, now: number, from: number): void {
    const { name, planned, lastDue, open } = stored
    const entry = this.#decode(stored)
    if (entry === null || !stored.enabled || stored.over || !entry.enabled) {
      this.#forget(name)
      return
    }
    const waiting = entry.overlap === 'queue-one' && open.length > 0 && planned !== null && planned <= now
    this.set({ entry, planned, lastDue, from, waiting }, now, planned === null ? now : undefined)
  }

  /** Null when it can't be run; it is named then. */
  #decode({ name, json }: StoredEntry): ScheduleEntry | null {
    const read = decodeEntry(json)
    if (read.ok && read.entry.name === name) return read.entry
    this.leaveOut(name, named(name, read.ok ? `its definition is of ${JSON.stringify(read.entry.name)}` : read.reason))
    return null
  }

  #forget(name: string): void {
    this.#entries.delete(name)
    this.#agenda.delete(name)
  }
}

function named(name: string, why: string): string {
  return why.startsWith('entry ') ? why : `entry ${JSON.stringify(name)}: ${why}`
}
