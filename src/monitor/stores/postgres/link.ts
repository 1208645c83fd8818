/**
 * One connection to PostgreSQL, made when it is needed. Whatever fails on it that is no word of the server's about a statement, it is
 * thrown away and made anew at the next call.
 */
import type { Client } from 'pg'
import { CelerityError, isCelerityError, reason } from '../../../errors.js'
import { maskText, maskUrl } from '../../../mask.js'
import type { SnapshotOptions } from '../../open.js'
import { migrate } from './migrate.js'
import type { Pg } from './package.js'

/** Statements inside one transaction; values are bound, never written in. */
export interface Session {
  /** Returns how many rows were changed. */
  run(sql: string, ...values: readonly unknown[]): Promise<number>
  all<Row extends object>(sql: string, ...values: readonly unknown[]): Promise<Row[]>
}

/** int8 and numeric: counts, sums and positions stay far below 2^53. */
const AS_NUMBER = new Set([20, 1700])

export class PostgresLink {
  /** Without a password. */
  readonly place: string
  readonly #pg: Pg
  readonly #url: string
  readonly #options: SnapshotOptions
  #client: Client | undefined
  /** Transactions go one after the other on the one connection. */
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(pg: Pg, url: string, options: SnapshotOptions) {
    this.#pg = pg
    this.#url = url
    this.#options = options
    this.place = maskUrl(url)
  }

  read<T>(step: (session: Session) => Promise<T>): Promise<T> {
    return this.#queue(() => this.#transaction('BEGIN READ ONLY', step))
  }

  write<T>(step: (session: Session) => Promise<T>): Promise<T> {
    return this.#queue(() => this.#transaction('BEGIN', step))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#last.catch(() => {}) // whoever asked for it was told
    await this.#client?.end().catch(() => {}) // it is gone already
    this.#client = undefined
  }

  #queue<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#last.then(step, step)
    this.#last = result.catch(() => {})
    return result
  }

  async #transaction<T>(begin: string, step: (session: Session) => Promise<T>): Promise<T> {
    if (this.#closed) throw new CelerityError('E_MONITOR_UNREACHABLE', { message: `${this.place}: this connection was closed` })
    try {
      const client = await this.#ready()
      await client.query(begin)
      const result = await step(sessionOf(client))
      await client.query('COMMIT')
      return result
    } catch (error) {
      await this.#abandon(error)
      throw isCelerityError(error) ? error : this.#translated(error)
    }
  }

  async #ready(): Promise<Client> {
    if (this.#client !== undefined) return this.#client
    const { deadlineMs } = this.#options
    const client = new this.#pg.Client({
      connectionString: this.#url,
      connectionTimeoutMillis: deadlineMs,
      query_timeout: deadlineMs, // ours, for a server that is frozen or cut off
      statement_timeout: deadlineMs, // the server's, so that it does not go on with what nobody waits for
      idle_in_transaction_session_timeout: deadlineMs, // a camera that is frozen lets go of the lock
      keepAlive: true,
      application_name: 'tasks monitor',
      types: { getTypeParser: (oid, format) => (AS_NUMBER.has(oid) ? Number : this.#pg.types.getTypeParser(oid, format)) },
    })
    client.on('error', () => this.#drop(client)) // it broke while it was idle
    await client.connect()
    try {
      await migrate(client, this.place)
    } catch (error) {
      void client.end().catch(() => {}) // what failed is told, not how it ended
      throw error
    }
    this.#client = client
    return client
  }

  /** A connection is only kept when the server itself said no, and takes the transaction back. */
  async #abandon(error: unknown): Promise<void> {
    const client = this.#client
    if (client === undefined) return
    if (isAnswer(error)) {
      const rolledBack = await client.query('ROLLBACK').then(
        () => true,
        () => false,
      )
      if (rolledBack) return
    }
    this.#drop(client)
  }

  #drop(client: Client): void {
    if (this.#client === client) this.#client = undefined
    void client.end().catch(() => {}) // it is broken: there is nobody to say goodbye to
  }

  #translated(error: unknown): CelerityError {
    const refused = isAnswer(error) && !/^(?:08|53|57|40|55P03)/.test(error.code)
    return new CelerityError(refused ? 'E_MONITOR_REFUSED' : 'E_MONITOR_UNREACHABLE', {
      message: `${this.place}: ${maskText(reason(error))}`,
      hint: refused ? undefined : 'Is it running? --store, TASKS_MONITOR_STORE or monitorStore names another.',
      cause: error,
    })
  }
}

/** Of SQLSTATE 08 connection, 53 resources, 57 shutdown and timeouts, 40 rollback, 55P03 lock: it may go better next time. */
function isAnswer(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) && 'severity' in error
  )
}

function sessionOf(client: Client): Session {
  return {
    run: async (sql, ...values) => (await client.query(sql, values as unknown[])).rowCount ?? 0,
    all: async (sql, ...values) => (await client.query(sql, values as unknown[])).rows,
  }
}
