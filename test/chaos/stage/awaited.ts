/** Which of the calls of a medley have no end yet, what follows from those that succeed included. Looks in the result store, again and again. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Medley } from './medley.js'
import type { Stage } from './stage.js'

/** Milliseconds from one look to the next. */
const LOOK_MS = 250

export class Awaited {
  readonly #stage: Stage
  readonly #medley: Medley
  readonly #missing = new Set<string>()
  readonly #looking: Promise<void>
  #read = 0
  #over = false

  constructor(stage: Stage, medley: Medley) {
    this.#stage = stage
    this.#medley = medley
    this.#looking = this.#lookOn()
  }

  get size(): number {
    this.#readOn()
    return this.#missing.size
  }

  /** Stops looking; resolves when all have their ends. */
  async all(seconds: number): Promise<void> {
    this.end()
    await this.#looking
    while (this.size > 0) {
      await this.#stage.allFinal([...this.#missing], seconds)
      await this.#look()
    }
  }

  /** Stops looking. */
  end(): void {
    this.#over = true
  }

  async #lookOn(): Promise<void> {
    while (!this.#over) {
      this.#readOn()
      await this.#look().catch(() => {}) // the broker may be away
      await sleep(LOOK_MS)
    }
  }

  async #look(): Promise<void> {
    const finals = await this.#stage.client.finals([...this.#missing])
    for (const [id, { state }] of finals) {
      this.#missing.delete(id)
      const [next] = this.#medley.after(id)
      if (state === 'SUCCESS' && next !== undefined) this.#missing.add(next)
    }
  }

  #readOn(): void {
    const lines = this.#stage.ledger.lines()
    for (; this.#read < lines.length; this.#read++) {
      const line = lines[this.#read]
      if (line?.kind === 'A') this.#missing.add(line.id)
    }
  }
}
