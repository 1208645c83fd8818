/** Publishing: all that is published in one turn of the event loop becomes one commit, since the flush to the disk is what costs. */
import type { Clock } from '../../clock.js'
import type { Database } from '../../sqlite/database.js'
import type { Outgoing } from '../broker.js'
import { publish } from './places.js'

interface Posting {
  readonly messages: readonly Outgoing[]
  readonly stored: () => void
  readonly failed: (error: unknown) => void
}

export class Outbox {
  readonly #database: Database
  readonly #clock: Clock
  #waiting: Posting[] = []
  #flushed: Promise<void> = Promise.resolve()

  constructor(database: Database, clock: Clock) {
    this.#database = database
    this.#clock = clock
  }

  post(messages: readonly Outgoing[]): Promise<void> {
    return new Promise((stored, failed) => {
      this.#waiting.push({ messages, stored, failed })
      if (this.#waiting.length === 1) this.#flushed = new Promise((done) => setImmediate(() => void this.#flush().then(done)))
    })
  }

  /** Resolves when all that was posted is stored or has failed. */
  empty(): Promise<void> {
    return this.#flushed
  }

  async #flush(): Promise<void> {
    const postings = this.#waiting
    this.#waiting = []
    try {
      await this.#store(postings)
      for (const { stored } of postings) stored()
    } catch (error) {
      if (postings.length === 1) postings[0]?.failed(error)
      // One of them may be what SQLite refuses (larger than it holds): the others must not fail with it.
      else for (const posting of postings) await this.#store([posting]).then(posting.stored, posting.failed)
    }
  }

  #store(postings: readonly Posting[]): Promise<void> {
    return this.#database.write((transaction) => {
      for (const { messages } of postings) publish(transaction, messages, this.#clock.now())
    })
  }
}
