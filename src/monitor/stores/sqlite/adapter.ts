/** Snapshots in a SQLite file: one machine, nothing to install. */
import type { Compilable, Kysely } from 'kysely'
import type { CelerityError } from '../../../errors.js'
import { type Database, openDatabase, type Transaction } from '../../../sqlite/database.js'
import type { FailureCodes } from '../../../sqlite/failures.js'
import { sqliteBuilder } from '../../builder.js'
import { idsOf, type Known, knownOf, mergeSnapshot, type Writes } from '../../merge.js'
import type { SnapshotOptions } from '../../open.js'
import { ROOM, SQLITE_MIGRATIONS } from '../../schema.js'
import type { Committed, ExpiryScope, Snapshot, SnapshotStore } from '../../store.js'
import {
  CURSOR_COLUMNS,
  type CursorRow,
  GAP_COLUMNS,
  type MonitorTables,
  TASK_COLUMNS,
  type TaskRow,
  TRY_COLUMNS,
  type TryRow,
  WORKER_COLUMNS,
  type WorkerRow,
} from '../../tables.js'

const CODES: FailureCodes = {
  url: 'E_MONITOR_URL',
  busy: 'E_MONITOR_UNREACHABLE',
  full: 'E_MONITOR_UNREACHABLE',
  large: 'E_MONITOR_REFUSED',
  readonly: 'E_MONITOR_REFUSED',
  damaged: 'E_MONITOR_REFUSED',
  unsafe: 'E_MONITOR_URL',
  io: 'E_MONITOR_UNREACHABLE',
  closed: 'E_MONITOR_UNREACHABLE',
}

const THESE = '(SELECT value FROM json_each(?))'
const KNOWN_TASKS = `SELECT ${TASK_COLUMNS.join(', ')} FROM monitor_task WHERE id IN ${THESE}`
const KNOWN_TRIES = `SELECT ${TRY_COLUMNS.join(', ')} FROM monitor_try WHERE task_id IN ${THESE} ORDER BY task_id, number`
const KNOWN_WORKERS = `SELECT ${WORKER_COLUMNS.join(', ')} FROM monitor_worker WHERE node IN ${THESE}`
const CURSOR = `SELECT ${CURSOR_COLUMNS.join(', ')} FROM monitor_cursor WHERE journal = ?`
const FORGET_TRIES = 'DELETE FROM monitor_try WHERE task_id = ?'
const FORGET_CURSORS = 'DELETE FROM monitor_cursor WHERE server = ? AND journal <> ?'
const CHECKED = 'UPDATE monitor_task SET checked_at = ? WHERE id = ?'
const EXPIRED = `SELECT id FROM monitor_task WHERE state IN ${THESE} AND stored_at < ? LIMIT ?`
const EXPIRED_OTHERS = `SELECT id FROM monitor_task WHERE ended_at IS NULL AND state NOT IN ${THESE} AND stored_at < ? LIMIT ?`
const FORGET_WORKERS = 'DELETE FROM monitor_worker WHERE heartbeat_at < ?'
const FORGET_GAPS = 'DELETE FROM monitor_gap WHERE at < ?'
const DROP_TRIES = `DELETE FROM monitor_try WHERE task_id IN ${THESE}`
const DROP_TASKS = `DELETE FROM monitor_task WHERE id IN ${THESE}`

const PUT_TASK = upsert('monitor_task', TASK_COLUMNS, 'id')
const PUT_TRY = upsert('monitor_try', TRY_COLUMNS, 'task_id, number')
const PUT_WORKER = upsert('monitor_worker', WORKER_COLUMNS, 'node')
const PUT_CURSOR = upsert('monitor_cursor', CURSOR_COLUMNS, 'journal')
const PUT_GAP = upsert('monitor_gap', GAP_COLUMNS, 'id')

