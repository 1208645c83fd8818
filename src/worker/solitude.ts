/**
 * When to run a suspect: a message whose workers vanished while it ran, and which from then on runs alone, so that it is the only one to
 * blame. An idle worker takes one; one that is never idle lets itself run empty, but only for a suspect that has waited for long.
 */
import type { Consumer } from '../broker/broker.js'
import type { Clock } from '../clock.js'

export interface SolitudeParts {
  readonly consumer: Consumer
  queues(): readonly string[]
  readonly clock: Clock
  /** Evenly from [0, 1): workers do not all run empty for the same suspect. */
  random(): number
  readonly leaseMs: number
  /** `WorkerOptions.suspectPatience` */
  readonly patience: number
  /** Suspects wait: whoever is idle may take one. */
  found(): void
  /** Whoever runs empty for suspects may go on. */
  changed(): void
}

/** Milliseconds between two looks, at most: what waits has been found with a dead worker, and so has waited for a lease before. */
const LOOK_MS = 5_000

export class Solitude {
  readonly #parts: SolitudeParts
  #timer: NodeJS.Timeout | undefined
  /** Suspects wait, and are due from this monotonic millisecond on; null: as far as is known, none wait. */
  #due: number | null = null

  constructor(parts: SolitudeParts) {
    this.#parts = parts
  }

  /** Looks for suspects until `close`. */
  watch(): void {
    this.#timer = setInterval(() => void this.#look(), Math.min(this.#parts.leaseMs / 3, LOOK_MS))
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** A suspect has waited for too long: nothing else is to be taken. */
  get isDue(): boolean {
    return this.#due !== null && this.#parts.clock.monotonic() >= this.#due
  }

  /** Whether an idle worker has one to run. @param now that it is looked for now, rather than that the last look counts */
  async calls(now: boolean): Promise<boolean> {
    if (now) await this.#look()
    return this.#due !== null
  }

  /** So many were taken just now; others have to wait as long again before anybody makes room for them. */
  taken(count: number): void {
    this.#due = count === 0 ? null : this.#later()
  }

  async #look(): Promise<void> {
    const { consumer, queues, found, changed } = this.#parts
    try {
      if (await consumer.suspects(queues())) {
        if (this.#due !== null) return
        this.#due = this.#later()
        found()
      } else if (this.#due !== null) {
        this.#due = null
        changed()
      }
    } catch {
      // The next look tells; a broker that is away is complained of by the takes.
    }
  }

  #later(): number {
    const { clock, patience, random } = this.#parts
    return clock.monotonic() + patience * 1000 * (1 + random())
  }
}
