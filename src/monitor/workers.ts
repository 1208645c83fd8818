/** The workers a camera hears of: which of their rows are to be written, and about how much of what they did nobody stored. */
import { isAlive, isWorkerEvent, mergeWorker, type WorkerRecord } from '../events/worker-record.js'
import type { ClusterEvent } from '../protocol/event.js'
import { type Estimate, heartbeat, readEstimate, started } from './missed.js'
import type { SnapshotStore } from './store.js'
import type { WorkerRow } from './tables.js'

/** Seconds between two writes of a worker that goes on as before. */
const INTERVAL = 60
/** Seconds after which a worker of which nothing was heard is no longer thought of; its row stays until it expires. */
const FORGOTTEN = 3_600
/** No more than these: whoever sends events may call itself anything. */
const MOST = 5_000

interface Known {
  readonly record: WorkerRecord
  /** The row as it was committed last. */
  readonly row: WorkerRow | undefined
  readonly estimate: Estimate | undefined
}

export class Workers {
  readonly #known = new Map<string, Known>()
  /** Estimates of workers not heard of since this camera started. */
  readonly #earlier = new Map<string, Estimate>()

  /** What an earlier camera knew. */
  recall(known: readonly KnownWorker[]): void {
    for (const { node, basis, since } of known) {
      const estimate = readEstimate(basis)
      if (estimate !== undefined && this.#earlier.size < MOST) this.#earlier.set(node, { ...estimate, seen: estimate.seen + since })
    }
  }

  /** @param isJournaled it was read from the journal, where nothing is missed unnoticed */
  hear(event: ClusterEvent, isJournaled: boolean): void {
    const known = this.#known.get(event.hostname)
    if (event.type === 'task-started' && known !== undefined && !isJournaled) {
      this.#known.set(event.hostname, { ...known, estimate: started(known.estimate, event.pid) })
    }
    if (!isWorkerEvent(event) || (known === undefined && this.#known.size >= MOST)) return
    const record = mergeWorker(known?.record, event)
    const before = known === undefined ? this.#earlier.get(event.hostname) : known.estimate
    const begun = event.fields['processed']
    const counts = !isJournaled && typeof begun === 'number' && Number.isSafeInteger(begun)
    this.#known.set(event.hostname, { record, row: known?.row, estimate: counts ? heartbeat(before, event.pid, begun) : before })
  }

  /** Rows of workers that are new, came or went, or were not written for a minute. @param now unix seconds */
  due(now: number): readonly WorkerRow[] {
    const rows: WorkerRow[] = []
    for (const [node, { record, row, estimate }] of this.#known) {
      if (now - record.heartbeatAt > FORGOTTEN && row?.state === 'offline') {
        this.#known.delete(node)
        continue
      }
      const next = workerRow(record, estimate, now)
      if (row === undefined || hasTurned(row, next) || (now - row.stored_at >= INTERVAL && record.heartbeatAt > row.heartbeat_at))
        rows.push(next)
    }
    return rows
  }

  /** After the commit. */
  written(rows: readonly WorkerRow[]): void {
    for (const row of rows) {
      const known = this.#known.get(row.node)
      if (known !== undefined) this.#known.set(row.node, { ...known, row })
    }
  }

  online(now: number): number {
    let count = 0
    for (const { record } of this.#known.values()) if (isAlive(record, now)) count++
    return count
  }

  /** About how many tasks of workers without a journal began unseen. */
  get missed(): number {
    let sum = 0
    for (const { estimate } of this.#known.values()) sum += estimate?.missed ?? 0
    return sum
  }
}

/** It came, went, or began anew; or it says for the first time what it does, which the answer to a call for heartbeats does not. */
function hasTurned(row: WorkerRow, next: WorkerRow): boolean {
  return row.state !== next.state || row.pid !== next.pid || (row.processed === null && next.processed !== null)
}

export interface KnownWorker {
  readonly node: string
  readonly basis: string | null
  /** Tasks of it that began, and were stored, since the row was written: that is done once a minute. */
  readonly since: number
}

/** The workers whose estimate is to go on, from their rows and from what was stored after them. */
export function knownWorkers(store: SnapshotStore): Promise<readonly KnownWorker[]> {
  return store.query<KnownWorker>((tables) =>
    tables
      .selectFrom('monitor_worker as worker')
      .leftJoin('monitor_task as task', (join) =>
        join.onRef('task.worker', '=', 'worker.node').onRef('task.started_at', '>', 'worker.stored_at'),
      )
      .where('worker.basis', 'is not', null)
      .groupBy(['worker.node', 'worker.basis'])
      .select(['worker.node', 'worker.basis', (row) => row.fn.count<number>('task.id').as('since')]),
  )
}

function workerRow(record: WorkerRecord, estimate: Estimate | undefined, now: number): WorkerRow {
  const [load1 = null, load5 = null, load15 = null] = record.loadavg ?? []
  return {
    node: record.node,
    state: isAlive(record, now) ? 'online' : 'offline',
    heartbeat_at: record.heartbeatAt,
    freq: record.freq,
    pid: record.pid,
    software: record.software,
    active: record.active,
    processed: record.processed,
    load_1: load1,
    load_5: load5,
    load_15: load15,
    clock: record.clock,
    missed: estimate?.missed ?? 0,
    basis: estimate === undefined ? null : JSON.stringify(estimate),
    stored_at: now,
  }
}
