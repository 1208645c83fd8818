/** Housekeeping: due messages to their queues, dead workers fenced, what they held judged and given back. */
import type { Judge, Tended } from '../broker.js'
import { orphanKey } from '../orphan.js'
import type { MemoryServer } from './server.js'
import type { HeldLane, Worker } from './worker.js'

export interface ReaperView {
  /** Wall clock and monotonic clock, in milliseconds. */
  readonly now: number
  readonly monotonic: number
  /** Monotonic millisecond at which the connection of the reaper was made. */
  readonly connected: number
  /** Incarnations that live on the reaper's side: they are not dead. */
  readonly own: ReadonlySet<string>
}

export function tend(server: MemoryServer, judge: Judge, { now, monotonic, connected, own }: ReaperView): Tended {
  let due = 0
  for (const queue of server.queues.values()) due += queue.moveDue(now)
  if (due > 0) server.wake()
  const reaped = []
  for (const worker of [...server.workers.values()]) {
    const { node, incarnation, leaseMs } = worker.registration
    // Nobody reaps in the first lease of its connection: after an outage the others must have had the time to renew.
    const dead = !own.has(incarnation) && monotonic >= worker.leaseUntil && monotonic - connected >= leaseMs
    if (worker.epoch && !dead) continue
    worker.epoch = false
    const messages = reap(server, worker, judge, now)
    if (messages > 0 || !server.workers.has(incarnation)) reaped.push({ node, incarnation, messages })
  }
  for (const [id, until] of server.revoked) if (until <= now) server.revoked.delete(id)
  return { due, reaped }
}

function reap(server: MemoryServer, worker: Worker, judge: Judge, now: number): number {
  let messages = 0
  // Last taken first: what goes back to the front then stands there in its old order.
  for (const lane of [...worker.lanes.values()].reverse()) {
    for (const position of [...lane.held.keys()].reverse()) {
      if (settleOrphan(server, worker, lane, position, judge, now)) messages++
    }
  }
  if (worker.lanes.size === 0) server.workers.delete(worker.registration.incarnation)
  return messages
}

/** False: it stays for another round. */
function settleOrphan(server: MemoryServer, worker: Worker, lane: HeldLane, position: number, judge: Judge, now: number): boolean {
  const held = lane.held.get(position)
  if (held === undefined) return false
  const { raw } = held.message
  const key = orphanKey(raw)
  const deliveries = server.deliveries(key, now) + 1
  const facts = { early: held.early, suspect: worker.started.has(`${lane.name}:${position}`), alone: lane.alone }
  const { node, process = null } = worker.registration
  const verdict = judge({ raw, queue: lane.queue, deliveries, ...facts, node, process })
  if (verdict === 'later') return false
  server.countDelivery(key, now)
  server.settle(worker, lane, position, { ...verdict, deliveries }, now)
  return true
}
