/** The end of positions: results and follow-ups written, the message put where its fate says. The transaction around it is the caller's. */
import type { PreparedWrite } from '../../prepared-write.js'
import type { Transaction } from '../../sqlite/database.js'
import type { Settlement } from '../broker.js'
import { isEnd } from '../entry-header.js'
import { goOn } from './holds.js'
import { meet, publish } from './places.js'
import { laneId } from './take.js'
import { endLane, type LaneRow } from './worker-row.js'

const LANE = 'SELECT id, queue, step FROM broker_lane WHERE id = ? AND worker = ? AND seq = ?'
const TAKE_OUT = 'DELETE FROM broker_held WHERE lane = ? AND position = ? RETURNING message, place'

/** Settles what `worker` still holds of these; positions settled before, and lanes that are over, are passed over. */
export function settle(transaction: Transaction, worker: number, node: string, settlements: readonly Settlement[], now: number): void {
  const lanes = new Map<string, LaneRow | undefined>()
  for (const { delivery, fate, writes, publish: followUps } of settlements) {
    const { name, seq } = delivery.lane
    // The number of the take belongs to the question: so a lane is never mistaken for an older one.
    if (!lanes.has(name)) lanes.set(name, transaction.get<LaneRow>(LANE, laneId(name), worker, seq))
    const lane = lanes.get(name)
    const held = lane && transaction.get<{ message: number; place: number }>(TAKE_OUT, lane.id, delivery.position)
    if (lane === undefined || held === undefined) continue
    if (writes !== undefined) for (const write of writes) carryOut(transaction, write)
    if (followUps !== undefined && followUps.length > 0) {
      const first = publish(transaction, followUps, now)
      if (isEnd(fate)) goOn(transaction, held.message, followUps, first)
    }
    meet(transaction, { ...held, source: lane, node, deliveries: 1 }, fate, now)
  }
  for (const lane of lanes.values()) if (lane !== undefined) endLane(transaction, lane.id)
}

export function carryOut(transaction: Transaction, write: PreparedWrite): void {
  if (write.kind !== 'sql') throw new TypeError(`a ${write.kind} write cannot be carried out by SQLite`)
  transaction.run(write.sql, ...write.values)
}
