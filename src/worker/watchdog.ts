/**
 * No worker is connected and idle while tasks wait: where nothing was taken for a while though slots are free, the broker is asked over a
 * new connection how much there is. Found twice in a row, the old connections are not to be trusted (they may end at a server that is no
 * longer the one) and are built anew.
 */
import type { Consumer } from '../broker/broker.js'
import type { Log } from '../log.js'

/** Milliseconds between two looks. */
export const LOOK_MS = 10_000

export interface WatchdogParts {
  readonly consumer: Pick<Consumer, 'watch'>
  readonly log: Log
  /** What is consumed now. */
  queues(): readonly string[]
  /** More could be taken. */
  isFree(): boolean
}

export class Watchdog {
  readonly #parts: WatchdogParts
  /** Since the last look something was taken, or the broker failed us: no cause for doubt. */
  #isFine = false
  #found = 0
  #looking = false

  constructor(parts: WatchdogParts) {
    this.#parts = parts
  }

  /** What a take has brought; null: it got no answer, and that is known. */
  took(messages: number | null): void {
    if (messages !== 0) this.#isFine = true
  }

  /** To be called now and then. Never rejects. */
  async look(): Promise<void> {
    const { consumer, log, queues, isFree } = this.#parts
    const { watch } = consumer
    const isFine = this.#isFine || !isFree()
    this.#isFine = false
    if (isFine) this.#found = 0
    if (isFine || watch === undefined || this.#looking) return
    this.#looking = true
    const waiting = await watch.waiting(queues()).catch(() => 0) // away: that is noticed elsewhere
    this.#looking = false
    this.#found = waiting > 0 && !this.#isFine ? this.#found + 1 : 0
    if (this.#found < 2) return
    this.#found = 0
    log.error('messages wait that no take finds: the connections to the broker are built anew', { messages: waiting })
    watch.reconnect()
  }
}
