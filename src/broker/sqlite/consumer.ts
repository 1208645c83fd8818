/** One registered incarnation's side: take, start, settle, resign. Each method is one transaction. */
import type { Clock } from '../../clock.js'
import type { PreparedWrite } from '../../prepared-write.js'
import type { Database, Durability, Mark, Pace, Transaction } from '../../sqlite/database.js'
import type { Consumer, Delivery, Settlement, Taken } from '../broker.js'
import { carryOut, settle } from './settle.js'
import { anySuspect, heldBy, laneId, mayTake, nextDue, pop, popSuspect } from './take.js'
import { findWorker, giveBackLane, lanesOf, type WorkerRow } from './worker-row.js'

const FELLOWS = 'SELECT count(*) AS count FROM broker_worker WHERE fenced = 0 AND queues = ?'
const REVOCATIONS = "SELECT value FROM broker_counter WHERE name = 'revocation'"
const SET_LAST = 'UPDATE broker_worker SET last_seq = ? WHERE id = ?'
const SET_CLOSED = 'UPDATE broker_worker SET closed_seq = max(closed_seq, ?) WHERE id = ?'
const START = `UPDATE broker_held SET early = 1 WHERE lane = ? AND position = ?
  AND EXISTS (SELECT 1 FROM broker_lane WHERE id = broker_held.lane AND worker = ? AND seq = ?)`
const IS_HELD = `SELECT 1 FROM broker_held h JOIN broker_lane l ON l.id = h.lane
  WHERE h.lane = ? AND h.position = ? AND l.worker = ? AND l.seq = ?`
const CONSUME = 'UPDATE broker_worker SET queues = ? WHERE id = ?'
const FORGET_NOTE = 'DELETE FROM broker_note WHERE incarnation = ?'
const LEAVE = 'UPDATE broker_worker SET fenced = 1 WHERE id = ?'
const FORGET_STARTED = 'UPDATE broker_held SET started = 0 WHERE lane = ?'
const DELETE_WORKER = 'DELETE FROM broker_worker WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM broker_lane WHERE worker = ?1)'

/**
 * Seconds between two looks of a worker alone, of each of its fellows, and at most. Those who wait for the same queues share the looks: many
 * workers cost no more than four, and what comes is found as soon, by whoever looks next.
 */
const BUSY = { alone: 0.005, each: 0.00125, most: 0.1 }
const IDLE = { alone: 0.05, each: 0.0125, most: 0.25 }

export class SqliteConsumer implements Consumer {
  readonly incarnation: string
  readonly #database: Database
  readonly #node: string
  readonly #clock: Clock
  readonly #resigned: () => void

  /** @param resigned called when it has resigned, or has tried to */
  constructor(database: Database, incarnation: string, node: string, clock: Clock, resigned: () => void) {
    this.#resigned = resigned
    this.#database = database
    this.incarnation = incarnation
    this.#node = node
    this.#clock = clock
  }

  async take(seq: number, queues: readonly string[], max: number): Promise<Taken | 'lost'> {
    // A look first: an idle worker then takes no lock from those that are busy.
    const looked = await this.#database.read((transaction) => {
      const worker = findWorker(transaction, this.incarnation)
      if (worker === undefined) return 'lost'
      if (isPopped(worker, seq)) return this.#taken(transaction, queues, heldBy(transaction, worker.id, seq))
      if (seq <= worker.closed_seq || !mayTake(transaction, queues, this.#clock.now())) return this.#taken(transaction, queues, [])
      return 'worth-a-lock'
    })
    if (looked !== 'worth-a-lock') return looked
    return this.#take(seq, queues, (transaction, { id }) => pop(transaction, id, seq, queues, max, this.#clock.now()))
  }

  suspects(queues: readonly string[]): Promise<boolean> {
    return this.#database.read((transaction) => anySuspect(transaction, queues))
  }

  takeSuspect(seq: number, queues: readonly string[]): Promise<Taken | 'lost'> {
    return this.#take(seq, queues, (transaction, { id }) => popSuspect(transaction, id, seq, queues))
  }

