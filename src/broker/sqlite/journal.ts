/** The journal as tables: the record is one row, its batches are rows ordered by their position. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.js'
import type { Database, Transaction } from '../../sqlite/database.js'
import { JOURNAL_CAP, type Journal, type JournalBatch, type JournalPage, type JournalState } from '../journal.js'
import { asBuffer } from './take.js'

const READERS = 'SELECT count(*) AS count FROM broker_journal_reader WHERE until > ?'
const NAMES = 'SELECT name FROM broker_journal_reader WHERE until > ? ORDER BY name'
const REGISTER = 'INSERT OR REPLACE INTO broker_journal_reader (name, until) VALUES (?, ?)'
const LEAVE = 'DELETE FROM broker_journal_reader WHERE name = ?'
const FORGET_READERS = 'DELETE FROM broker_journal_reader WHERE until <= ?'
const RECORD = 'SELECT name AS id, newest FROM broker_journal WHERE id = 1'
const MAKE_RECORD = 'INSERT OR REPLACE INTO broker_journal (id, name, newest) VALUES (1, ?, 0)'
const FORGET_RECORD = 'DELETE FROM broker_journal'
const COUNT = 'UPDATE broker_journal SET newest = newest + ? WHERE id = 1 RETURNING newest'
const WRITE = 'INSERT INTO broker_journal_batch (position, events, raw) VALUES (?, ?, ?)'
const TRIM = 'DELETE FROM broker_journal_batch WHERE position <= ?'
const FORGET_BATCHES = 'DELETE FROM broker_journal_batch'
const OLDEST = 'SELECT position - events AS oldest FROM broker_journal_batch WHERE position > 0 ORDER BY position LIMIT 1'
const AFTER = 'SELECT position, events, raw FROM broker_journal_batch WHERE position > ? ORDER BY position LIMIT ?'

const NO_RECORD: JournalState = { id: '', newest: 0 }

/** Registered readers at `now`, wall clock: registrations outlive the boot, whose monotonic clock starts anew. */
export function countReaders(transaction: Transaction, now: number): number {
  return transaction.get<{ count: number }>(READERS, now)?.count ?? 0
}

/** Writes a batch of the transaction's broadcast; the caller has seen that somebody is registered. */
export function writeBatch(transaction: Transaction, raw: Uint8Array, events: number): void {
  const newest = transaction.get<{ newest: number }>(COUNT, events)?.newest
  if (newest === undefined) return // the record went with its last reader since the caller looked
  transaction.run(WRITE, newest, events, raw)
  transaction.run(TRIM, newest - JOURNAL_CAP)
}

/** Ends registrations that have run out, and the record with the last of them. */
export function sweepJournal(transaction: Transaction, now: number): void {
  if (transaction.run(FORGET_READERS, now) > 0 && countReaders(transaction, now) === 0) forget(transaction)
}

function forget(transaction: Transaction): void {
  transaction.run(FORGET_RECORD)
  transaction.run(FORGET_BATCHES)
}

export class SqliteJournal implements Journal {
  readonly #database: Database
  readonly #clock: Clock

  constructor(database: Database, clock: Clock) {
    this.#database = database
    this.#clock = clock
  }

  register(reader: string, ttl: number): Promise<JournalState> {
    return this.#database.write((transaction) => {
      const now = this.#clock.now()
      sweepJournal(transaction, now)
      const known = countReaders(transaction, now) > 0 ? transaction.get<JournalState>(RECORD) : undefined
      transaction.run(REGISTER, reader, Math.ceil(now + ttl * 1000))
      if (known !== undefined) return known
      const record = { id: randomUUID(), newest: 0 }
      forget(transaction)
      transaction.run(MAKE_RECORD, record.id)
      return record
    }, 'soon')
  }

  async leave(reader: string): Promise<void> {
    await this.#database.write((transaction) => {
      transaction.run(LEAVE, reader)
      if (countReaders(transaction, this.#clock.now()) === 0) forget(transaction)
    }, 'soon')
  }

  async readers(): Promise<readonly string[]> {
    const rows = await this.#database.read((transaction) => transaction.all<{ name: string }>(NAMES, this.#clock.now()))
    return rows.map(({ name }) => name)
  }

  read(position: number, limit: number): Promise<JournalPage> {
    return this.#database.read((transaction) => {
      const { id, newest } = (countReaders(transaction, this.#clock.now()) > 0 && transaction.get<JournalState>(RECORD)) || NO_RECORD
      if (id === '') return { ...NO_RECORD, oldest: 0, batches: [] }
      const oldest = transaction.get<{ oldest: number }>(OLDEST)?.oldest ?? newest
      const rows = transaction.all<Omit<JournalBatch, 'raw'> & { readonly raw: Uint8Array }>(AFTER, position, limit)
      return { id, newest, oldest, batches: rows.map((row) => ({ ...row, raw: asBuffer(row.raw) })) }
    })
  }
}
