/**
 * Outcomes of lost tasks whose results are on another server than the broker: stored first, and only then do their messages end, as the settler
 * does it. Until then a message stays where it was found, with its dead worker, for whoever tends next: so no outcome depends on this process.
 */
import type { Verdict } from '../broker/broker.js'
import type { ResultStore } from '../results/store.js'
import { type Settling, storeResults } from './settler.js'

export interface Ending {
  readonly verdict: Verdict
  /** What was to be stored is; false: the final state of another run stands. */
  readonly isOwn: boolean
}

export class LateOutcomes {
  readonly #store: ResultStore | null
  readonly #waiting = new Map<string, Settling>()
  readonly #stored = new Map<string, Ending>()

  constructor(store: ResultStore | null) {
    this.#store = store
  }

  /** How many are to be stored. */
  get size(): number {
    return this.#waiting.size
  }

  /** How the message with this key ends: as what is stored says; until something is, `later`. */
  ending(key: string, settling: Settling): Ending | 'later' {
    const { results = [], settlement } = settling
    const ending = results.length === 0 ? { verdict: settlement, isOwn: true } : this.#stored.get(key)
    if (ending === undefined) this.#waiting.set(key, settling)
    return ending ?? 'later'
  }

  /** Stores what waits; what was stored before has had its round. @throws when the store can't be told: all of it waits on */
  async store(): Promise<void> {
    const waiting = [...this.#waiting]
    const ends = await storeResults(
      waiting.map(([, settling]) => settling),
      this.#store,
    )
    this.#stored.clear()
    for (const [index, [key, { settlement }]] of waiting.entries()) {
      this.#waiting.delete(key)
      const verdict = ends[index] ?? settlement
      this.#stored.set(key, { verdict, isOwn: verdict === settlement })
    }
  }
}
