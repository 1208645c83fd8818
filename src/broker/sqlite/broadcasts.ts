/** Fan-out: a table that subscribers of all processes read on, capped, and written only while somebody listens. Events go to the journal too. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.js'
import type { Log } from '../../log.js'
import type { Database, Pace, Transaction } from '../../sqlite/database.js'
import type { Broadcast, Heard, Subscription } from '../broker.js'
import { countReaders, writeBatch } from './journal.js'
import type { Machine } from './machine.js'
import { asBuffer } from './take.js'

const LISTENING = 'SELECT count(*) AS count FROM broker_subscriber WHERE exchange = ? AND (boot <> ? OR until > ?)'
const INSERT = 'INSERT INTO broker_broadcast (exchange, routing_key, raw) VALUES (?, ?, ?) RETURNING id'
const FORGET = 'DELETE FROM broker_broadcast WHERE id <= ?'
const NEWEST = "SELECT seq FROM sqlite_sequence WHERE name = 'broker_broadcast'"
const SINCE = 'SELECT id, exchange, routing_key, raw FROM broker_broadcast WHERE id > ? ORDER BY id LIMIT ?'
const SUBSCRIBE = 'INSERT OR REPLACE INTO broker_subscriber (id, exchange, boot, until) VALUES (?, ?, ?, ?)'
const UNSUBSCRIBE = 'DELETE FROM broker_subscriber WHERE exchange = ? AND id = ?'
const FORGET_SUBSCRIBERS = 'DELETE FROM broker_subscriber WHERE boot <> ? OR until <= ?'

/** Broadcasts kept for subscribers that have not read them yet. */
const KEPT = 10_000
const READ_AT_ONCE = 500
/** A subscriber that has not said so for this long listens no more. */
const LISTENING_MS = 30_000
const SAY_SO_S = 10
/**
 * Every commit of a busy worker might hold a broadcast, and nearly none does: the file is read 50 times a second at most. What is heard is for
 * people and monitors, so that a seventh of a second is soon enough where all is quiet.
 */
const PACE: Pace = { busy: 0.02, idle: 0.15 }

interface BroadcastRow {
  readonly id: number
  readonly exchange: string
  readonly routing_key: string
  readonly raw: Uint8Array
}

/** One that has come: its bytes are the listener's own. */
export interface Arrived extends Broadcast {
  readonly raw: Buffer
}

interface Listener {
  readonly exchange: string
  /** Whether it hears broadcasts with this routing key. */
  readonly fits: (routingKey: string) => boolean
  readonly hear: (message: Arrived) => void
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

  /** @returns processes that listen to the exchange, whatever their patterns */
  async send({ exchange, routingKey, raw, events = 0 }: Broadcast): Promise<Heard> {
    const { boot, now } = this.#machine
    const heard = await this.#database.read((transaction) => ({
      listeners: transaction.get<{ count: number }>(LISTENING, exchange, boot, now())?.count ?? 0,
      readers: events > 0 ? countReaders(transaction, this.#clock.now()) : 0,
    }))
    if (heard.listeners === 0 && heard.readers === 0) return heard
    const bytes = typeof raw === 'string' ? Buffer.from(raw) : raw
    await this.#database.write((transaction) => {
      if (heard.readers > 0) writeBatch(transaction, bytes, events)
      if (heard.listeners === 0) return
      const id = transaction.get<{ id: number }>(INSERT, exchange, routingKey, bytes)?.id ?? 0
      transaction.run(FORGET, id - KEPT)
    }, 'soon')
    return heard
  }

  async subscribe(exchange: string, fits: Listener['fits'], hear: Listener['hear']): Promise<Subscription> {
    const after = await this.#database.write((transaction) => {
      this.#sayThatWeListen(transaction, [exchange])
      return transaction.get<{ seq: number }>(NEWEST)?.seq ?? 0
    }, 'soon')
    const listener: Listener = { exchange, fits, hear, after }
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
    if (!this.#listeners.delete(listener)) return
    if (this.#listeners.size === 0) {
      this.#stop?.abort()
      this.#stop = undefined
    }
    const { exchange } = listener
    if ([...this.#listeners].some((other) => other.exchange === exchange)) return
    await this.#database
      .write((transaction) => transaction.run(UNSUBSCRIBE, exchange, this.#id), 'soon')
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
        } else if (!more && (await this.#database.changed(mark, SAY_SO_S, signal, PACE))) await this.#clock.sleep(PACE.busy, signal)
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
      if (listener.exchange !== exchange || id <= listener.after || !listener.fits(routingKey)) continue
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
