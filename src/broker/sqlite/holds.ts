/**
 * What holds schedule entries open: a task, for as long as its message is there and no dead letter. So an end needs no notice; only a
 * follow-up that goes on with the task does. Used inside a transaction of somebody else's.
 */
import type { Transaction } from '../../sqlite/database.js'
import type { Outgoing } from '../broker.js'
import { continuationOf } from '../entry-header.js'

const STANDS = '(until IS NULL OR until > ?) AND EXISTS (SELECT 1 FROM broker_message WHERE id = broker_hold.message)'
const HOLD = 'INSERT OR REPLACE INTO broker_hold (entry, task, message, until) VALUES (?, ?, ?, ?)'
const OF_ENTRY = `SELECT entry, task FROM broker_hold WHERE entry = ? AND ${STANDS}`
const ALL = `SELECT entry, task FROM broker_hold WHERE ${STANDS}`
const FORGET = `DELETE FROM broker_hold WHERE entry = ? AND NOT (${STANDS})`
const RELEASE = 'DELETE FROM broker_hold WHERE entry = ?'
const OF_MESSAGE = 'SELECT entry, task FROM broker_hold WHERE message = ?'
const GO_ON = 'UPDATE broker_hold SET message = ? WHERE entry = ? AND task = ?'
const LET_GO = 'DELETE FROM broker_hold WHERE message = ?'

interface HoldRow {
  readonly entry: string
  readonly task: string
}

export function hold(transaction: Transaction, entry: string, task: string, message: number, until: number | null): void {
  transaction.run(HOLD, entry, task, message, until)
}

/** Whether a task holds the entry open; what holds it no more is forgotten. */
export function isOpen(transaction: Transaction, entry: string, now: number): boolean {
  transaction.run(FORGET, entry, now)
  return transaction.get(OF_ENTRY, entry, now) !== undefined
}

/** The tasks that hold each entry open. */
export function openTasks(transaction: Transaction, now: number): ReadonlyMap<string, readonly string[]> {
  const open = new Map<string, string[]>()
  for (const { entry, task } of transaction.all<HoldRow>(ALL, now)) {
    const of = open.get(entry)
    if (of === undefined) open.set(entry, [task])
    else of.push(task)
  }
  return open
}

export function release(transaction: Transaction, entry: string): void {
  transaction.run(RELEASE, entry)
}

/** A message ends with these follow-ups, numbered from `first` on: one of them may go on with its task. */
export function goOn(transaction: Transaction, message: number, followUps: readonly Outgoing[], first: number): void {
  for (const { entry, task } of transaction.all<HoldRow>(OF_MESSAGE, message)) {
    const next = continuationOf({ entry, id: task }, followUps)
    if (next !== undefined) transaction.run(GO_ON, first + followUps.indexOf(next), entry, task)
  }
}

/** The message has become a dead letter. */
export function letGo(transaction: Transaction, message: number): void {
  transaction.run(LET_GO, message)
}
