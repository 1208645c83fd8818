/** Publishing: all that is published in one turn of the event loop becomes one commit, since the flush to the disk is what costs. */
import type { Clock } from '../../clock.js'
import { CelerityError, isCelerityError } from '../../errors.js'
import { type Database, type Transaction, Unflushed } from '../../sqlite/database.js'
import type { Outgoing } from '../broker.js'
import { publish } from './places.js'

interface Posting {
  readonly messages: readonly Outgoing[]
  /** When its sender is told that it failed, on the monotonic clock: nothing is stored after that. */
  readonly end: number
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

  post(messages: readonly Outgoing[], deadlineMs = Number.POSITIVE_INFINITY): Promise<void> {
    return new Promise((stored, failed) => {
      this.#waiting.push({ messages, end: this.#clock.monotonic() + deadlineMs, stored, failed })
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
      // One of them may be what SQLite refuses (larger than it holds): the others must not fail with it. Whatever else it is holds for all.
      const isTriedSingly = postings.length > 1 && isCelerityError(error) && error.code === 'E_BROKER_REFUSED'
      for (const posting of postings) {
        if (isTriedSingly) await this.#store([posting]).then(posting.stored, (why: unknown) => posting.failed(fateOf(why)))
        else posting.failed(fateOf(error))
      }
    }
  }

  #store(postings: readonly Posting[]): Promise<void> {
    const left = Math.min(...postings.map(({ end }) => end)) - this.#clock.monotonic()
    const step = (transaction: Transaction) => {
      for (const { messages } of postings) publish(transaction, messages, this.#clock.now())
    }
    return this.#database.write(step, 'durable', Math.max(left, 1))
  }
}

/** What is there must not be reported as not sent: it would be sent again. */
function fateOf(error: unknown): unknown {
  if (!(error instanceof Unflushed)) return error
  return new CelerityError('E_PUBLISH_TIMEOUT', {
    message: `the messages are stored, but the disk did not confirm them: ${error.message}`,
    hint: error.hint,
    cause: error,
  })
}
