/** What has waited for its time, in any queue: to its list. Done by every process now and then; a take does it for its own queues. */
import type { RedisLink } from '../../redis/link.js'
import type { BrokerOptions } from '../options.js'
import type { Keys } from './keys.js'
import { scripts } from './scripts.js'

/** Names of one look: every one that was ever used is looked at, by every process. A script must not hold the server up. */
const NAMES_AT_ONCE = 500
/** Queues of one step. */
const QUEUES_AT_ONCE = 100
/** Messages of one queue in one step. */
const MOST = 1_000
/** Milliseconds between two lines about the same queue. */
const SILENCE_MS = 60_000

export class DueMessages {
  readonly #link: RedisLink
  readonly #keys: Keys
  readonly #options: BrokerOptions
  readonly #complained = new Map<string, number>()

  constructor(link: RedisLink, keys: Keys, options: BrokerOptions) {
    this.#link = link
    this.#keys = keys
    this.#options = options
  }

  /** Returns how many were moved. A queue where that is impossible is named in the log, and keeps no other from it. */
  async move(): Promise<number> {
    const k = this.#keys
    const queues = await this.#found()
    let moved = 0
    for (let from = 0; from < queues.length; from += QUEUES_AT_ONCE) {
      const some = queues.slice(from, from + QUEUES_AT_ONCE)
      const keys = some.flatMap((queue) => [k.delayed(queue), k.delayedRaw(queue), ...k.lists(queue)])
      const [count, ...broken] = (await this.#link.script(scripts.moveDue, keys, [MOST])) as [number, ...(number | Buffer)[]]
      moved += count
      for (let i = 0; i + 1 < broken.length; i += 2) this.#complain(some[Number(broken[i]) - 1] ?? '', String(broken[i + 1]))
    }
    return moved
  }

  /** The queues in which something is due. */
  async #found(): Promise<readonly string[]> {
    const names = await this.#link.run((client) => client.smembers(this.#keys.queues))
    const found: string[] = []
    for (let from = 0; from < names.length; from += NAMES_AT_ONCE) {
      const some = names.slice(from, from + NAMES_AT_ONCE)
      const numbers = (await this.#link.script(
        scripts.findDue,
        some.map((queue) => this.#keys.delayed(queue)),
        [],
      )) as number[]
      found.push(...numbers.map((number) => some[number - 1] ?? ''))
    }
    return found
  }

  #complain(queue: string, why: string): void {
    const now = this.#options.clock.monotonic()
    if (now - (this.#complained.get(queue) ?? Number.NEGATIVE_INFINITY) < SILENCE_MS) return
    this.#complained.set(queue, now)
    this.#options.log.warning(`queue ${queue}: what is kept for later can't be read: ${why}`, { queue })
  }
}
