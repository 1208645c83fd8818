/** Fan-out: a table that subscribers of all processes read on, capped, and written only while somebody listens. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.js'
import type { Log } from '../../log.js'
import type { Database, Transaction } from '../../sqlite/database.js'
import type { Broadcast, Subscription } from '../broker.js'
import { matches } from '../glob.js'
import type { Machine } from './machine.js'
import { asBuffer } from './take.js'

const LISTENS = 'SELECT 1 FROM broker_subscriber WHERE exchange = ? AND (boot <> ? OR until > ?) LIMIT 1'
const INSERT = 'INSERT INTO broker_broadcast (exchange, routing_key, raw) VALUES (?, ?, ?) RETURNING id'
const FORGET = 'DELETE FROM broker_broadcast WHERE id <= ?'
const NEWEST = "SELECT seq FROM sqlite_sequence WHERE name = 'broker_broadcast'"
const SINCE = 'SELECT id, exchange, routing_key, raw FROM broker_broadcast WHERE id > ? ORDER BY id LIMIT ?'
const SUBSCRIBE = 'INSERT OR REPLACE INTO broker_subscriber (id, exchange, boot, until) VALUES (?, ?, ?, ?)'
const UNSUBSCRIBE = 'DELETE FROM broker_subscriber WHERE id = ?'
const FORGET_SUBSCRIBERS = 'DELETE FROM broker_subscriber WHERE boot <> ? OR until <= ?'

/** Broadcasts kept for subscribers that have not read them yet. */
const KEPT = 10_000
const READ_AT_ONCE = 500
/** A subscriber that has not said so for this long listens no more. */
const LISTENING_MS = 30_000
const SAY_SO_S = 10

interface BroadcastRow {
  readonly id: number
  readonly exchange: string
  readonly routing_key: string
  readonly raw: Uint8Array
}

interface Listener {
  readonly exchange: string
  readonly pattern: string
  readonly hear: (message: Broadcast) => void
  /** The last broadcast before it listened. */
  readonly after: number
}

export class Broadcasts {
  readonly #id = randomUUID()
  readonly #database: Database
  readonly #machine: Machine
  readonly #clock: Clock
  readonly #log: Log
  readonly #listeners = new Set<Listener>()
  #read = 0
  #stop: AbortController | undefined

  constructor(database: Database, machine: Machine, clock: Clock, log: Log) {
    this.#database = database
    this.#machine = machine
    this.#clock = clock
    this.#log = log
  }

  async send({ exchange, routingKey, raw }: Broadcast): Promise<void> {
    const { boot, now } = this.#machine
    const listened = await this.#database.read((transaction) => transaction.get(LISTENS, exchange, boot, now()))
    if (listened === undefined) return
    await this.#database.write((transaction) => {
      const id = transaction.get<{ id: number }>(INSERT, exchange, routingKey, typeof raw === 'string' ? Buffer.from(raw) : raw)?.id ?? 0
      transaction.run(FORGET, id - KEPT)
    }, 'soon')
  }

  async subscribe(exchange: string, pattern: string, hear: (message: Broadcast) => void): Promise<Subscription> {
    const after = await this.#database.write((transaction) => {
      this.#sayThatWeListen(transaction, [exchange])
      return transaction.get<{ seq: number }>(NEWEST)?.seq ?? 0
    }, 'soon')
    const listener: Listener = { exchange, pattern, hear, after }
    this.#listeners.add(listener)
    if (this.#stop === undefined) {
      this.#stop = new AbortController()
      this.#read = after
      void this.#listen(this.#stop.signal)
    }
    return { close: () => this.#leave(listener) }
  }

  async close(): Promise<void> {
    for (const listener of [...this.#listeners]) await this.#leave(listener)
  }

  async #leave(listener: Listener): Promise<void> {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return
    this.#stop?.abort()
    this.#stop = undefined
    await this.#database
      .write((transaction) => transaction.run(UNSUBSCRIBE, this.#id), 'soon')
      .catch((error: unknown) => {
        this.#log.debug('cannot say that nobody listens any more; it is noticed by itself', { error })
      })
  }

  /** Reads on until the last listener has left. */
  async #listen(signal: AbortSignal): Promise<void> {
    let said = this.#machine.now()
    while (!signal.aborted) {
      try {
        const mark = this.#database.mark()
        const more = await this.#hearSome(signal)
        if (this.#machine.now() - said >= SAY_SO_S * 1000) {
          said = this.#machine.now()
          const exchanges = [...new Set([...this.#listeners].map(({ exchange }) => exchange))]
          await this.#database.write((transaction) => this.#sayThatWeListen(transaction, exchanges), 'soon')
        } else if (!more) await this.#database.changed(mark, SAY_SO_S, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#log.warning('cannot read broadcasts; trying again', { error })
        await this.#clock.sleep(1, signal)
      }
    }
  }

  async #hearSome(signal: AbortSignal): Promise<boolean> {
    const rows = await this.#database.read((transaction) => transaction.all<BroadcastRow>(SINCE, this.#read, READ_AT_ONCE))
    for (const row of rows) {
      this.#read = row.id
      if (!signal.aborted) this.#hear(row)
    }
    return rows.length === READ_AT_ONCE
  }

  #hear({ id, exchange, routing_key: routingKey, raw }: BroadcastRow): void {
    for (const listener of [...this.#listeners]) {
      if (listener.exchange !== exchange || id <= listener.after || !matches(listener.pattern, routingKey)) continue
      try {
        listener.hear({ exchange, routingKey, raw: asBuffer(raw) })
      } catch (error) {
        this.#log.error('a subscriber failed on a broadcast', { exchange, routingKey, error })
      }
    }
  }

  #sayThatWeListen(transaction: Transaction, exchanges: readonly string[]): void {
    const { boot } = this.#machine
    const now = this.#machine.now()
    transaction.run(FORGET_SUBSCRIBERS, boot, now)
    for (const exchange of exchanges) transaction.run(SUBSCRIBE, this.#id, exchange, boot, now + LISTENING_MS)
  }
}
