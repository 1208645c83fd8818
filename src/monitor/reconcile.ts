/**
 * Tasks that seem to run on a worker that is gone, or of which nothing was heard since they were sent: what became of them may stand in the
 * result store. Few at a time, and each seldom.
 */
import type { TaskEvent } from '../events/cluster.js'
import { repr } from '../protocol/python-repr.js'
import { decodeResult } from '../protocol/result.js'
import type { ResultStore } from '../results/store.js'
import type { SnapshotStore } from './store.js'

/** Ids looked up in one snapshot. */
const AT_ONCE = 100
/** Seconds without a heartbeat after which a worker is gone; its row is written once a minute. */
const GONE = 120
/** Seconds nothing was stored of a task, and seconds between two looks at it. */
const QUIET = 60
const AGAIN = 600

export interface Unsettled {
  readonly id: string
  readonly worker: string | null
}

/** Tasks to be looked up. @param now unix seconds */
export function unsettled(store: SnapshotStore, now: number): Promise<readonly Unsettled[]> {
  return store.query<Unsettled>((tables) =>
    tables
      .selectFrom('monitor_task as task')
      .leftJoin('monitor_worker as worker', 'worker.node', 'task.worker')
      .select(['task.id', 'task.worker'])
      .where('task.ended_at', 'is', null)
      .where('task.stored_at', '<', now - QUIET)
      .where((row) => row.or([row('task.checked_at', 'is', null), row('task.checked_at', '<', now - AGAIN)]))
      .where((row) =>
        row.or([row('worker.node', 'is', null), row('worker.state', '=', 'offline'), row('worker.heartbeat_at', '<', now - GONE)]),
      )
      .orderBy('task.stored_at')
      .limit(AT_ONCE),
  )
}

/** What their results say, as the events that were missed. @throws what the result store throws */
export async function eventsOf(tasks: readonly Unsettled[], results: Pick<ResultStore, 'get'>, now: number): Promise<readonly TaskEvent[]> {
  const found = await results.get(tasks.map(({ id }) => id))
  return tasks.flatMap((task, index) => {
    const json = found[index]
    return json === null || json === undefined ? [] : eventOf(task, json, now)
  })
}

function eventOf({ id, worker }: Unsettled, json: string, now: number): readonly TaskEvent[] {
  const decoded = decodeResult(json)
  if (!decoded.ok) return []
  const { outcome, dateDone, extended } = decoded.result
  // By a clock of 0, and a result is stored before its event is sent: the event itself, should it come, knows more and wins.
  const common = {
    hostname: extended?.worker ?? worker ?? 'unknown',
    timestamp: dateDone === null ? now : dateDone / 1000,
    utcoffset: 0,
    pid: 0,
  }
  const event = (type: string, fields: TaskEvent['fields']): readonly TaskEvent[] => [
    { ...common, type, clock: 0, localReceived: null, uuid: id, fields },
  ]
  if (outcome.kind === 'success') return event('task-succeeded', { result: repr(outcome.value) })
  if (outcome.kind === 'meta' || outcome.state === 'RETRY') return []
  const { type, message, traceback } = outcome.error
  const exception = `${type}(${message.map(repr).join(', ')})`
  return outcome.state === 'REVOKED' ? event('task-revoked', {}) : event('task-failed', { exception, traceback })
}
