/** The result store in a SQLite file: the broker's own, as a rule, and then results are written in its settle step. */
import type { PreparedWrite } from '../../prepared-write.js'
import { type Database, openDatabase, type Transaction } from '../../sqlite/database.js'
import type { FailureCodes } from '../../sqlite/failures.js'
import type { ResultOptions } from '../options.js'
import { standing } from '../standing.js'
import type { EncodedResult, ResultStore, Watch } from '../store.js'
import { SCHEMA, WRITE } from './schema.js'
import { Watchers } from './watchers.js'

const CODES: FailureCodes = {
  url: 'E_RESULTS_URL',
  busy: 'E_RESULTS_UNREACHABLE',
  full: 'E_RESULTS_UNREACHABLE',
  large: 'E_RESULTS_UNREACHABLE',
  readonly: 'E_RESULTS_UNREACHABLE',
  damaged: 'E_RESULTS_UNREACHABLE',
  unsafe: 'E_RESULTS_UNREACHABLE',
  io: 'E_RESULTS_UNREACHABLE',
  closed: 'E_RESULTS_UNREACHABLE',
}

const STORED = 'SELECT state, json FROM result WHERE id = ? AND (until IS NULL OR until > ?)'
const GET = 'SELECT json FROM result WHERE id = ? AND (until IS NULL OR until > ?)'
const FORGET = 'DELETE FROM result WHERE id = ?'
const SWEEP = 'DELETE FROM result WHERE change IN (SELECT change FROM result WHERE until <= ? LIMIT ?)'

/** Results removed in one transaction: so a large sweep neither blocks the event loop nor the other writers for long. */
const SWEPT_AT_ONCE = 1_000

export async function openSqliteResults(url: string, options: ResultOptions): Promise<ResultStore> {
  const { deadlineMs, clock, log } = options
  return new SqliteResults(await openDatabase(url, { schema: SCHEMA, deadlineMs, clock, log, codes: CODES }), options)
}

class SqliteResults implements ResultStore {
  readonly server: string
  readonly #database: Database
  readonly #options: ResultOptions
  readonly #watchers: Watchers

  constructor(database: Database, options: ResultOptions) {
    this.#database = database
    this.#options = options
    this.#watchers = new Watchers(database, options.clock, options.log)
    this.server = `sqlite:${database.path}`
  }

  async set(results: readonly EncodedResult[]): Promise<readonly (string | null)[]> {
    if (results.length === 0) return []
    return this.#database.write((transaction) => results.map((result) => this.#write(transaction, result)))
  }

  /** What stands in its place; null: nothing to speak of. */
  #write(transaction: Transaction, result: EncodedResult): string | null {
    const stored = transaction.get<{ state: string; json: string }>(STORED, result.id, this.#options.clock.now()) ?? null
    const verdict = standing(stored, result.json)
    if (verdict === 'gives way') transaction.run(WRITE, ...this.#values(result))
    return verdict === 'ended' && stored !== null ? stored.json : null
  }

  prepare(result: EncodedResult): PreparedWrite {
    return { kind: 'sql', sql: WRITE, values: this.#values(result) }
  }

  async get(ids: readonly string[]): Promise<readonly (string | null)[]> {
    const now = this.#options.clock.now()
    return this.#database.read((transaction) => ids.map((id) => transaction.get<{ json: string }>(GET, id, now)?.json ?? null))
  }

  watch(ids: readonly string[], changed: (id: string, json: string) => void): Promise<Watch> {
    return this.#watchers.add(ids, changed)
  }

  async forget(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    await this.#database.write((transaction) => {
      for (const id of ids) transaction.run(FORGET, id)
    })
  }

  async sweep(): Promise<number> {
    const now = this.#options.clock.now()
    for (let total = 0; ; ) {
      const swept = await this.#database.write((transaction) => transaction.run(SWEEP, now, SWEPT_AT_ONCE), 'soon')
      total += swept
      if (swept < SWEPT_AT_ONCE) return total
      await new Promise(setImmediate)
    }
  }

  async close(): Promise<void> {
    this.#watchers.close()
    this.#database.close()
  }

  #values({ id, state, json, ttl }: EncodedResult): readonly (string | number | null)[] {
    const now = this.#options.clock.now()
    return [id, state, ttl === 0 ? null : Math.ceil(now + ttl * 1000), json, now]
  }
}
