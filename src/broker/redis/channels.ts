/** Fanout exchanges as kombu has them on Redis: pub/sub channels `/<db>.<exchange>[/<routing key>]`. */
import type { Redis } from 'ioredis'
import type { Log } from '../../log.js'
import type { RedisLink } from '../../redis/link.js'
import type { Broadcast, Subscription } from '../broker.js'
import type { BrokerOptions } from '../options.js'
import type { Keys } from './keys.js'
import { openLink } from './open-link.js'

type Hear = (message: Broadcast) => void

export class Channels {
  readonly #keys: Keys
  readonly #link: RedisLink
  readonly #log: Log
  /** Listeners by subscribed channel pattern, each with its exchange and the part of the channel before the routing key. */
  readonly #listeners = new Map<string, { readonly exchange: string; readonly base: string; readonly hear: Set<Hear> }>()
  /** The client that tells us: it is the same one when it has connected again by itself. */
  #attached: Redis | undefined

  constructor(url: string, keys: Keys, options: BrokerOptions) {
    this.#keys = keys
    this.#log = options.log
    this.#link = openLink(url, options, { listens: true })
    this.#link.whenReady((client) => this.#attach(client))
  }

  async subscribe(exchange: string, pattern: string, hear: Hear): Promise<Subscription> {
    const base = this.#keys.channel(this.#link.address.db, exchange, '')
    const escaped = escapeGlob(base)
    // An empty routing key leaves the slash out, so "any key" is two channels.
    const channels = pattern === '' ? [escaped] : pattern === '*' ? [escaped, `${escaped}/*`] : [`${escaped}/${pattern}`]
    for (const channel of channels) {
      const known = this.#listeners.get(channel)
      if (known === undefined) this.#listeners.set(channel, { exchange, base, hear: new Set([hear]) })
      else known.hear.add(hear)
    }
    await this.#link.run((client) => client.psubscribe(...channels))
    return { close: () => this.#unsubscribe(channels, hear) }
  }

  async #unsubscribe(channels: readonly string[], hear: Hear): Promise<void> {
    const unused = channels.filter((channel) => {
      const listener = this.#listeners.get(channel)
      if (listener === undefined || !listener.hear.delete(hear) || listener.hear.size > 0) return false
      return this.#listeners.delete(channel)
    })
    // A lost connection has unsubscribed by itself.
    if (unused.length > 0) await this.#link.run((client) => client.punsubscribe(...unused)).catch(() => {})
  }

  /** Each new connection subscribes again to what is listened for; what was said in between is gone, as with every listener of pub/sub. */
  #attach(client: Redis): void {
    if (client !== this.#attached) client.on('pmessageBuffer', (pattern, channel, raw) => this.#hear(String(pattern), String(channel), raw))
    this.#attached = client
    const channels = [...this.#listeners.keys()]
    if (channels.length > 0) client.psubscribe(...channels).catch(() => {}) // then this connection breaks, and the next one subscribes
  }

  #hear(pattern: string, channel: string, raw: Buffer): void {
    const listener = this.#listeners.get(pattern)
    if (listener === undefined) return
    const routingKey = channel.slice(listener.base.length + 1)
    const { exchange } = listener
    for (const hear of listener.hear) {
      try {
        hear({ exchange, routingKey, raw })
      } catch (error) {
        this.#log.error('a subscriber failed on a broadcast', { exchange, routingKey, error })
      }
    }
  }

  close(): Promise<void> {
    return this.#link.close()
  }
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&')
}
