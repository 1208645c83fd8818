/** The journal of one memory server. Every method runs to its end without a pause. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.js'
import { JOURNAL_CAP, type Journal, type JournalBatch, type JournalPage, type JournalState } from '../journal.js'

/** Batches beyond the cap are thrown away together, once there are so many events in them: else each batch would move all the others. */
const SLACK = JOURNAL_CAP / 10

/** What the connections of one memory broker share of it. */
export class KeptJournal {
  /** Name → wall-clock millisecond at which the registration ends. */
  readonly #readers = new Map<string, number>()
  #id = ''
  #newest = 0
  #batches: JournalBatch[] = []

  register(reader: string, until: number, now: number): JournalState {
    if (this.readers(now).length === 0) this.#id = randomUUID()
    this.#readers.set(reader, until)
    return { id: this.#id, newest: this.#newest }
  }

  leave(reader: string, now: number): void {
    this.#readers.delete(reader)
    this.readers(now)
  }

  /** Those whose registration stands; the others are forgotten, and the record with the last of them. */
  readers(now: number): readonly string[] {
    for (const [reader, until] of this.#readers) if (until <= now) this.#readers.delete(reader)
    if (this.#readers.size === 0 && this.#id !== '') this.#forget()
    return [...this.#readers.keys()]
  }

  /** Writes a batch; the caller has seen that somebody is registered. */
  write(raw: Buffer, events: number): void {
    this.#newest += events
    this.#batches.push({ position: this.#newest, events, raw })
    if (this.#oldest() <= this.#newest - JOURNAL_CAP - SLACK) this.#batches.splice(0, this.#firstAfter(this.#newest - JOURNAL_CAP))
  }

  read(position: number, limit: number, now: number): JournalPage {
    this.readers(now)
    const first = this.#firstAfter(position)
    return { id: this.#id, newest: this.#newest, oldest: this.#oldest(), batches: this.#batches.slice(first, first + limit) }
  }

  #forget(): void {
    this.#id = ''
    this.#newest = 0
    this.#batches = []
  }

  #oldest(): number {
    const first = this.#batches[0]
    return first === undefined ? this.#newest : first.position - first.events
  }

  /** Index of the first batch that holds events after `position`. */
  #firstAfter(position: number): number {
    let low = 0
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#batches[middle] as JournalBatch).position <= position) low = middle + 1
      else high = middle
    }
    return low
  }
}

export class MemoryJournal implements Journal {
  readonly #kept: KeptJournal
  readonly #clock: Clock
  /** Throws when the connection was closed. */
  readonly #check: () => void

  constructor(kept: KeptJournal, clock: Clock, check: () => void) {
    this.#kept = kept
    this.#clock = clock
    this.#check = check
  }

  async register(reader: string, ttl: number): Promise<JournalState> {
    this.#check()
    const now = this.#clock.now()
    return this.#kept.register(reader, now + ttl * 1000, now)
  }

  async leave(reader: string): Promise<void> {
    this.#check()
    this.#kept.leave(reader, this.#clock.now())
  }

  async readers(): Promise<readonly string[]> {
    this.#check()
    return this.#kept.readers(this.#clock.now())
  }

  async read(position: number, limit: number): Promise<JournalPage> {
    this.#check()
    return this.#kept.read(position, limit, this.#clock.now())
  }
}
