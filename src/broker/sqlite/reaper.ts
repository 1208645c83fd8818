/** Workers whose lease ran out: fenced, and what they held judged and given back, in one transaction. */
import type { Transaction } from '../../sqlite/database.js'
import type { Judge, Tended } from '../broker.js'
import { DELIVERIES_REMEMBERED_MS, isSuspectStep, orphanKey } from '../orphan.js'
import type { LeaseRow } from './lease-watch.js'
import { meet, publish } from './places.js'
import { carryOut } from './settle.js'
import { asBuffer } from './take.js'
import { type LaneRow, lanesOf } from './worker-row.js'

const WORKERS = 'SELECT id, incarnation, node, boot, lease_ms, lease_end, renewals, fenced, process FROM broker_worker'
const HELD = `SELECT h.position AS position, h.message AS message, h.place AS place, h.started AS started, h.early AS early, m.raw AS raw
  FROM broker_held h JOIN broker_message m ON m.id = h.message WHERE h.lane = ? ORDER BY h.position`
const QUEUE_NAME = 'SELECT name FROM broker_queue WHERE id = ?'
const COUNT = `INSERT INTO broker_delivery (message_key, count, until) VALUES (?1, 1, ?2)
  ON CONFLICT (message_key) DO UPDATE SET count = CASE WHEN until <= ?3 THEN 1 ELSE count + 1 END, until = ?2 RETURNING count`

interface DeadRow extends LeaseRow {
  readonly id: number
  readonly node: string
  readonly fenced: number
  readonly process: string | null
}

interface HeldRow {
  readonly position: number
  readonly message: number
  readonly place: number
  readonly started: number
  readonly early: number
  readonly raw: Uint8Array
}

/** Workers that are to be reaped: their lease ran out, or they resigned and left start records. */
export function findDead(transaction: Transaction, hasRunOut: (worker: LeaseRow) => boolean): DeadRow[] {
  return transaction.all<DeadRow>(WORKERS).filter((worker) => worker.fenced === 1 || hasRunOut(worker))
}

/** Fences `dead` workers, found in the same transaction, and gives back what they held. */
export function reap(transaction: Transaction, dead: readonly DeadRow[], judge: Judge, now: number): Tended['reaped'][number][] {
  return dead.map((worker) => ({
    node: worker.node,
    incarnation: worker.incarnation,
    messages: reapWorker(transaction, worker, judge, now),
  }))
}

/** The row goes in the same transaction, so from here on whatever that incarnation writes is refused. */
function reapWorker(transaction: Transaction, worker: DeadRow, judge: Judge, now: number): number {
  let messages = 0
  for (const lane of lanesOf(transaction, worker.id)) {
    messages += reapLane(transaction, worker, lane, judge, now)
    transaction.run('DELETE FROM broker_held WHERE lane = ?', lane.id)
    transaction.run('DELETE FROM broker_lane WHERE id = ?', lane.id)
  }
  transaction.run('DELETE FROM broker_worker WHERE id = ?', worker.id)
  return messages
}

function reapLane(transaction: Transaction, worker: DeadRow, lane: LaneRow, judge: Judge, now: number): number {
  const queue = transaction.get<{ name: string }>(QUEUE_NAME, lane.queue)?.name ?? ''
  const rows = transaction.all<HeldRow>(HELD, lane.id)
  for (const row of rows) {
    const raw = asBuffer(row.raw)
    const deliveries = transaction.get<{ count: number }>(COUNT, orphanKey(raw), now + DELIVERIES_REMEMBERED_MS, now)?.count ?? 1
    const facts = { early: row.early === 1, suspect: row.started === 1, alone: isSuspectStep(lane.step) }
    const {
      fate,
      writes = [],
      publish: followUps = [],
    } = judge({ raw, queue, deliveries, ...facts, node: worker.node, process: worker.process })
    for (const write of writes) carryOut(transaction, write)
    publish(transaction, followUps, now)
    meet(transaction, { source: lane, message: row.message, place: row.place, node: worker.node, deliveries }, fate, now)
  }
  return rows.length
}
