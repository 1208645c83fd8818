/**
 * Waiting without taking. `BLMOVE q q RIGHT RIGHT t` blocks until `q` has a message and leaves the list as it was. It takes one list, so
 * each of the first queues has a connection of its own; further queues and the lower priority steps are found by the worker's next take, at
 * most 100 ms later.
 */
import type { RedisLink } from '../../redis/link.js'
import type { BrokerOptions } from '../options.js'
import type { Keys } from './keys.js'
import { openLink } from './open-link.js'

/** Waiting connections of one worker. */
const MAX_WAITERS = 4
/** Seconds one BLMOVE blocks. */
const BLOCK_SECONDS = 5
/** How long a list that has no waiter may hold a message unseen. */
const POLL_MS = 100

interface Waiter {
  readonly link: RedisLink
  /** The read that is under way, and resolves when the queue has something. */
  pending: Promise<boolean> | null
}

export class Waiters {
  readonly #url: string
  readonly #keys: Keys
  readonly #options: BrokerOptions
  readonly #waiters = new Map<string, Waiter>()
  #closed = false

  constructor(url: string, keys: Keys, options: BrokerOptions) {
    this.#url = url
    this.#keys = keys
    this.#options = options
  }

  wait(queues: readonly string[], seconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#closed) return Promise.resolve()
    const reads = this.#watched(queues).map((waiter) => waiter.pending as Promise<boolean>)
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, Math.min(seconds * 1000, POLL_MS))
      signal.addEventListener('abort', done, { once: true })
      for (const read of reads) {
        read.then((came) => {
          if (came) done()
        })
      }
    })
  }

  /** The waiters of the first queues, each with a read under way. */
  #watched(queues: readonly string[]): Waiter[] {
    for (const queue of queues) {
      if (this.#waiters.size >= MAX_WAITERS) break
      if (this.#waiters.has(queue)) continue
      this.#waiters.set(queue, { link: openLink(this.#url, this.#options), pending: null })
    }
    const watched: Waiter[] = []
    for (const queue of queues) {
      const waiter = this.#waiters.get(queue)
      if (waiter === undefined) continue
      waiter.pending ??= this.#read(waiter, this.#keys.list(queue, 0))
      watched.push(waiter)
    }
    return watched
  }

  async #read(waiter: Waiter, list: string): Promise<boolean> {
    // LMOVE's reply is the message; only whether there is one matters, so its bytes are not turned into a string.
    const reply = await waiter.link.block(BLOCK_SECONDS * 1000, (client) =>
      client.callBuffer('BLMOVE', list, list, 'RIGHT', 'RIGHT', String(BLOCK_SECONDS)),
    )
    waiter.pending = null
    return reply !== null
  }

  /** New connections for all. */
  rebuild(): void {
    for (const { link } of this.#waiters.values()) link.rebuild()
  }

  /** These are waited for no more: their connections are for others. */
  async leave(queues: readonly string[]): Promise<void> {
    for (const queue of queues) {
      const waiter = this.#waiters.get(queue)
      this.#waiters.delete(queue)
      await waiter?.link.close()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#waiters.values()].map((waiter) => waiter.link.close()))
  }
}
