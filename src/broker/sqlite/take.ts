/** Taking: from the ready table into lanes. The transaction around it is the caller's. */
import type { Transaction } from '../../sqlite/database.js'
import type { Delivery, Lane } from '../broker.js'
import { fairOrder, takeShares } from '../fair-share.js'
import { suspectStep } from '../orphan.js'
import { findQueue, moveDue, type Source } from './places.js'

const READY = `SELECT r.place AS place, r.message AS message, m.raw AS raw FROM broker_ready r JOIN broker_message m ON m.id = r.message
  WHERE r.queue = ? AND r.step = ? ORDER BY r.place, r.message LIMIT ?`
/** What was just read stands at the very front, so one range names it all. */
const DELETE_READY = 'DELETE FROM broker_ready WHERE queue = ? AND step = ? AND (place, message) <= (?, ?)'
const INSERT_LANE = 'INSERT INTO broker_lane (worker, seq, queue, step, size) VALUES (?, ?, ?, ?, ?) RETURNING id'
const INSERT_HELD = 'INSERT INTO broker_held (lane, position, message, place) VALUES (?, ?, ?, ?)'
const LANES = `SELECT l.id AS id, q.name AS queue, l.size AS size FROM broker_lane l JOIN broker_queue q ON q.id = l.queue
  WHERE l.worker = ? AND l.seq = ? ORDER BY l.id`
const HELD = `SELECT h.position AS position, m.raw AS raw FROM broker_held h JOIN broker_message m ON m.id = h.message
  WHERE h.lane = ? ORDER BY h.position`
const ANY_READY = 'SELECT 1 FROM broker_ready WHERE queue = ? AND step < 4 LIMIT 1'
const ANY_SUSPECT = 'SELECT 1 FROM broker_ready WHERE queue = ? AND step >= 4 LIMIT 1'
const NEXT_DUE = 'SELECT min(due) AS due FROM broker_delayed WHERE queue = ?'

/** Due messages that one take moves at most; the next one, or `tend`, moves the rest. */
const DUE_PER_TAKE = 1_000

interface ReadyRow {
  readonly place: number
  readonly message: number
  readonly raw: Uint8Array
}

/** A queue at one step, and what was popped from it. */
interface Popped {
  readonly name: string
  readonly source: Source
  readonly rows: ReadyRow[]
}

/** Pops up to `max` messages from `queues` into new lanes of take `seq`. */
export function pop(
  transaction: Transaction,
  worker: number,
  seq: number,
  queues: readonly string[],
  max: number,
  now: number,
): Delivery[] {
  moveDue(transaction, now, DUE_PER_TAKE)
  const known = fairOrder(queues, seq).flatMap((name) => ({ name, queue: findQueue(transaction, name) }))
  const popped: Popped[] = []
  let left = max
  for (let step = 0; step < 4 && left > 0; step++) {
    const sources = known.flatMap(({ name, queue }): Popped[] => (queue === undefined ? [] : [{ name, source: { queue, step }, rows: [] }]))
    left -= takeShares(sources, left, (source, count) => popFrom(transaction, source, count))
    popped.push(...sources.filter(({ rows }) => rows.length > 0))
  }
  return popped.flatMap((each) => lease(transaction, worker, seq, each))
}

/** Pops the first suspect of `queues` into a lane of take `seq`. */
export function popSuspect(transaction: Transaction, worker: number, seq: number, queues: readonly string[]): Delivery[] {
  const known = fairOrder(queues, seq).flatMap((name) => ({ name, queue: findQueue(transaction, name) }))
  for (let step = 0; step < 4; step++) {
    for (const { name, queue } of known) {
      if (queue === undefined) continue
      const popped: Popped = { name, source: { queue, step: suspectStep(step) }, rows: [] }
      if (popFrom(transaction, popped, 1) > 0) return lease(transaction, worker, seq, popped)
    }
  }
  return []
}

/** What take `seq` holds: the answer to the same question asked again. */
export function heldBy(transaction: Transaction, worker: number, seq: number): Delivery[] {
  const lanes = transaction.all<{ id: number; queue: string; size: number }>(LANES, worker, seq)
  return lanes.flatMap(({ id, queue, size }) => {
    const lane = laneOf(seq, id, queue, size)
    const rows = transaction.all<{ position: number; raw: Uint8Array }>(HELD, id)
    return rows.map(({ position, raw }) => ({ lane, position, raw: asBuffer(raw) }))
  })
}

/** Whether a take from `queues` would find something now. */
export function mayTake(transaction: Transaction, queues: readonly string[], now: number): boolean {
  const due = nextDue(transaction, queues)
  if (due !== null && due <= now) return true
  return queues.some((name) => {
    const queue = findQueue(transaction, name)
    return queue !== undefined && transaction.get(ANY_READY, queue) !== undefined
  })
}

export function anySuspect(transaction: Transaction, queues: readonly string[]): boolean {
  return queues.some((name) => transaction.get(ANY_SUSPECT, findQueue(transaction, name) ?? null) !== undefined)
}

export function nextDue(transaction: Transaction, queues: readonly string[]): number | null {
  if (transaction.get('SELECT 1 FROM broker_delayed LIMIT 1') === undefined) return null
  let next: number | null = null
  for (const name of queues) {
    const due = transaction.get<{ due: number | null }>(NEXT_DUE, findQueue(transaction, name) ?? null)?.due ?? null
    if (due !== null && (next === null || due < next)) next = due
  }
  return next
}

/** The number of a lane in the database, from its name. */
export function laneId(name: string): number {
  return Number(name.slice(name.indexOf('/') + 1))
}

export function laneName(seq: number, id: number): string {
  return `${seq}/${id}`
}

export function asBuffer(raw: Uint8Array): Buffer {
  return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
}

function popFrom(transaction: Transaction, { source, rows }: Popped, count: number): number {
  const { queue, step } = source
  const found = transaction.all<ReadyRow>(READY, queue, step, count)
  const last = found.at(-1)
  if (last === undefined) return 0
  transaction.run(DELETE_READY, queue, step, last.place, last.message)
  rows.push(...found)
  return found.length
}

function lease(transaction: Transaction, worker: number, seq: number, { name, source, rows }: Popped): Delivery[] {
  const id = transaction.get<{ id: number }>(INSERT_LANE, worker, seq, source.queue, source.step, rows.length)?.id ?? 0
  const lane = laneOf(seq, id, name, rows.length)
  return rows.map(({ message, place, raw }, position) => {
    transaction.run(INSERT_HELD, id, position, message, place)
    return { lane, position, raw: asBuffer(raw) }
  })
}

function laneOf(seq: number, id: number, queue: string, size: number): Lane {
  return { name: laneName(seq, id), seq, queue, size }
}
