/** Where a message stands: the statements that put it there, and its rank in the queue. Used inside a transaction of somebody else's. */
import type { Transaction } from '../../sqlite/database.js'
import { type Fate, type Outgoing, priorityStep } from '../broker.js'
import { ordinaryStep, suspectStep } from '../orphan.js'
import { letGo } from './holds.js'

/** A queue at one priority step, or its suspects of that priority (../orphan.ts). */
export interface Source {
  readonly queue: number
  readonly step: number
}

/** The latest time that is kept, in the year 70,000; later ones become this one, so that places stay negative and exact. */
const MAX_DUE = 8_640_000_000_000_000 / 4
/** The place of what has waited for its time is this plus the time: negative, so before everything published, and in the order of time. */
const DUE_PLACE = -8_000_000_000_000_000

const INSERT_MESSAGE = 'INSERT INTO broker_message (id, raw) VALUES (?, ?)'
const INSERT_READY = 'INSERT INTO broker_ready (queue, step, place, message) VALUES (?, ?, ?, ?)'
const INSERT_DELAYED = 'INSERT INTO broker_delayed (due, message, queue, step) VALUES (?, ?, ?, ?)'
const INSERT_DEAD = 'INSERT INTO broker_dead (message, queue, step, reason, detail, at, node, deliveries) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'
const REPLACE_RAW = 'UPDATE broker_message SET raw = ? WHERE id = ?'
const DELETE_MESSAGE = 'DELETE FROM broker_message WHERE id = ?'
const NEXT_PLACES = "UPDATE broker_counter SET value = value + ? WHERE name = 'place' RETURNING value"

const DUE_NOW = 'SELECT due, message, queue, step FROM broker_delayed WHERE due <= ? ORDER BY due, message LIMIT ?'
const DELETE_DELAYED = 'DELETE FROM broker_delayed WHERE due = ? AND message = ?'

/** The number of a queue; undefined: nothing was ever in it. */
export function findQueue(transaction: Transaction, name: string): number | undefined {
  return transaction.get<{ id: number }>('SELECT id FROM broker_queue WHERE name = ?', name)?.id
}

/** Returns the number of the first message; the others follow it. */
export function publish(transaction: Transaction, messages: readonly Outgoing[], now: number): number {
  if (messages.length === 0) return 0
  const first = nextPlaces(transaction, messages.length)
  let id = first
  const queues = new Map<string, number>() // for this call only: a rollback takes new queues along
  for (const { queue, priority, raw, due } of messages) {
    const number = queues.get(queue) ?? makeQueue(transaction, queue)
    queues.set(queue, number)
    const source: Source = { queue: number, step: priorityStep(priority) }
    transaction.run(INSERT_MESSAGE, id, typeof raw === 'string' ? Buffer.from(raw) : raw)
    if (due !== undefined && due > now) delay(transaction, source, id, due)
    else transaction.run(INSERT_READY, source.queue, source.step, id, id)
    id++
  }
  return first
}

/** What is known about a message that leaves a worker's hands. */
export interface Leaving {
  readonly source: Source
  readonly message: number
  /** Where it stood when it was taken. */
  readonly place: number
  readonly node: string
  readonly deliveries: number
}

/** Puts a message that nobody holds any more where its fate says. */
export function meet(transaction: Transaction, { source, message, place, node, deliveries }: Leaving, fate: Fate, now: number): void {
  const ordinary: Source = { queue: source.queue, step: ordinaryStep(source.step) }
  switch (fate.kind) {
    case 'ack':
      transaction.run(DELETE_MESSAGE, message)
      return
    case 'requeue':
      if (fate.raw !== undefined) transaction.run(REPLACE_RAW, fate.raw, message)
      if (fate.to === 'front') giveBack(transaction, source, message, place)
      else append(transaction, fate.to === 'back' ? ordinary : { ...source, step: suspectStep(source.step) }, message)
      return
    case 'park':
      if (fate.raw !== undefined) transaction.run(REPLACE_RAW, fate.raw, message)
      delay(transaction, ordinary, message, fate.due)
      return
    case 'dead':
      transaction.run(INSERT_DEAD, message, source.queue, ordinary.step, fate.reason, fate.detail, now, node, deliveries)
      letGo(transaction, message)
      return
  }
}

export function giveBack(transaction: Transaction, source: Source, message: number, place: number): void {
  transaction.run(INSERT_READY, source.queue, source.step, place, message)
}

/** To the back, as if published just now. */
export function append(transaction: Transaction, source: Source, message: number): void {
  giveBack(transaction, source, message, nextPlaces(transaction, 1))
}

/** Moves up to `limit` messages whose time has come to the front of their queues, the earliest first; returns how many. */
export function moveDue(transaction: Transaction, now: number, limit: number): number {
  const rows = transaction.all<{ due: number; message: number; queue: number; step: number }>(DUE_NOW, now, limit)
  for (const { due, message, queue, step } of rows) {
    transaction.run(DELETE_DELAYED, due, message)
    transaction.run(INSERT_READY, queue, step, DUE_PLACE + due, message)
  }
  return rows.length
}

function makeQueue(transaction: Transaction, name: string): number {
  return (
    findQueue(transaction, name) ??
    transaction.get<{ id: number }>('INSERT INTO broker_queue (name) VALUES (?) RETURNING id', name)?.id ??
    0
  )
}

/** Reserves `count` numbers in a row, greater than all before; returns the first. */
function nextPlaces(transaction: Transaction, count: number): number {
  const last = transaction.get<{ value: number }>(NEXT_PLACES, count)?.value ?? count
  return last - count + 1
}

function delay(transaction: Transaction, source: Source, message: number, due: number): void {
  // Upwards: never before its time. What is no number is due at once.
  const at = due > 0 ? Math.min(Math.ceil(due), MAX_DUE) : 0
  transaction.run(INSERT_DELAYED, at, message, source.queue, source.step)
}
