/**
 * Whose lease has run out. Nobody is judged dead by one who was away himself: not in the first lease after the file was opened, and not in
 * the first lease after a pause of this process (a suspended machine, SIGSTOP, a blocked loop), since the others may have been paused
 * with it and must have the time to renew.
 */
import type { Machine } from './machine.js'

export interface LeaseRow {
  readonly incarnation: string
  readonly boot: string
  readonly lease_ms: number
  readonly lease_end: number
  readonly renewals: number
}

interface Sighting {
  readonly renewals: number
  readonly at: number
}

const BEAT_MS = 500
/** Pauses remembered; older ones are forgotten first. */
const PAUSES = 16

export class LeaseWatch {
  readonly #machine: Machine
  readonly #opened: number
  readonly #timer: NodeJS.Timeout
  #beat: number
  #pauses: { readonly until: number; readonly length: number }[] = []
  /** For leases of another boot, whose clock is not ours: the renewal last seen, and since when by our clock. */
  readonly #sightings = new Map<string, Sighting>()

  constructor(machine: Machine) {
    this.#machine = machine
    this.#opened = machine.now()
    this.#beat = this.#opened
    this.#timer = setInterval(() => this.#notePause(), BEAT_MS)
    this.#timer.unref()
  }

  hasRunOut(worker: LeaseRow): boolean {
    this.#notePause()
    const now = this.#machine.now()
    if (now - this.#awakeSince(worker.lease_ms / 2) < worker.lease_ms) return false
    // The same boot under a name that is not unique would show a lease that ends later than any renewal could have set it.
    const comparable = worker.boot === this.#machine.boot && worker.lease_end <= now + worker.lease_ms
    return comparable ? worker.lease_end <= now : this.#unchangedSince(worker, now) >= worker.lease_ms
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #notePause(): void {
    const now = this.#machine.now()
    const length = now - this.#beat - BEAT_MS
    if (length > 0) this.#pauses = [...this.#pauses.slice(1 - PAUSES), { until: now, length }]
    this.#beat = now
  }

  /** Since when this process has run without a pause as long as `pauseMs`. */
  #awakeSince(pauseMs: number): number {
    return Math.max(this.#opened, ...this.#pauses.filter(({ length }) => length > pauseMs).map(({ until }) => until))
  }

  #unchangedSince({ incarnation, renewals }: LeaseRow, now: number): number {
    const seen = this.#sightings.get(incarnation)
    if (seen?.renewals === renewals) return now - seen.at
    this.#sightings.set(incarnation, { renewals, at: now })
    return 0
  }
}
