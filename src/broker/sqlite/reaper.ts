/** Workers whose lease ran out: fenced, and what they held judged and given back, in one transaction. */
import type { Transaction } from '../../sqlite/database.js'
import type { Judge, Tended } from '../broker.js'
import { DELIVERIES_REMEMBERED_MS, isSuspectStep, orphanKey } from '../orphan.js'
import type { LeaseRow } from './lease-watch.js'
import { meet, publish } from './places.js'
import { carryOut } from './settle.js'
import { asBuffer } from './take.js'
import { endLane, type LaneRow, lanesOf } from './worker-row.js'

const WORKERS = 'SELECT id, incarnation, node, boot, lease_ms, lease_end, renewals, fenced, process FROM broker_worker'
const HELD = `SELECT h.position AS position, h.message AS message, h.place AS place, h.started AS started, h.early AS early, m.raw AS raw
  FROM broker_held h JOIN broker_message m ON m.id = h.message WHERE h.lane = ? ORDER BY h.position`
const QUEUE_NAME = 'SELECT name FROM broker_queue WHERE id = ?'
const COUNTED = 'SELECT count FROM broker_delivery WHERE message_key = ? AND until > ?'
const COUNT = 'INSERT OR REPLACE INTO broker_delivery (message_key, count, until) VALUES (?, ?, ?)'
const TAKE_OUT = 'DELETE FROM broker_held WHERE lane = ? AND position = ?'
const FENCE = 'UPDATE broker_worker SET fenced = 1 WHERE id = ? AND fenced = 0'
const DELETE_OVER = 'DELETE FROM broker_worker WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM broker_lane WHERE worker = ?1) RETURNING id'

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

/** Fences `dead` workers, found in the same transaction, and gives back what they held; returns those of which it is news. */
export function reap(transaction: Transaction, dead: readonly DeadRow[], judge: Judge, now: number): Tended['reaped'][number][] {
  return dead.flatMap((worker) => {
    const { messages, isOver } = reapWorker(transaction, worker, judge, now)
    return messages > 0 || isOver ? [{ node: worker.node, incarnation: worker.incarnation, messages }] : []
  })
}

/** The row goes in the same transaction, or is marked as fenced, so from here on whatever that incarnation writes is refused. */
function reapWorker(transaction: Transaction, worker: DeadRow, judge: Judge, now: number) {
  let messages = 0
  const lanes = lanesOf(transaction, worker.id)
  for (const lane of lanes) {
    messages += reapLane(transaction, worker, lane, judge, now)
    endLane(transaction, lane.id)
  }
  transaction.run(FENCE, worker.id)
  const isOver = transaction.get(DELETE_OVER, worker.id) !== undefined
  return { messages, isOver }
}

/** Returns how many messages were settled; the others stay for another round. */
function reapLane(transaction: Transaction, worker: DeadRow, lane: LaneRow, judge: Judge, now: number): number {
  const queue = transaction.get<{ name: string }>(QUEUE_NAME, lane.queue)?.name ?? ''
  let messages = 0
  for (const row of transaction.all<HeldRow>(HELD, lane.id)) {
    const raw = asBuffer(row.raw)
    const key = orphanKey(raw)
    const deliveries = (transaction.get<{ count: number }>(COUNTED, key, now)?.count ?? 0) + 1
    const facts = { early: row.early === 1, suspect: row.started === 1, alone: isSuspectStep(lane.step) }
    const verdict = judge({ raw, queue, deliveries, ...facts, node: worker.node, process: worker.process })
    if (verdict === 'later') continue
    const { fate, writes = [], publish: followUps = [] } = verdict
    transaction.run(COUNT, key, deliveries, now + DELIVERIES_REMEMBERED_MS)
    for (const write of writes) carryOut(transaction, write)
    publish(transaction, followUps, now)
    meet(transaction, { source: lane, message: row.message, place: row.place, node: worker.node, deliveries }, fate, now)
    transaction.run(TAKE_OUT, lane.id, row.position)
    messages++
  }
  return messages
}