  async wait(queues: readonly string[], seconds: number, signal: AbortSignal): Promise<void> {
    const end = this.#clock.monotonic() + seconds * 1000
    for (;;) {
      const left = (end - this.#clock.monotonic()) / 1000
      const look = await this.#look(queues)
      if (look === 'gone' || look.seconds <= 0 || left <= 0 || signal.aborted) return
      await this.#database.changed(look.mark, Math.min(left, look.seconds), signal, look.pace)
    }
  }

  async closeTake(seq: number): Promise<void> {
    await this.#asWorker((transaction, { id }) => {
      transaction.run(SET_CLOSED, seq, id)
      for (const lane of lanesOf(transaction, id, seq)) giveBackLane(transaction, lane)
    })
  }

  start(deliveries: readonly Delivery[]): Promise<'ok' | 'lost'> {
    return this.#asWorker((transaction, { id }) => {
      for (const { lane, position } of deliveries) transaction.run(START, laneId(lane.name), position, id, lane.seq)
    })
  }

  tell({ lane, position }: Delivery, writes: readonly PreparedWrite[]): Promise<'ok' | 'lost'> {
    return this.#asWorker((transaction, { id }) => {
      if (transaction.get(IS_HELD, laneId(lane.name), position, id, lane.seq) === undefined) return
      for (const write of writes) carryOut(transaction, write)
    }, 'soon')
  }

  settle(settlements: readonly Settlement[]): Promise<'ok' | 'lost'> {
    return this.#asWorker((transaction, { id }) => settle(transaction, id, this.#node, settlements, this.#clock.now()))
  }

  consume(queues: readonly string[]): Promise<'ok' | 'lost'> {
    return this.#asWorker((transaction, { id }) => transaction.run(CONSUME, JSON.stringify(queues), id), 'soon')
  }

  async resign(): Promise<void> {
    try {
      await this.#asWorker((transaction, { id }) => {
        transaction.run(FORGET_NOTE, this.incarnation)
        transaction.run(LEAVE, id)
        for (const lane of lanesOf(transaction, id)) {
          giveBackLane(transaction, lane)
          transaction.run(FORGET_STARTED, lane.id) // a stop is no death: what stays (start records) is no suspect
        }
        transaction.run(DELETE_WORKER, id)
      })
    } finally {
      this.#resigned()
    }
  }

  /** Not flushed to the disk by itself: a power cut that loses it takes this worker along. */
  #take(
    seq: number,
    queues: readonly string[],
    popped: (transaction: Transaction, worker: WorkerRow) => readonly Delivery[],
  ): Promise<Taken | 'lost'> {
    return this.#database.write((transaction) => {
      const worker = findWorker(transaction, this.incarnation)
      if (worker === undefined) return 'lost'
      // What the look saw may have changed until the lock was ours.
      if (isPopped(worker, seq)) return this.#taken(transaction, queues, heldBy(transaction, worker.id, seq))
      const deliveries = seq <= worker.closed_seq ? [] : popped(transaction, worker)
      if (deliveries.length > 0) transaction.run(SET_LAST, seq, worker.id)
      return this.#taken(transaction, queues, deliveries)
    }, 'soon')
  }

  #taken(transaction: Transaction, queues: readonly string[], deliveries: readonly Delivery[]): Taken {
    const revocations = transaction.get<{ value: number }>(REVOCATIONS)?.value ?? 0
    return { deliveries, now: this.#clock.now(), nextDue: nextDue(transaction, queues), revocations, broken: [] }
  }

  async #look(queues: readonly string[]): Promise<Look | 'gone'> {
    try {
      const mark = this.#database.mark()
      return await this.#database.read((transaction) => {
        const now = this.#clock.now()
        const pace = paceOf(transaction.get<{ count: number }>(FELLOWS, JSON.stringify(queues))?.count ?? 1)
        if (mayTake(transaction, queues, now)) return { mark, pace, seconds: 0 }
        const due = nextDue(transaction, queues)
        return { mark, pace, seconds: due === null ? Number.POSITIVE_INFINITY : (due - now) / 1000 }
      })
    } catch {
      return 'gone' // a wait is a hint and never fails: the take that follows says what is wrong
    }
  }

  async #asWorker(step: (transaction: Transaction, worker: WorkerRow) => void, durability?: Durability): Promise<'ok' | 'lost'> {
    return this.#database.write((transaction) => {
      const worker = findWorker(transaction, this.incarnation)
      if (worker === undefined) return 'lost'
      step(transaction, worker)
      return 'ok'
    }, durability)
  }
}

interface Look {
  readonly mark: Mark
  readonly pace: Pace
  /** Until something may be taken, as far as is known now: 0 at once. */
  readonly seconds: number
}

function paceOf(fellows: number): Pace {
  const shared = ({ alone, each, most }: typeof BUSY) => Math.min(Math.max(alone, fellows * each), most)
  return { busy: shared(BUSY), idle: shared(IDLE) }
}

/** A take of this number, or of a later one, was carried out: it never pops again. */
function isPopped(worker: WorkerRow, seq: number): boolean {
  return seq <= worker.last_seq && seq > worker.closed_seq
}
