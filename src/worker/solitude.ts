/**
 * When to run a suspect: a message whose workers vanished while it ran, and which from then on runs alone, so that it is the only one to
 * blame. An idle worker takes one; one that is never idle lets itself run empty, but only for a suspect that has waited for long, and not for
 * as long as its longest task may take: all that time its other slots would be empty too, in every worker. Where it was in vain it works on
 * for a while, and then tries for twice as long, so that the suspect's turn comes, and most of the time goes to the others.
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
  /** Milliseconds: for how long it lets itself run empty, and at least works on before. */
  #patience: number

  constructor(parts: SolitudeParts) {
    this.#parts = parts
    this.#patience = parts.patience * 1000
  }

  /** Looks for suspects until `close`. */
  watch(): void {
    this.#timer = setInterval(() => void this.#look(), Math.min(this.#parts.leaseMs / 3, LOOK_MS))
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** A suspect has waited for too long: the worker lets itself run empty, and takes nothing else. */
  get isDraining(): boolean {
    if (this.#due === null) return false
    const late = this.#parts.clock.monotonic() - this.#due
    return late >= 0 && late < this.#patience
  }

  /** Whether an idle worker has one to run. @param now that it is looked for now, rather than that the last look counts */
  async wantsOne(now: boolean): Promise<boolean> {
    if (now) await this.#look()
    return this.#due !== null
  }

  /** So many were taken just now; others have to wait as long again before anybody makes room for them. */
  taken(count: number): void {
    this.#patience = this.#parts.patience * 1000
    this.#due = count === 0 ? null : this.#later()
  }

  async #look(): Promise<void> {
    const { consumer, queues, clock, found, changed } = this.#parts
    try {
      if (await consumer.suspects(queues())) {
        if (this.#due === null) {
          this.#due = this.#later()
          found()
        } else if (clock.monotonic() - this.#due >= this.#patience) {
          this.#patience *= 2
          this.#due = this.#later()
          changed()
        }
      } else if (this.#due !== null) {
        this.#due = null
        changed()
      }
    } catch {
      // The next look tells; a broker that is away is complained of by the takes.
    }
  }

  #later(): number {
    const { clock, random } = this.#parts
    return clock.monotonic() + this.#patience * (1 + random())
  }
}
