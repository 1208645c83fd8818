/** What a camera has done, for people: totals, and the pace of the last moments. */
import type { Clock } from '../clock.js'
import type { JournalReading } from './journal-reader.js'
import type { Committed, Snapshot } from './store.js'

export interface TallyState {
  /** Snapshots that held something. */
  readonly snapshots: number
  /** Events stored. */
  readonly events: number
  /** Tasks that became final. */
  readonly succeeded: number
  readonly failed: number
  readonly revoked: number
  /** Tasks that became final, per second over the last ten. */
  readonly pace: number
  /** Events in the journal that are not stored yet. */
  readonly lag: number
  /** Events known to have been missed. */
  readonly missed: number
  /** Events that were none. */
  readonly bad: number
}

/** Seconds over which the pace is told. */
const SPAN = 10

export class Tally {
  readonly #clock: Clock
  readonly #totals = { snapshots: 0, events: 0, succeeded: 0, failed: 0, revoked: 0, lag: 0, missed: 0, bad: 0 }
  #recent: { readonly at: number; readonly ended: number }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(snapshot: Snapshot, { succeeded, failed, revoked, gaps }: Committed, reading: JournalReading | null): void {
    const totals = this.#totals
    if (snapshot.events.length > 0) totals.snapshots++
    totals.events += snapshot.events.length
    totals.succeeded += succeeded
    totals.failed += failed
    totals.revoked += revoked
    totals.lag = reading?.left ?? totals.lag
    totals.bad += reading?.bad ?? 0
    totals.missed += gaps.reduce((sum, { events }) => sum + (events ?? 0), 0)
    this.#recent.push({ at: this.#clock.monotonic() / 1000, ended: succeeded + failed + revoked })
  }

  get state(): TallyState {
    const now = this.#clock.monotonic() / 1000
    this.#recent = this.#recent.filter(({ at }) => now - at <= SPAN)
    const span = Math.min(SPAN, Math.max(1, now - (this.#recent[0]?.at ?? now)))
    return { ...this.#totals, pace: this.#recent.reduce((sum, { ended }) => sum + ended, 0) / span }
  }
}
