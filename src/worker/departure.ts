/**
 * How an incarnation ends: running tasks get their time, then a moment more; what has ended is stored, what still runs goes back. A process that
 * lives for its worker alone stands still from there to its end, so that no task is given back and then done here as well.
 */
import type { Consumer } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import type { Log } from '../log.js'
import type { Bell } from './bell.js'
import type { Keeper } from './keeper/keeper.js'
import { within } from './patience.js'
import type { Settler } from './settler.js'
import type { Workbench } from './workbench.js'

export interface DepartureParts {
  readonly consumer: Consumer
  readonly workbench: Workbench
  readonly settler: Settler
  /** Rings when a run has ended, or the lease is lost. */
  readonly bell: Bell
  readonly clock: Clock
  readonly log: Log
  isLost(): boolean
  /** From now on it is no news that the broker does not know this incarnation. */
  resigning(): void
}

/** Milliseconds in which a handler may still end whose signal has fired because the worker stops. */
const HEEDING_MS = 250
/** Seconds that giving back may take, however late it is. */
const LEAST_SECONDS = 0.3

export class Departure {
  readonly #parts: DepartureParts
  readonly #seconds: number
  /** When everything is to be at the broker, on the monotonic clock. */
  #deadline = 0

  /** @param seconds for the last outcomes, from the moment that `wait` has waited for: a broker may be away */
  constructor(parts: DepartureParts, seconds: number) {
    this.#parts = parts
    this.#seconds = seconds
  }

  /**
   * What runs may finish until `hurry` aborts. Then its signal fires, and it has a moment to end, well or because of that; what runs on may still
   * end until `leave`.
   */
  async wait(hurry: AbortSignal): Promise<void> {
    const { workbench, clock } = this.#parts
    await this.#idle(hurry)
    this.#deadline = clock.monotonic() + this.#seconds * 1000
    if (workbench.runs.size === 0 || this.#isLost) return
    workbench.interrupt()
    const moment = new AbortController()
    const timer = setTimeout(() => moment.abort(), HEEDING_MS)
    await this.#idle(moment.signal)
    clearTimeout(timer)
  }

  /**
   * Stores what has ended, gives back the rest and resigns: the last step of all.
   *
   * @param exit ends the process. Called where tasks still run, in the same breath in which they are given back. Without it a handler that does
   *   not heed its signal goes on, beside the second run; its outcome is refused.
   * @param returns another incarnation for the same queues follows at once
   */
  async leave(keeper: Keeper | undefined, exit?: () => never, returns = false): Promise<void> {
    const { consumer, workbench, settler, log, resigning } = this.#parts
    if (!this.#isLost) {
      workbench.failEarly()
      await this.#stored()
    }
    // No pause from here to `exit`: whatever ended in one would be done here, and given back.
    const isLost = this.#isLost
    const isRunning = !isLost && workbench.abandon()
    settler.stop()
    resigning()
    const seconds = Math.max(LEAST_SECONDS, this.#left)
    if (isRunning && exit !== undefined && keeper?.giveBack !== undefined) {
      if (!keeper.giveBack(seconds * 1000)) log.warning('what ran here comes back when its lease has run out: the broker could not be told')
      exit()
    }
    // Who was fenced has nothing to give back and waits for nothing; what it leaves is its connections.
    const resigned = within(consumer.resign(returns), seconds)
    await Promise.all([isLost ? null : resigned, keeper?.close()])
  }

  /** Resolves when nothing runs, when `enough` aborts, or when the lease is lost. */
  async #idle(enough: AbortSignal): Promise<void> {
    if (enough.aborted) return
    const { workbench, bell } = this.#parts
    const aborted = new Promise<void>((resolve) => enough.addEventListener('abort', () => resolve(), { once: true }))
    while (workbench.runs.size > 0 && !enough.aborted && !this.#isLost) await Promise.race([bell.next(), aborted])
  }

  /** Resolves when the broker has the outcome of every handler that has ended, at the latest at the deadline. */
  async #stored(): Promise<void> {
    const { workbench, settler } = this.#parts
    while (this.#left > 0 && !this.#isLost) {
      await within(settler.drained(), this.#left)
      // Who had ended by then has said so when the event loop has turned.
      await new Promise((resolve) => setImmediate(resolve))
      const ending = [...workbench.runs].filter((run) => run.over).map((run) => run.ended)
      if (ending.length > 0) await within(Promise.all(ending), this.#left)
      else if (settler.pending === 0) return
    }
  }

  get #isLost(): boolean {
    return this.#parts.isLost()
  }

  /** Seconds until the deadline. */
  get #left(): number {
    return (this.#deadline - this.#parts.clock.monotonic()) / 1000
  }
}
