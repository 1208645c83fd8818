/**
 * One connection to PostgreSQL, made when it is needed. Whatever fails on it that is no word of the server's about a statement, it is
 * thrown away and made anew at the next call.
 */
import { Socket } from 'node:net'
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

interface Connection {
  readonly client: Client
  /** Below it: what `client.end` waits for may never come from a server that is frozen. */
  readonly socket: Socket
}

/** Seconds a goodbye may take. */
const GOODBYE = 1

export class PostgresLink {
  /** Without a password. */
  readonly place: string
  readonly #pg: Pg
  readonly #url: string
  readonly #options: SnapshotOptions
  #connection: Connection | undefined
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
    if (this.#connection === undefined) return
    const { client, socket } = this.#connection
    this.#connection = undefined
    await Promise.race([client.end().catch(() => {}), this.#options.clock.sleep(GOODBYE)])
    socket.destroy()
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
    if (this.#connection !== undefined) return this.#connection.client
    const connection = this.#connect()
    const { client } = connection
    client.on('error', () => this.#drop(connection)) // it broke while it was idle
    try {
      await client.connect()
      await migrate(client, this.place)
    } catch (error) {
      this.#drop(connection)
      throw error
    }
    this.#connection = connection
    return client
  }

  #connect(): Connection {
    const { deadlineMs } = this.#options
    const socket = new Socket()
    try {
      const client = new this.#pg.Client({
        connectionString: this.#url,
        stream: () => socket,
        connectionTimeoutMillis: deadlineMs,
        query_timeout: deadlineMs, // ours, for a server that is frozen or cut off
        statement_timeout: deadlineMs, // the server's, so that it does not go on with what nobody waits for
        idle_in_transaction_session_timeout: deadlineMs, // a camera that is frozen lets go of the lock
        keepAlive: true,
        application_name: 'tasks monitor',
        types: { getTypeParser: (oid, format) => (AS_NUMBER.has(oid) ? Number : this.#pg.types.getTypeParser(oid, format)) },
      })
      return { client, socket }
    } catch (cause) {
      const hint = 'Such as postgres://user@host:5432/database.'
      throw new CelerityError('E_MONITOR_URL', { message: `${this.place}: ${maskText(reason(cause))}`, hint, cause })
    }
  }

  /** A connection is only kept when the server itself said no, and takes the transaction back. */
  async #abandon(error: unknown): Promise<void> {
    const connection = this.#connection
    if (connection === undefined) return
    if (isAnswer(error)) {
      const isRolledBack = await connection.client.query('ROLLBACK').then(
        () => true,
        () => false,
      )
      if (isRolledBack) return
    }
    this.#drop(connection)
  }

  #drop(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined
    connection.socket.destroy() // it is broken: there is nobody to say goodbye to
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
