/**
 * Direct exchanges as kombu has them on Redis, for answers to one asker: a member in the set of the exchange's bindings names the queue
 * `<routing key>.<exchange>`, a list like any other. A mailbox that nobody prolongs any more is given up by the next to open one, or by the
 * next worker to tidy up: so an asker that was killed leaves nothing for ever.
 */
import type { RedisLink } from '../../redis/link.js'
import type { Broadcast, Subscription } from '../broker.js'
import type { BrokerOptions } from '../options.js'
import type { Keys } from './keys.js'
import { openLink } from './open-link.js'
import { scripts } from './scripts.js'

/** Milliseconds a mailbox stands without being prolonged, and an answer in its list without being read: as kombu's queues on AMQP. */
const LIFE_MS = 300_000
const PROLONG_MS = 5_000
/** Seconds one BRPOP blocks. */
const BLOCK_SECONDS = 5
/** Milliseconds for the last words of a mailbox; if they don't get through, it runs out by itself. */
const CLOSING_MS = 1_000

export class Mailboxes {
  readonly #url: string
  readonly #link: RedisLink
  readonly #keys: Keys
  readonly #options: BrokerOptions
  readonly #open = new Set<Mailbox>()

  /** @param link for all but the blocking reads */
  constructor(url: string, link: RedisLink, keys: Keys, options: BrokerOptions) {
    this.#url = url
    this.#link = link
    this.#keys = keys
    this.#options = options
  }

  async open(exchange: string, routingKey: string, hear: (raw: Buffer) => void): Promise<Subscription> {
    const mailbox = new Mailbox(this.#url, this.#link, this.#keys, this.#options, { exchange, routingKey, hear })
    await mailbox.bind()
    this.#open.add(mailbox)
    void mailbox.listen()
    return {
      close: async () => {
        if (this.#open.delete(mailbox)) await mailbox.close()
      },
    }
  }

  async deliver({ exchange, routingKey, raw }: Broadcast): Promise<void> {
    const keys = [this.#keys.bindings(exchange), this.#keys.scratch]
    await this.#link.script(scripts.deliver, keys, [routingKey, raw as string, this.#keys.prefix, LIFE_MS])
  }

  /** Gives up those whose owner is gone. */
  async sweep(): Promise<void> {
    await bind(this.#link, this.#keys, [])
  }

  async close(): Promise<void> {
    const open = [...this.#open]
    this.#open.clear()
    await Promise.all(open.map((mailbox) => mailbox.close()))
  }
}

interface Address {
  readonly exchange: string
  readonly routingKey: string
  readonly hear: (raw: Buffer) => void
}

class Mailbox {
  readonly #link: RedisLink
  readonly #reading: RedisLink
  readonly #keys: Keys
  readonly #options: BrokerOptions
  readonly #address: Address
  #bound = 0
  #closed = false

  constructor(url: string, link: RedisLink, keys: Keys, options: BrokerOptions, address: Address) {
    this.#link = link
    this.#reading = openLink(url, options)
    this.#keys = keys
    this.#options = options
    this.#address = address
    // A server that has come back may have lost the binding.
    this.#reading.whenReady(() => void this.#prolong())
  }

  async bind(): Promise<void> {
    const { exchange, routingKey } = this.#address
    await bind(this.#link, this.#keys, [exchange, routingKey])
    this.#bound = performance.now()
  }

  /** Never rejects; ends with `close`. */
  async listen(): Promise<void> {
    const lists = this.#lists()
    while (!this.#closed) {
      const read = this.#reading.block(BLOCK_SECONDS * 1000, (client) => client.brpopBuffer(lists, BLOCK_SECONDS))
      if (performance.now() - this.#bound >= PROLONG_MS) void this.#prolong()
      const came = await read
      if (came !== null && !this.#closed) this.#hear(came[1])
    }
  }

  async #prolong(): Promise<void> {
    if (this.#closed) return
    try {
      await this.bind()
    } catch (error) {
      this.#options.log.debug('cannot prolong a mailbox; trying again', { error })
    }
  }

  #hear(raw: Buffer): void {
    try {
      this.#address.hear(raw)
    } catch (error) {
      this.#options.log.error('the owner of a mailbox failed on what came', { exchange: this.#address.exchange, error })
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#reading.close()
    const { exchange, routingKey } = this.#address
    const member = this.#keys.mailbox(exchange, routingKey)
    await this.#link
      .run(async (client) => {
        await client.srem(this.#keys.bindings(exchange), member.binding)
        await Promise.all([client.del(this.#lists()), client.zrem(this.#keys.mailboxes, member.name)])
      }, CLOSING_MS)
      .catch((error: unknown) => {
        this.#options.log.debug('cannot take a mailbox away; it runs out by itself', { error })
      })
  }

  #lists(): string[] {
    return this.#keys.lists(this.#keys.mailbox(this.#address.exchange, this.#address.routingKey).queue)
  }
}

async function bind(link: RedisLink, keys: Keys, mailboxes: readonly string[]): Promise<void> {
  await link.script(scripts.mailbox, [keys.mailboxes, keys.scratch], [LIFE_MS, keys.bindings(''), keys.prefix, ...mailboxes])
}
