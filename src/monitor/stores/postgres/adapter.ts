/** Snapshots in PostgreSQL: for several machines, beside the data of the application or apart. */
import type { Compilable, Kysely } from 'kysely'
import { postgresBuilder } from '../../builder.js'
import { idsOf, type Known, knownOf, mergeSnapshot, type Writes } from '../../merge.js'
import type { SnapshotOptions } from '../../open.js'
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
import { PostgresLink, type Session } from './link.js'
import { loadPg } from './package.js'

const KNOWN_TASKS = `SELECT ${TASK_COLUMNS.join(', ')} FROM monitor_task WHERE id = ANY($1)`
const KNOWN_TRIES = `SELECT ${TRY_COLUMNS.join(', ')} FROM monitor_try WHERE task_id = ANY($1) ORDER BY task_id, number`
const KNOWN_WORKERS = `SELECT ${WORKER_COLUMNS.join(', ')} FROM monitor_worker WHERE node = ANY($1)`
const CURSOR = `SELECT ${CURSOR_COLUMNS.join(', ')} FROM monitor_cursor WHERE journal = $1`
const FORGET_CURSORS = 'DELETE FROM monitor_cursor WHERE server = $1 AND journal <> $2'
const CHECKED = 'UPDATE monitor_task SET checked_at = $1 WHERE id = ANY($2)'
const EXPIRED = 'SELECT id FROM monitor_task WHERE state = ANY($1) AND stored_at < $2 LIMIT $3'
const EXPIRED_OTHERS = 'SELECT id FROM monitor_task WHERE ended_at IS NULL AND state <> ALL($1) AND stored_at < $2 LIMIT $3'
const FORGET_WORKERS = 'DELETE FROM monitor_worker WHERE heartbeat_at < $1'
const FORGET_GAPS = 'DELETE FROM monitor_gap WHERE at < $1'
const DROP_TRIES = 'DELETE FROM monitor_try WHERE task_id = ANY($1)'
const DROP_TASKS = 'DELETE FROM monitor_task WHERE id = ANY($1)'

const PUT_TASKS = upsert('monitor_task', TASK_COLUMNS, 'id')
const PUT_TRIES = upsert('monitor_try', TRY_COLUMNS, 'task_id, number')
const PUT_WORKERS = upsert('monitor_worker', WORKER_COLUMNS, 'node')
const PUT_CURSOR = upsert('monitor_cursor', CURSOR_COLUMNS, 'journal')
const PUT_GAPS = upsert('monitor_gap', GAP_COLUMNS, 'id')

/**
 * Writers go one after the other, so that reading rows, merging and writing them is one step: cameras are few, and a commit is short. The
 * number is any: "tasks" in ASCII.
 */
const ALONE = 'SELECT pg_advisory_xact_lock(499968568179)'

/** Rows in one statement: a megabyte or two. */
const ROWS_AT_ONCE = 2_000

export async function openPostgresSnapshots(url: string, options: SnapshotOptions): Promise<SnapshotStore> {
  const link = new PostgresLink(await loadPg(), url, options)
  await link.read(async () => {}) // connects, and brings the tables up to date
  return new PostgresSnapshots(link)
}

class PostgresSnapshots implements SnapshotStore {
  readonly place: string
  readonly #link: PostgresLink
  readonly #builder = postgresBuilder()

  constructor(link: PostgresLink) {
    this.#link = link
    this.place = link.place
  }

  commit(snapshot: Snapshot): Promise<Committed> {
    return this.#link.write(async (session) => {
      await session.run(ALONE)
      const writes = mergeSnapshot(snapshot, await known(session, snapshot))
      await put(session, writes)
      return writes.committed
    })
  }

  expire(scope: ExpiryScope, before: number, limit: number): Promise<number> {
    const [sql, states] = 'only' in scope ? [EXPIRED, scope.only] : [EXPIRED_OTHERS, scope.except]
    return this.#link.write(async (session) => {
      await session.run(ALONE)
      const ids = (await session.all<{ id: string }>(sql, states, before, limit)).map(({ id }) => id)
      if (ids.length === 0) return 0
      await session.run(DROP_TRIES, ids)
      return session.run(DROP_TASKS, ids)
    })
  }

  forget(before: number): Promise<void> {
    return this.#link.write(async (session) => {
      await session.run(FORGET_WORKERS, before)
      await session.run(FORGET_GAPS, before)
    })
  }

  query<Row>(build: (tables: Kysely<MonitorTables>) => Compilable<Row>): Promise<readonly Row[]> {
    const { sql, parameters } = build(this.#builder).compile()
    return this.#link.read((session) => session.all<Row & object>(sql, ...parameters))
  }

  close(): Promise<void> {
    return this.#link.close()
  }
}

async function known(session: Session, snapshot: Snapshot): Promise<Known> {
  const { tasks, nodes } = idsOf(snapshot)
  const rows = tasks.length === 0 ? [] : await session.all<TaskRow>(KNOWN_TASKS, tasks)
  const tried = rows.filter((row) => row.tries > 0).map(({ id }) => id)
  return knownOf({
    tasks: rows,
    tries: tried.length === 0 ? [] : await session.all<TryRow>(KNOWN_TRIES, tried),
    workers: nodes.length === 0 ? [] : await session.all<WorkerRow>(KNOWN_WORKERS, nodes),
    cursor: snapshot.cursor === null ? undefined : (await session.all<CursorRow>(CURSOR, snapshot.cursor.journal))[0],
  })
}

async function put(session: Session, { tasks, tries, workers, cursor, gaps, checked, now }: Writes): Promise<void> {
  await putAll(session, PUT_TASKS, tasks)
  if (tries.length > 0) {
    await session.run(
      DROP_TRIES,
      tries.map(({ id }) => id),
    )
    await putAll(
      session,
      PUT_TRIES,
      tries.flatMap(({ rows }) => rows),
    )
  }
  await putAll(session, PUT_WORKERS, workers)
  await putAll(session, PUT_GAPS, gaps)
  if (checked.length > 0) await session.run(CHECKED, now, checked)
  if (cursor === null) return
  await putAll(session, PUT_CURSOR, [cursor])
  await session.run(FORGET_CURSORS, cursor.server, cursor.journal)
}

async function putAll(session: Session, sql: string, rows: readonly object[]): Promise<void> {
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) await session.run(sql, JSON.stringify(rows.slice(at, at + ROWS_AT_ONCE)))
}

/** All rows as one parameter, a JSON array of objects: no statement is longer for more rows, and none has to be prepared anew. */
function upsert(table: string, columns: readonly string[], key: string): string {
  const names = columns.join(', ')
  const set = columns.map((column) => `${column} = excluded.${column}`).join(', ')
  return (
    `INSERT INTO ${table} (${names}) SELECT ${names} FROM json_populate_recordset(NULL::${table}, $1::json) ` +
    `ON CONFLICT (${key}) DO UPDATE SET ${set}`
  )
}
