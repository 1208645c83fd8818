/** kombu's bindings, so that Celery's tools see the queues we send to; only informative. */
import { reason } from '../../errors.js'
import type { Log } from '../../log.js'
import type { RedisLink } from '../../redis/link.js'
import type { Keys } from './keys.js'

export class Bindings {
  readonly #link: RedisLink
  readonly #keys: Keys
  readonly #log: Log
  readonly #bound = new Set<string>()

  constructor(link: RedisLink, keys: Keys, log: Log) {
    this.#link = link
    this.#keys = keys
    this.#log = log
  }

  /** Those of `queues` that this process has not bound yet, each once. */
  missing(queues: Iterable<string>): Set<string> {
    const missing = new Set<string>()
    for (const queue of queues) if (!this.#bound.has(queue)) missing.add(queue)
    return missing
  }

  /** Never rejects: what it follows is done, and must not be reported as failed (and done again) for the sake of it. */
  async add(queues: Iterable<string>): Promise<void> {
    const names = [...queues]
    if (names.length === 0) return
    try {
      await this.#link.run((client) => Promise.all(names.map((queue) => client.sadd(...this.#keys.binding(queue)))))
      for (const queue of names) this.#bound.add(queue)
    } catch (error) {
      this.#log.debug(`queues are not bound, and Celery's tools don't see them: ${reason(error)}`, { queues: names })
    }
  }
}