export async function openSqliteSnapshots(url: string, options: SnapshotOptions): Promise<SnapshotStore> {
  const { deadlineMs, clock, log } = options
  const schema = { room: ROOM, migrations: SQLITE_MIGRATIONS }
  return new SqliteSnapshots(await openDatabase(url, { schema, deadlineMs, clock, log, codes: CODES }))
}

class SqliteSnapshots implements SnapshotStore {
  readonly place: string
  readonly #database: Database
  readonly #builder = sqliteBuilder()

  constructor(database: Database) {
    this.#database = database
    this.place = `sqlite:${database.path}`
  }

  commit(snapshot: Snapshot): Promise<Committed> {
    return this.#database.write((transaction) => {
      const writes = mergeSnapshot(snapshot, known(transaction, snapshot))
      put(transaction, writes)
      return writes.committed
    })
  }

  expire(scope: ExpiryScope, before: number, limit: number): Promise<number> {
    const [sql, states] = 'only' in scope ? [EXPIRED, scope.only] : [EXPIRED_OTHERS, scope.except]
    return this.#database.write((transaction) => {
      const ids = transaction.all<{ id: string }>(sql, JSON.stringify(states), before, limit).map(({ id }) => id)
      if (ids.length === 0) return 0
      transaction.run(DROP_TRIES, JSON.stringify(ids))
      return transaction.run(DROP_TASKS, JSON.stringify(ids))
    }, 'soon')
  }

  async forget(before: number): Promise<void> {
    await this.#database.write((transaction) => {
      transaction.run(FORGET_WORKERS, before)
      transaction.run(FORGET_GAPS, before)
    }, 'soon')
  }

  query<Row>(build: (tables: Kysely<MonitorTables>) => Compilable<Row>): Promise<readonly Row[]> {
    const { sql, parameters } = build(this.#builder).compile()
    return this.#database.read((transaction) => transaction.all(sql, ...(parameters as (string | number | null)[])) as Row[])
  }

  onReplaced(act: (error: CelerityError) => void): void {
    this.#database.onReplaced(act)
  }

  async close(): Promise<void> {
    this.#database.close()
  }
}

function known(transaction: Transaction, snapshot: Snapshot): Known {
  const { tasks, nodes } = idsOf(snapshot)
  const rows = transaction.all<TaskRow>(KNOWN_TASKS, JSON.stringify(tasks))
  const tried = rows.filter((row) => row.tries > 0).map(({ id }) => id)
  return knownOf({
    tasks: rows,
    tries: tried.length === 0 ? [] : transaction.all<TryRow>(KNOWN_TRIES, JSON.stringify(tried)),
    workers: transaction.all<WorkerRow>(KNOWN_WORKERS, JSON.stringify(nodes)),
    cursor: snapshot.cursor === null ? undefined : transaction.get<CursorRow>(CURSOR, snapshot.cursor.journal),
  })
}

function put(transaction: Transaction, { tasks, tries, workers, cursor, gaps, checked, now }: Writes): void {
  for (const row of tasks) transaction.run(PUT_TASK, ...TASK_COLUMNS.map((column) => row[column]))
  for (const { id, rows } of tries) {
    transaction.run(FORGET_TRIES, id)
    for (const row of rows) transaction.run(PUT_TRY, ...TRY_COLUMNS.map((column) => row[column]))
  }
  for (const row of workers) transaction.run(PUT_WORKER, ...WORKER_COLUMNS.map((column) => row[column]))
  for (const row of gaps) transaction.run(PUT_GAP, ...GAP_COLUMNS.map((column) => row[column]))
  for (const id of checked) transaction.run(CHECKED, now, id)
  if (cursor === null) return
  transaction.run(PUT_CURSOR, ...CURSOR_COLUMNS.map((column) => cursor[column]))
  transaction.run(FORGET_CURSORS, cursor.server, cursor.journal)
}

function upsert(table: string, columns: readonly string[], key: string): string {
  const set = columns.map((column) => `${column} = excluded.${column}`).join(', ')
  const values = columns.map(() => '?').join(', ')
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${values}) ON CONFLICT (${key}) DO UPDATE SET ${set}`
}
