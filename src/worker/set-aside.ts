/**
 * Outcomes that the broker refuses for good while it takes those of others, even as dead letters: an access list that leaves out a key, a
 * key of another type. They are kept and offered again, so that the task is not run a second time when somebody has put that right, and
 * they hold nobody else up. When the worker stops, their messages go back.
 */
import type { Clock } from '../clock.js'
import type { Settling } from './settler.js'

export interface SetAsideParts {
  readonly clock: Clock
  readonly stopped: AbortSignal
  /** True: it was stored, or the lease is lost. */
  readonly offer: (settling: Settling) => Promise<boolean>
}

const SECONDS_BETWEEN = 5
/** When so many in a row are still refused, the others can wait for the next round. */
const REFUSALS_OF_A_ROUND = 3

export class SetAside {
  readonly #parts: SetAsideParts
  #held: Settling[] = []
  #isOffering = false

  constructor(parts: SetAsideParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#held.length
  }

  add(settling: Settling): void {
    this.#held.push(settling)
    if (!this.#isOffering) void this.#offerAll()
  }

  async #offerAll(): Promise<void> {
    const { clock, stopped } = this.#parts
    this.#isOffering = true
    while (this.#held.length > 0 && !stopped.aborted) {
      await clock.sleep(SECONDS_BETWEEN, stopped)
      await this.#round()
    }
    this.#isOffering = false
  }

  async #round(): Promise<void> {
    for (let refusals = 0; refusals < REFUSALS_OF_A_ROUND && !this.#parts.stopped.aborted; ) {
      const next = this.#held.shift()
      if (next === undefined) return
      if (await this.#parts.offer(next)) continue
      refusals++
      this.#held.push(next)
    }
  }
}
