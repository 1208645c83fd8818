/** What a monitor captured: as documents for scripts, as tables for people. */
import type { ErrorGroup } from '../monitor/history.js'
import type { TaskRow } from '../monitor/tables.js'
import { table } from '../terminal/table.js'
import { relative, spanText } from '../terminal/time.js'
import type { Look } from './base-command.js'

/** One task. Moments are ISO 8601, spans seconds; null: not known. */
export interface PastTask {
  readonly id: string
  readonly name: string | null
  readonly state: string
  /** When it came into its state. */
  readonly at: string | null
  readonly worker: string | null
  readonly queue: string | null
  readonly args: string | null
  readonly kwargs: string | null
  readonly result: string | null
  /** The class of the error. */
  readonly error: string | null
  readonly exception: string | null
  readonly traceback: string | null
  readonly retries: number
  /** Tries that did not succeed. */
  readonly tries: number
  /** From sent (or received) to started. */
  readonly wait: number | null
  readonly runtime: number | null
  readonly parentId: string | null
  readonly rootId: string | null
  readonly sentFrom: string | null
  readonly eta: string | null
  readonly expires: string | null
  readonly sent: string | null
  readonly received: string | null
  readonly started: string | null
  readonly ended: string | null
}

/** Failures of one task with one error. */
export interface PastErrors {
  readonly error: string | null
  readonly name: string | null
  readonly failures: number
  readonly first: string | null
  readonly last: string | null
  /** The last of them, and what it said. */
  readonly id: string
  readonly exception: string | null
}

export function pastTask(row: TaskRow): PastTask {
  const { id, name, state, worker, queue, args, kwargs, result, error, exception, traceback, retries, tries, runtime } = row
  return {
    id,
    name,
    state,
    at: iso(row.state_at),
    worker,
    queue,
    args,
    kwargs,
    result,
    error,
    exception,
    traceback,
    retries,
    tries,
    wait: waitOf(row),
    runtime,
    parentId: row.parent_id,
    rootId: row.root_id,
    sentFrom: row.sent_from,
    eta: iso(row.eta),
    expires: iso(row.expires),
    sent: iso(row.sent_at),
    received: iso(row.received_at),
    started: iso(row.started_at),
    ended: iso(row.ended_at),
  }
}

export function pastErrors({ error, name, failures, firstAt, lastAt, id, exception }: ErrorGroup): PastErrors {
  return { error, name, failures, first: iso(firstAt), last: iso(lastAt), id, exception }
}

export function tasksTable(tasks: readonly PastTask[], { paint, width, now }: Look): string {
  return table(
    tasks,
    [
      { head: 'TASK', value: ({ name }) => name },
      { head: 'STATE', value: ({ state }) => state, colour: ({ state }) => colourOf(state) },
      { head: 'WHEN', value: ({ at }) => (at === null ? null : relative(Date.parse(at), now)) },
      { head: 'WAIT', value: ({ wait }) => (wait === null ? null : spanText(wait)), align: 'right' },
      { head: 'RUN', value: ({ runtime }) => (runtime === null ? null : spanText(runtime)), align: 'right' },
      { head: 'WORKER', value: ({ worker }) => worker },
      { head: 'TASK ID', value: ({ id }) => id, isWhole: true },
      { head: 'CAME TO', value: ({ exception, result }) => short(exception ?? result) },
    ],
    { paint, width },
  )
}

export function errorsTable(groups: readonly PastErrors[], { paint, width, now }: Look): string {
  return table(
    groups,
    [
      { head: 'ERROR', value: ({ error }) => error, colour: () => 'red' },
      { head: 'TASK', value: ({ name }) => name },
      { head: 'FAILURES', value: ({ failures }) => failures, align: 'right' },
      { head: 'LAST', value: ({ last }) => (last === null ? null : relative(Date.parse(last), now)) },
      { head: 'LAST ID', value: ({ id }) => id, isWhole: true },
      { head: 'IT SAID', value: ({ exception }) => short(exception) },
    ],
    { paint, width },
  )
}

/** The sender's clock and the worker's may differ: nothing waits for less than no time. */
function waitOf({ started_at, sent_at, received_at, eta }: TaskRow): number | null {
  const from = sent_at ?? received_at
  // What is not due does not wait yet.
  return started_at === null || from === null ? null : Math.max(0, started_at - Math.max(from, eta ?? from))
}

function iso(moment: number | null): string | null {
  return moment === null ? null : new Date(moment * 1000).toISOString()
}

function colourOf(state: string): 'green' | 'red' | 'yellow' | null {
  if (state === 'SUCCESS') return 'green'
  return state === 'FAILURE' || state === 'REVOKED' ? 'red' : state === 'RETRY' ? 'yellow' : null
}

const SHORT = 80

function short(text: string | null): string | null {
  return text !== null && text.length > SHORT ? `${text.slice(0, SHORT - 1)}…` : text
}
