/**
 * From what is known of a task (events/task-record.ts) to its row, and back without a loss: what one camera stored, another goes on from. Most
 * of what a record was made of stands in the columns; `basis` holds what does not.
 */
import { recordOf, type TaskParts, type TaskRecord, type Try } from '../events/cluster.js'
import type { TaskRow, TryRow } from './tables.js'

type Description = NonNullable<TaskParts['sent']>

interface Basis {
  /** Where it differs from the columns. */
  readonly sent?: Partial<Description>
  readonly received?: Partial<Description>
  /** Who made the state, when that is not the worker: a client that sent it. */
  readonly by?: string
}

/** @param times when it is stored, and when the result store was last asked about it */
export function taskRow(record: TaskRecord, times: { readonly stored: number; readonly checked: number | null }): TaskRow {
  return {
    id: record.id,
    name: record.name,
    state: record.state,
    worker: record.worker,
    queue: record.queue,
    args: record.args,
    kwargs: record.kwargs,
    result: record.result,
    error: errorClass(record.exception, record.traceback),
    exception: record.exception,
    traceback: record.traceback,
    runtime: record.runtime,
    retries: record.retries,
    tries: record.tries.length,
    root_id: record.rootId,
    parent_id: record.parentId,
    sent_from: record.sentFrom,
    eta: record.eta,
    expires: record.expires,
    sent_at: record.sentAt,
    received_at: record.receivedAt,
    started_at: record.startedAt,
    ended_at: record.endedAt,
    state_at: record.stateAt,
    clock: record.clock,
    stored_at: times.stored,
    checked_at: times.checked,
    basis: basisOf(record),
  }
}

export function tryRows({ id, tries }: TaskRecord): readonly TryRow[] {
  return tries.map((one, index) => ({ ...one, task_id: id, number: index + 1 }))
}

export function taskRecord(row: TaskRow, tries: readonly TryRow[]): TaskRecord {
  const basis = readBasis(row.basis)
  return recordOf(row.id, {
    sent: basis.sent === undefined ? null : { ...described(row, row.sent_at), ...basis.sent },
    received: basis.received === undefined ? null : { ...described(row, row.received_at), ...basis.received },
    startedAt: row.started_at,
    step: {
      state: row.state,
      at: row.state_at,
      clock: row.clock,
      by: basis.by ?? row.worker ?? '',
      result: row.result,
      exception: row.exception,
      traceback: row.traceback,
      runtime: row.runtime,
    },
    tries: tries.map(tryOf),
  })
}

function readBasis(text: string | null): Basis {
  if (text === null) return {}
  try {
    return JSON.parse(text) as Basis
  } catch {
    return {} // somebody has edited the table: what the columns say still holds
  }
}

/** Fields in the order in which a record has them: of two that nothing else tells apart, their texts decide. */
function tryOf({ at, clock, outcome, exception, traceback, worker, runtime }: TryRow): Try {
  return { at, clock, outcome, exception, traceback, worker, runtime }
}

/** A description as far as the columns say it. */
function described(row: TaskRow, at: number | null): Description {
  return {
    at: at ?? 0,
    clock: 0,
    name: row.name,
    args: row.args,
    kwargs: row.kwargs,
    queue: row.queue,
    retries: row.retries,
    eta: row.eta,
    expires: row.expires,
    rootId: row.root_id,
    parentId: row.parent_id,
    sentFrom: row.sent_from,
    sentAt: row.sent_at,
  }
}

function basisOf(record: TaskRecord): string | null {
  const { sent, received, step } = record.parts
  const basis: Basis = {
    ...(sent !== null && { sent: difference(sent, record, record.sentAt) }),
    ...(received !== null && { received: difference(received, record, record.receivedAt) }),
    ...(step.by !== (record.worker ?? '') && { by: step.by }),
  }
  return sent === null && received === null && basis.by === undefined ? null : JSON.stringify(basis)
}

function difference(description: Description, record: TaskRecord, at: number | null): Partial<Description> {
  const columns: Description = {
    at: at ?? 0,
    clock: 0,
    name: record.name,
    args: record.args,
    kwargs: record.kwargs,
    queue: record.queue,
    retries: record.retries,
    eta: record.eta,
    expires: record.expires,
    rootId: record.rootId,
    parentId: record.parentId,
    sentFrom: record.sentFrom,
    sentAt: record.sentAt,
  }
  return Object.fromEntries(Object.entries(description).filter(([key, value]) => columns[key as keyof Description] !== value))
}

/**
 * The class of an error, of its repr (`ValueError('no')`, `KeyError: 'x'`). Celery's workers wrap what a lost process or a hard time limit
 * raised (`ExceptionWithTraceback()`): there the last line of the traceback says it.
 */
export function errorClass(exception: string | null, traceback: string | null): string | null {
  const name = leadingName(exception)
  if (name !== null && name !== 'ExceptionWithTraceback') return name
  const last = traceback?.trimEnd().split('\n').at(-1) ?? null
  return leadingName(last) ?? name
}

function leadingName(text: string | null): string | null {
  return text === null ? null : (/^\s*<?([A-Za-z_][\w.]{0,254})(?=[(:<]|\s*$)/.exec(text)?.[1] ?? null)
}
