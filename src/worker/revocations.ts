/** Which tasks must not run any more, as the broker knows it: asked again only when a take says that there is news. */
import type { Broker } from '../broker/broker.js'
import { reason } from '../errors.js'
import type { Taker } from './taker.js'

export class Revocations {
  readonly #broker: Broker
  readonly #taker: Taker
  #count = 0
  #ids: ReadonlySet<string> = new Set()

  constructor(broker: Broker, taker: Taker) {
    this.#broker = broker
    this.#taker = taker
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** @param count `Taken.revocations` */
  async learn(count: number): Promise<void> {
    if (count === this.#count) return
    try {
      this.#ids = await this.#broker.revoked()
      this.#count = count
    } catch (error) {
      this.#taker.complain('revocations', `revocations can't be read: ${reason(error)}`)
    }
  }
}
