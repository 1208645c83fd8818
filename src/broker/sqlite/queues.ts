/** The operator's side of the SQLite broker. */
import type { Database, Transaction } from '../../sqlite/database.js'
import type { DeadLetter, PriorityStep, Purged, QueueCounts, Queues } from '../broker.js'
import { isSuspectStep } from '../orphan.js'
import { append, findQueue } from './places.js'
import { asBuffer } from './take.js'

const NAMES = `SELECT name FROM broker_queue q WHERE EXISTS (SELECT 1 FROM broker_ready WHERE queue = q.id)
  OR EXISTS (SELECT 1 FROM broker_delayed WHERE queue = q.id) OR EXISTS (SELECT 1 FROM broker_dead WHERE queue = q.id)
  OR EXISTS (SELECT 1 FROM broker_lane WHERE queue = q.id)
  UNION SELECT value FROM broker_worker, json_each(broker_worker.queues) WHERE fenced = 0 ORDER BY 1`
const READY = 'SELECT step, count(*) AS count FROM broker_ready WHERE queue = ? GROUP BY step' // suspects too, at steps of their own
const COUNTS = `SELECT (SELECT count(*) FROM broker_delayed WHERE queue = ?1) AS delayed,
  (SELECT count(*) FROM broker_dead WHERE queue = ?1) AS dead,
  (SELECT count(*) FROM broker_lane l JOIN broker_held h ON h.lane = l.id WHERE l.queue = ?1) AS leased`
const CONSUMERS = `SELECT count(*) AS count FROM broker_worker
  WHERE fenced = 0 AND EXISTS (SELECT 1 FROM json_each(broker_worker.queues) WHERE value = ?)`
const PEEK = `SELECT m.raw AS raw FROM broker_ready r JOIN broker_message m ON m.id = r.message
  WHERE r.queue = ? ORDER BY r.step, r.place, r.message LIMIT ?`
const PEEK_STEP = `SELECT m.raw AS raw FROM broker_ready r JOIN broker_message m ON m.id = r.message
  WHERE r.queue = ? AND r.step = ? ORDER BY r.place, r.message LIMIT ?`
const PURGEABLE_READY = 'SELECT step, place, message FROM broker_ready WHERE queue = ? AND message <= ? LIMIT ?'
const DELETE_READY = 'DELETE FROM broker_ready WHERE queue = ? AND step = ? AND place = ? AND message = ?'
const PURGEABLE_DELAYED = 'SELECT due, message FROM broker_delayed WHERE queue = ? AND message <= ? LIMIT ?'
const DELETE_DELAYED = 'DELETE FROM broker_delayed WHERE due = ? AND message = ?'
const DELETE_MESSAGE = 'DELETE FROM broker_message WHERE id = ?'
const NEWEST = "SELECT value FROM broker_counter WHERE name = 'place'"
const DEAD = `SELECT d.id AS id, d.reason AS reason, d.detail AS detail, d.at AS at, d.node AS node, d.deliveries AS deliveries, m.raw AS raw
  FROM broker_dead d JOIN broker_message m ON m.id = d.message WHERE d.queue = ? ORDER BY d.id DESC LIMIT ? OFFSET ?`
const TAKE_DEAD = 'DELETE FROM broker_dead WHERE id = ? AND queue = ? RETURNING message, step'

/** Messages purged in one transaction: so a large purge neither blocks the event loop nor the other writers for long. */
const PURGED_AT_ONCE = 1_000

interface DeadRow {
  readonly id: number
  readonly reason: string
  readonly detail: string
  readonly at: number
  readonly node: string
  readonly deliveries: number
  readonly raw: Uint8Array
}

export class SqliteQueues implements Queues {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async names(): Promise<readonly string[]> {
    const rows = await this.#database.read((transaction) => transaction.all<{ name: string }>(NAMES))
    return rows.map(({ name }) => name)
  }

  counts(queues: readonly string[]): Promise<readonly QueueCounts[]> {
    return this.#database.read((transaction) => queues.map((queue) => count(transaction, queue)))
  }

