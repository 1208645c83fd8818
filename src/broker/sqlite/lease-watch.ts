/**
 * Whose lease has run out. Nobody is judged dead by one who was away himself: not in the first lease after the file was opened, and not in
 * the first lease after a pause of this process.
 */
import { Wakefulness } from '../wakefulness.js'
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

export class LeaseWatch {
  readonly #machine: Machine
  readonly #awake: Wakefulness
  /** For leases of another boot, whose clock is not ours: the renewal last seen, and since when by our clock. */
  readonly #sightings = new Map<string, Sighting>()

  constructor(machine: Machine) {
    this.#machine = machine
    this.#awake = new Wakefulness(() => machine.now())
  }

  hasRunOut(worker: LeaseRow): boolean {
    const now = this.#machine.now()
    if (now - this.#awake.since(worker.lease_ms / 2) < worker.lease_ms) return false
    // The same boot under a name that is not unique would show a lease that ends later than any renewal could have set it.
    const comparable = worker.boot === this.#machine.boot && worker.lease_end <= now + worker.lease_ms
    return comparable ? worker.lease_end <= now : this.#unchangedSince(worker, now) >= worker.lease_ms
  }

  close(): void {
    this.#awake.close()
  }

  #unchangedSince({ incarnation, renewals }: LeaseRow, now: number): number {
    const seen = this.#sightings.get(incarnation)
    if (seen?.renewals === renewals) return now - seen.at
    this.#sightings.set(incarnation, { renewals, at: now })
    return 0
  }
}
