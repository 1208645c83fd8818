/** Questions to what the monitor captured: `tasks history`, `tasks show`. */
import { type ExpressionBuilder, type SelectQueryBuilder, sql } from 'kysely'
import type { TaskRecord } from '../events/cluster.js'
import type { SnapshotStore } from './store.js'
import type { GapRow, MonitorTables, TaskRow, TryRow } from './tables.js'
import { taskRecord } from './task-row.js'

/** All of it has to hold. Moments are unix seconds; globs know `*` and `?`. */
export interface HistoryFilter {
  readonly states?: readonly string[] | undefined
  /** Globs of names. */
  readonly tasks?: readonly string[] | undefined
  /** Globs of node names. */
  readonly workers?: readonly string[] | undefined
  /** When it came into its state. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** A text in its id, name, arguments, result or error; case does not count. */
  readonly search?: string | undefined
}

export interface HistoryQuery extends HistoryFilter {
  /** The longest runs first, instead of what happened last. */
  readonly slowest: boolean
  readonly limit: number
}

/** Failures of one task with one error. */
export interface ErrorGroup {
  readonly error: string | null
  readonly name: string | null
  readonly failures: number
  /** Unix seconds. */
  readonly firstAt: number
  readonly lastAt: number
  /** The last of them. */
  readonly id: string
  readonly exception: string | null
}

/** Tasks that one sent: more nobody reads. */
const CHILDREN = 200

export class History {
  readonly #store: SnapshotStore

  constructor(store: SnapshotStore) {
    this.#store = store
  }

  /** Where it comes from, for people. */
  get place(): string {
    return this.#store.place
  }

  /** What is known of one task, with its tries. */
  async task(id: string): Promise<TaskRecord | null> {
    const [record] = await this.#records(
      await this.#store.query<TaskRow>((tables) => tables.selectFrom('monitor_task').selectAll().where('id', '=', id)),
    )
    return record ?? null
  }

  /** Those that it sent while it ran, oldest first. */
  async childrenOf(id: string): Promise<readonly TaskRecord[]> {
    const rows = await this.#store.query<TaskRow>((tables) =>
      tables.selectFrom('monitor_task').selectAll().where('parent_id', '=', id).orderBy('state_at').limit(CHILDREN),
    )
    return this.#records(rows)
  }

  find({ slowest, limit, ...filter }: HistoryQuery): Promise<readonly TaskRow[]> {
    return this.#store.query<TaskRow>((tables) => {
      const rows = filtered(tables.selectFrom('monitor_task'), filter).selectAll().limit(limit)
      return slowest
        ? rows.where('runtime', 'is not', null).orderBy('runtime', 'desc').orderBy('id')
        : rows.orderBy('state_at', 'desc').orderBy('id')
    })
  }

  /** Failures by error and task, the most frequent first. */
  errors(filter: HistoryFilter, limit: number): Promise<readonly ErrorGroup[]> {
    return this.#store.query<ErrorGroup>((tables) => {
      const groups = filtered(tables.selectFrom('monitor_task'), filter)
        .where('state', '=', 'FAILURE')
        .select([
          'error',
          'name',
          sql<number>`COUNT(*)`.as('failures'),
          sql<number>`MIN(state_at)`.as('firstAt'),
          sql<number>`MAX(state_at)`.as('lastAt'),
        ])
        .groupBy(['error', 'name'])
      // The last of each: by its moment, and of several at one moment any.
      const last = filtered(tables.selectFrom('monitor_task'), filter)
        .where('state', '=', 'FAILURE')
        .select([
          'error',
          'name',
          'id',
          'exception',
          sql<number>`ROW_NUMBER() OVER (PARTITION BY error, name ORDER BY state_at DESC, id)`.as('place'),
        ])
      return tables
        .selectFrom(groups.as('g'))
        .innerJoin(last.as('l'), (join) =>
          join
            .on('l.place', '=', 1)
            .on(sql<boolean>`COALESCE(l.error, '') = COALESCE(g.error, '')`)
            .on(sql<boolean>`COALESCE(l.name, '') = COALESCE(g.name, '')`),
        )
        .select(['g.error', 'g.name', 'g.failures', 'g.firstAt', 'g.lastAt', 'l.id', 'l.exception'])
        .orderBy('g.failures', 'desc')
        .orderBy('g.lastAt', 'desc')
        .limit(limit)
    })
  }

  /** What is known to have been missed, newest first. */
  gaps(limit: number): Promise<readonly GapRow[]> {
    return this.#store.query<GapRow>((tables) => tables.selectFrom('monitor_gap').selectAll().orderBy('at', 'desc').limit(limit))
  }

  async #records(rows: readonly TaskRow[]): Promise<readonly TaskRecord[]> {
    const tried = rows.filter(({ tries }) => tries > 0).map(({ id }) => id)
    const tries =
      tried.length === 0
        ? []
        : await this.#store.query<TryRow>((tables) =>
            tables.selectFrom('monitor_try').selectAll().where('task_id', 'in', tried).orderBy('number'),
          )
    return rows.map((row) =>
      taskRecord(
        row,
        tries.filter(({ task_id }) => task_id === row.id),
      ),
    )
  }
}

type Tasks<Output> = SelectQueryBuilder<MonitorTables, 'monitor_task', Output>

function filtered<Output>(tasks: Tasks<Output>, { states, tasks: names, workers, since, until, search }: HistoryFilter): Tasks<Output> {
  let rows = tasks
  if (states !== undefined && states.length > 0) rows = rows.where('state', 'in', states)
  if (names !== undefined && names.length > 0) rows = rows.where(anyOf('name', names))
  if (workers !== undefined && workers.length > 0) rows = rows.where(anyOf('worker', workers))
  if (since !== undefined) rows = rows.where('state_at', '>=', since)
  if (until !== undefined) rows = rows.where('state_at', '<', until)
  if (search !== undefined && search !== '') rows = rows.where(holding(search))
  return rows
}

type Row = ExpressionBuilder<MonitorTables, 'monitor_task'>

const anyOf = (column: 'name' | 'worker', globs: readonly string[]) => (row: Row) =>
  row.or(globs.map((glob) => sql<boolean>`${row.ref(column)} LIKE ${likeOf(glob)} ESCAPE '\\'`))

const SEARCHED = ['id', 'name', 'args', 'kwargs', 'result', 'exception'] as const

/** LOWER on both sides: LIKE heeds case in PostgreSQL and not in SQLite. */
const holding = (text: string) => (row: Row) => {
  const pattern = `%${escaped(text.toLowerCase())}%`
  return row.or(SEARCHED.map((column) => sql<boolean>`LOWER(${row.ref(column)}) LIKE ${pattern} ESCAPE '\\'`))
}

function likeOf(glob: string): string {
  return escaped(glob).replaceAll('*', '%').replaceAll('?', '_')
}

function escaped(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}