  async peek(queue: string, limit: number, step?: PriorityStep): Promise<readonly Buffer[]> {
    const rows = await this.#database.read((transaction) => {
      const number = numberOf(transaction, queue)
      if (step === undefined) return transaction.all<{ raw: Uint8Array }>(PEEK, number, limit)
      return transaction.all<{ raw: Uint8Array }>(PEEK_STEP, number, step, limit)
    })
    return rows.map(({ raw }) => asBuffer(raw))
  }

  /** What was there when it began; in steps, so that others come in between. */
  async purge(queue: string): Promise<Purged> {
    const newest = await this.#database.read((transaction) => transaction.get<{ value: number }>(NEWEST)?.value ?? 0)
    const total = { ready: 0, delayed: 0, suspects: 0 }
    for (;;) {
      const { ready, delayed, suspects } = await this.#database.write((transaction) =>
        purgeSome(transaction, numberOf(transaction, queue), newest),
      )
      total.ready += ready
      total.delayed += delayed
      total.suspects += suspects
      if (ready + delayed + suspects < PURGED_AT_ONCE) return total
      await new Promise(setImmediate)
    }
  }

  async dead(queue: string, offset: number, limit: number): Promise<readonly DeadLetter[]> {
    const rows = await this.#database.read((transaction) => transaction.all<DeadRow>(DEAD, numberOf(transaction, queue), limit, offset))
    return rows.map(({ id, at, raw, ...letter }) => ({ ...letter, id: String(id), queue, when: at, raw: asBuffer(raw) }))
  }

  retryDead(queue: string, ids: readonly string[]): Promise<number> {
    return this.#takeOut(queue, ids, (transaction, number, { message, step }) => append(transaction, { queue: number, step }, message))
  }

  dropDead(queue: string, ids: readonly string[]): Promise<number> {
    return this.#takeOut(queue, ids, (transaction, _, { message }) => transaction.run(DELETE_MESSAGE, message))
  }

  /** Takes dead letters out, and does with each what `then` says; returns how many were there. */
  #takeOut(
    queue: string,
    ids: readonly string[],
    then: (transaction: Transaction, number: number, letter: { readonly message: number; readonly step: number }) => void,
  ): Promise<number> {
    return this.#database.write((transaction) => {
      const number = findQueue(transaction, queue)
      if (number === undefined) return 0
      let found = 0
      for (const id of ids) {
        const letter = /^\d{1,15}$/.test(id) ? transaction.get<{ message: number; step: number }>(TAKE_DEAD, Number(id), number) : undefined
        if (letter === undefined) continue
        then(transaction, number, letter)
        found++
      }
      return found
    })
  }
}

/** A number that no queue has stands for one that never held anything. */
function numberOf(transaction: Transaction, queue: string): number {
  return findQueue(transaction, queue) ?? 0
}

function count(transaction: Transaction, queue: string): QueueCounts {
  const number = numberOf(transaction, queue)
  const steps: [number, number, number, number] = [0, 0, 0, 0]
  let suspects = 0
  for (const row of transaction.all<{ step: number; count: number }>(READY, number)) {
    if (isSuspectStep(row.step)) suspects += row.count
    else steps[row.step] = row.count
  }
  const rest = transaction.get<{ delayed: number; dead: number; leased: number }>(COUNTS, number) ?? { delayed: 0, dead: 0, leased: 0 }
  const consumers = transaction.get<{ count: number }>(CONSUMERS, queue)?.count ?? 0
  return { queue, ready: steps[0] + steps[1] + steps[2] + steps[3], steps, suspects, ...rest, consumers }
}

function purgeSome(transaction: Transaction, queue: number, newest: number): Purged {
  const waiting = transaction.all<{ step: number; place: number; message: number }>(PURGEABLE_READY, queue, newest, PURGED_AT_ONCE)
  for (const { step, place, message } of waiting) {
    transaction.run(DELETE_READY, queue, step, place, message)
    transaction.run(DELETE_MESSAGE, message)
  }
  const room = PURGED_AT_ONCE - waiting.length
  const delayed = transaction.all<{ due: number; message: number }>(PURGEABLE_DELAYED, queue, newest, room)
  for (const { due, message } of delayed) {
    transaction.run(DELETE_DELAYED, due, message)
    transaction.run(DELETE_MESSAGE, message)
  }
  const suspects = waiting.filter(({ step }) => isSuspectStep(step)).length
  return { ready: waiting.length - suspects, delayed: delayed.length, suspects }
}
