/**
 * What a snapshot makes of the rows that are there. A pure function, so that both databases do the same; each store runs it inside a
 * transaction in which nobody else writes. As the record of a task is a join of its events, so is its row: snapshots may come again, in any
 * order, from several cameras.
 */
import { mergeTask, type TaskEvent, type TaskRecord } from '../events/cluster.js'
import { isFinal } from '../protocol/result.js'
import type { Committed, CursorStep, Snapshot } from './store.js'
import type { CursorRow, GapRow, TaskRow, TryRow, WorkerRow } from './tables.js'
import { taskRecord, taskRow, tryRows } from './task-row.js'

/** What is stored of that which a snapshot is about. */
export interface Known {
  readonly tasks: ReadonlyMap<string, TaskRow>
  readonly tries: ReadonlyMap<string, readonly TryRow[]>
  readonly workers: ReadonlyMap<string, WorkerRow>
  readonly cursor: CursorRow | undefined
}

/** What is to be written. */
export interface Writes {
  readonly now: number
  readonly tasks: readonly TaskRow[]
  /** All tries of these tasks, in place of those that are there. */
  readonly tries: readonly { readonly id: string; readonly rows: readonly TryRow[] }[]
  readonly workers: readonly WorkerRow[]
  readonly cursor: CursorRow | null
  readonly gaps: readonly GapRow[]
  readonly checked: readonly string[]
  readonly committed: Committed
}

/** Whose rows a snapshot needs to know. */
export function idsOf({ events, workers }: Snapshot): { readonly tasks: readonly string[]; readonly nodes: readonly string[] } {
  return { tasks: [...new Set(events.map(({ uuid }) => uuid))], nodes: workers.map(({ node }) => node) }
}

/** @param rows tries in order of their tasks and numbers */
export function knownOf(rows: {
  readonly tasks: readonly TaskRow[]
  readonly tries: readonly TryRow[]
  readonly workers: readonly WorkerRow[]
  readonly cursor: CursorRow | undefined
}): Known {
  return {
    tasks: new Map(rows.tasks.map((row) => [row.id, row])),
    tries: byTask(rows.tries),
    workers: new Map(rows.workers.map((row) => [row.node, row])),
    cursor: rows.cursor,
  }
}

function byTask(rows: readonly TryRow[]): ReadonlyMap<string, readonly TryRow[]> {
  const tries = new Map<string, TryRow[]>()
  for (const row of rows) {
    const some = tries.get(row.task_id)
    if (some === undefined) tries.set(row.task_id, [row])
    else some.push(row)
  }
  return tries
}

export function mergeSnapshot(snapshot: Snapshot, known: Known): Writes {
  const { now, gaps, checked } = snapshot
  const changed = mergeEvents(snapshot.events, known)
  const cursor = snapshot.cursor === null ? null : stepTo(snapshot.cursor, known.cursor, now)
  const position = cursor === null ? (known.cursor?.position ?? null) : cursor.row.position
  const tasks = changed.map(({ after, row }) => taskRow(after, { stored: now, checked: row?.checked_at ?? null }))
  const ended = changed.filter(({ before, after }) => isFinal(after.state) && before?.state !== after.state).map(({ after }) => after.state)
  const told = cursor === null || cursor.lost === null ? gaps : [...gaps, cursor.lost]
  const count = (state: string) => ended.filter((one) => one === state).length
  return {
    now,
    tasks,
    tries: changed
      .filter(({ before, after }) => after.tries !== before?.tries && after.tries.length > 0)
      .map(({ after }) => ({ id: after.id, rows: tryRows(after) })),
    workers: snapshot.workers.filter((row) => !isOlder(row, known.workers.get(row.node))),
    cursor: cursor === null || cursor.row.position === known.cursor?.position ? null : cursor.row,
    gaps: told,
    checked,
    committed: {
      tasks: tasks.length,
      succeeded: count('SUCCESS'),
      failed: count('FAILURE'),
      revoked: count('REVOKED'),
      position,
      gaps: told,
    },
  }
}

interface Change {
  readonly row: TaskRow | undefined
  readonly before: TaskRecord | undefined
  readonly after: TaskRecord
}

function mergeEvents(events: readonly TaskEvent[], known: Known): readonly Change[] {
  const changes = new Map<string, Change>()
  for (const event of events) {
    const change = changes.get(event.uuid)
    if (change !== undefined) {
      const after = mergeTask(change.after, event)
      if (after !== change.after) changes.set(event.uuid, { ...change, after })
      continue
    }
    const row = known.tasks.get(event.uuid)
    const before = row === undefined ? undefined : taskRecord(row, known.tries.get(row.id) ?? [])
    changes.set(event.uuid, { row, before, after: mergeTask(before, event) })
  }
  return [...changes.values()].filter(({ before, after }) => before !== after)
}

/** The later sign of life stands; at the same one, what was found out last. */
function isOlder(row: WorkerRow, known: WorkerRow | undefined): boolean {
  return known !== undefined && (row.heartbeat_at - known.heartbeat_at || row.stored_at - known.stored_at) < 0
}

function stepTo(step: CursorStep, known: CursorRow | undefined, now: number): { readonly row: CursorRow; readonly lost: GapRow | null } {
  const position = Math.max(step.to, known?.position ?? 0)
  return {
    row: { journal: step.journal, server: step.server, position, stored_at: now },
    lost: known === undefined || known.position <= step.from ? step.lost : null,
  }
}
