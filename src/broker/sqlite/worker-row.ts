/** The row of a registered incarnation, and the steps on it that owner and reaper share. Used inside a transaction of somebody else's. */
import type { Transaction } from '../../sqlite/database.js'
import { giveBack, type Source } from './places.js'

const WORKER = 'SELECT id, last_seq, closed_seq FROM broker_worker WHERE incarnation = ? AND fenced = 0'
const LANES = 'SELECT id, queue, step FROM broker_lane WHERE worker = ? ORDER BY seq, id'
const LANES_OF_TAKE = 'SELECT id, queue, step FROM broker_lane WHERE worker = ? AND seq = ? ORDER BY id'
const UNSTARTED = 'SELECT position, message, place FROM broker_held WHERE lane = ? AND early = 0'
const DELETE_UNSTARTED = 'DELETE FROM broker_held WHERE lane = ? AND early = 0'
const DELETE_EMPTY_LANE = 'DELETE FROM broker_lane WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM broker_held WHERE lane = ?1)'

export interface WorkerRow {
  readonly id: number
  readonly last_seq: number
  readonly closed_seq: number
}

export interface LaneRow extends Source {
  readonly id: number
}

/** Undefined: it was fenced, has resigned, or never was. */
export function findWorker(transaction: Transaction, incarnation: string): WorkerRow | undefined {
  return transaction.get<WorkerRow>(WORKER, incarnation)
}

export function lanesOf(transaction: Transaction, worker: number, seq?: number): LaneRow[] {
  return seq === undefined ? transaction.all<LaneRow>(LANES, worker) : transaction.all<LaneRow>(LANES_OF_TAKE, worker, seq)
}

/** Puts back where it stood, uncounted, what a lane still holds; what has a start record stays. */
export function giveBackLane(transaction: Transaction, lane: LaneRow): void {
  const held = transaction.all<{ message: number; place: number }>(UNSTARTED, lane.id)
  for (const { message, place } of held) giveBack(transaction, lane, message, place)
  transaction.run(DELETE_UNSTARTED, lane.id)
  endLane(transaction, lane.id)
}

/** A lane is over when it holds nothing any more. */
export function endLane(transaction: Transaction, lane: number): void {
  transaction.run(DELETE_EMPTY_LANE, lane)
}
