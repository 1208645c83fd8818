/**
 * The port of the snapshot stores: a database with the published tables (docs/monitor.md). Adapters: ./stores/sqlite ./stores/postgres.
 * A store is brought up to date by whole snapshots and asked by queries that both databases understand; what rows mean is ./merge.ts.
 */
import type { Compilable, Kysely } from 'kysely'
import type { CelerityError } from '../errors.js'
import type { TaskEvent } from '../events/cluster.js'
import type { GapRow, MonitorTables, WorkerRow } from './tables.js'

export interface SnapshotStore {
  /** Where it is, for people: without a password. */
  readonly place: string

  /**
   * Takes over all of a snapshot, or nothing. The same again changes nothing; neither does it matter in which order snapshots come, nor
   * from how many cameras.
   *
   * @throws E_MONITOR_UNREACHABLE, E_MONITOR_REFUSED: nothing of it was stored, or nobody can tell; take it over again
   */
  commit(snapshot: Snapshot): Promise<Committed>

  /** Removes up to `limit` tasks of these states that were stored before `before` (unix seconds); returns how many went. */
  expire(scope: ExpiryScope, before: number, limit: number): Promise<number>

  /** Removes workers not heard of since `before`, and gaps from before it. */
  forget(before: number): Promise<void>

  /** The rows of a query on the published tables, on one state of the database. */
  query<Row>(build: (tables: Kysely<MonitorTables>) => Compilable<Row>): Promise<readonly Row[]>

  /** See `Broker.onReplaced`. */
  onReplaced?(act: (error: CelerityError) => void): void

  close(): Promise<void>
}

/** In one of these states; or in none of these, and not final. */
export type ExpiryScope = { readonly only: readonly string[] } | { readonly except: readonly string[] }

/** What a camera has seen since the last one. */
export interface Snapshot {
  /** The camera's clock, unix seconds. */
  readonly now: number
  /** Of tasks, in any order. */
  readonly events: readonly TaskEvent[]
  /** As they are now: a row that is older than the one stored is passed over. */
  readonly workers: readonly WorkerRow[]
  /** How far the journal was read for this; null: it was not. */
  readonly cursor: CursorStep | null
  readonly gaps: readonly GapRow[]
  /** Tasks about which the result store was asked. */
  readonly checked: readonly string[]
}

export interface CursorStep {
  /** Which journal. */
  readonly journal: string
  /** Which broker, as far as it can be told; another journal of the same one takes the place of this. */
  readonly server: string
  /** Where it was read from; when another camera has been further already, `lost` counts for nothing: that one has told. */
  readonly from: number
  readonly to: number
  /** What was not there to be read any more. */
  readonly lost: GapRow | null
}

export interface Committed {
  /** Rows of tasks that were written: new, or not as they were. */
  readonly tasks: number
  /** Those among them that are final since. */
  readonly succeeded: number
  readonly failed: number
  readonly revoked: number
  /** How far the journal has been read by all cameras of this store; null: no cursor was given. */
  readonly position: number | null
  /** Gaps that nobody had told before. */
  readonly gaps: readonly GapRow[]
}
