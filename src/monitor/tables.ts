/** Rows of the published tables (docs/monitor.md), as queries and stores see them. */

export interface TaskRow {
  readonly id: string
  readonly name: string | null
  readonly state: string
  readonly worker: string | null
  readonly queue: string | null
  readonly args: string | null
  readonly kwargs: string | null
  readonly result: string | null
  /** The class of the error: what failures are grouped by. */
  readonly error: string | null
  readonly exception: string | null
  readonly traceback: string | null
  readonly runtime: number | null
  readonly retries: number
  /** Rows in `monitor_try`. */
  readonly tries: number
  readonly root_id: string | null
  readonly parent_id: string | null
  readonly sent_from: string | null
  readonly eta: number | null
  readonly expires: number | null
  readonly sent_at: number | null
  readonly received_at: number | null
  readonly started_at: number | null
  readonly ended_at: number | null
  /** By the clock of who told it. */
  readonly state_at: number
  readonly clock: number
  /** When the row was written last, by the camera's clock: what expiry goes by. */
  readonly stored_at: number
  /** When the result store was last asked about it. */
  readonly checked_at: number | null
  /** What merging further events needs besides: JSON, ours alone. */
  readonly basis: string | null
}

export interface TryRow {
  readonly task_id: string
  /** From 1, oldest first. */
  readonly number: number
  /** When it ended. */
  readonly at: number
  readonly clock: number
  readonly outcome: 'retried' | 'failed'
  readonly worker: string
  readonly runtime: number | null
  readonly exception: string | null
  readonly traceback: string | null
}

export interface WorkerRow {
  readonly node: string
  readonly state: 'online' | 'offline'
  readonly heartbeat_at: number
  readonly freq: number
  readonly pid: number | null
  readonly software: string | null
  readonly active: number | null
  readonly processed: number | null
  readonly load_1: number | null
  readonly load_5: number | null
  readonly load_15: number | null
  readonly clock: number
  /** About how many of its task events nobody stored; only for workers that write no journal. */
  readonly missed: number
  /** What that estimate goes on from: JSON, ours alone. */
  readonly basis: string | null
  readonly stored_at: number
}

export interface CursorRow {
  readonly journal: string
  readonly server: string
  readonly position: number
  readonly stored_at: number
}

export interface GapRow {
  readonly id: string
  readonly at: number
  readonly cause: GapCause
  /** Null: nobody can know. */
  readonly events: number | null
  readonly detail: string
}

/** `trimmed`: the journal had let go of them; `replaced`: it is another journal than last time; `overflow`: the store was away for too long. */
export type GapCause = 'trimmed' | 'replaced' | 'overflow'

/** One error of one task. */
export interface FailuresRow {
  readonly name: string | null
  readonly error: string | null
  readonly failures: number
  readonly first_at: number
  readonly last_at: number
}

/** How long the runs of a task took. */
export interface SlowestRow {
  readonly name: string | null
  readonly runs: number
  readonly mean_runtime: number
  readonly longest_runtime: number
  readonly total_runtime: number
  /** From sent (or received) to started. */
  readonly mean_wait: number | null
}

/** What became final in one minute. */
export interface MinuteRow {
  /** When it began. */
  readonly minute: number
  readonly name: string | null
  readonly succeeded: number
  readonly failed: number
  readonly revoked: number
  readonly mean_runtime: number | null
  readonly longest_runtime: number | null
}

export interface MonitorTables {
  readonly monitor_task: TaskRow
  readonly monitor_try: TryRow
  readonly monitor_worker: WorkerRow
  readonly monitor_cursor: CursorRow
  readonly monitor_gap: GapRow
  readonly monitor_identity: { readonly id: string }
  readonly monitor_failures: FailuresRow
  readonly monitor_slowest: SlowestRow
  readonly monitor_per_minute: MinuteRow
}

type ColumnsOf<Row> = readonly (keyof Row & string)[]

export const TASK_COLUMNS: ColumnsOf<TaskRow> = [
  'id',
  'name',
  'state',
  'worker',
  'queue',
  'args',
  'kwargs',
  'result',
  'error',
  'exception',
  'traceback',
  'runtime',
  'retries',
  'tries',
  'root_id',
  'parent_id',
  'sent_from',
  'eta',
  'expires',
  'sent_at',
  'received_at',
  'started_at',
  'ended_at',
  'state_at',
  'clock',
  'stored_at',
  'checked_at',
  'basis',
]

export const TRY_COLUMNS: ColumnsOf<TryRow> = ['task_id', 'number', 'at', 'clock', 'outcome', 'worker', 'runtime', 'exception', 'traceback']

export const WORKER_COLUMNS: ColumnsOf<WorkerRow> = [
  'node',
  'state',
  'heartbeat_at',
  'freq',
  'pid',
  'software',
  'active',
  'processed',
  'load_1',
  'load_5',
  'load_15',
  'clock',
  'missed',
  'basis',
  'stored_at',
]

export const GAP_COLUMNS: ColumnsOf<GapRow> = ['id', 'at', 'cause', 'events', 'detail']

export const CURSOR_COLUMNS: ColumnsOf<CursorRow> = ['journal', 'server', 'position', 'stored_at']
