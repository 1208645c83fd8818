/** What is known of workers from outside: their row, their last note, what they hold. */
import type { Database, Transaction } from '../../sqlite/database.js'
import { type InFlight, type KnownWorker, NOTE_KEPT_MS } from '../broker.js'
import type { Machine } from './machine.js'
import { asBuffer, laneName } from './take.js'

const NOTE = `INSERT OR REPLACE INTO broker_note (incarnation, boot, at, node, queues, state)
  SELECT incarnation, ?2, ?3, node, queues, ?4 FROM broker_worker WHERE incarnation = ?1 AND fenced = 0`
const FORGET_NOTES = 'DELETE FROM broker_note WHERE boot <> ? OR at <= ?'
const NOTES = 'SELECT incarnation, at, node, queues, state FROM broker_note WHERE boot = ? AND at > ?'
const WORKERS = 'SELECT incarnation, node, queues, boot, lease_ms, lease_end, fenced FROM broker_worker'
const IN_FLIGHT = `SELECT l.id AS id, l.seq AS seq, h.position AS position, h.started AS started, q.name AS queue, m.raw AS raw
  FROM broker_worker w JOIN broker_lane l ON l.worker = w.id JOIN broker_held h ON h.lane = l.id
  JOIN broker_queue q ON q.id = l.queue JOIN broker_message m ON m.id = h.message
  WHERE w.incarnation = ? ORDER BY l.seq, l.id, h.position LIMIT ?`

interface NoteRow {
  readonly incarnation: string
  readonly at: number
  readonly node: string
  readonly queues: string
  readonly state: string
}

interface WorkerRow {
  readonly incarnation: string
  readonly node: string
  readonly queues: string
  readonly boot: string
  readonly lease_ms: number
  readonly lease_end: number
  readonly fenced: number
}

interface HeldRow {
  readonly id: number
  readonly seq: number
  readonly position: number
  readonly started: number
  readonly queue: string
  readonly raw: Uint8Array
}

export class KnownWorkers {
  readonly #database: Database
  readonly #machine: Machine

  constructor(database: Database, machine: Machine) {
    this.#database = database
    this.#machine = machine
  }

  async note(incarnation: string, state: string): Promise<void> {
    await this.#database.write((transaction) => {
      transaction.run(NOTE, incarnation, this.#machine.boot, this.#machine.now(), state)
    }, 'soon')
  }

  workers(): Promise<readonly KnownWorker[]> {
    return this.#database.read((transaction) => {
      const { boot } = this.#machine
      const now = this.#machine.now()
      const known = new Map<string, KnownWorker>()
      for (const { incarnation, at, node, queues, state } of transaction.all<NoteRow>(NOTES, boot, now - NOTE_KEPT_MS)) {
        known.set(incarnation, { incarnation, node, queues: listOf(queues), isAlive: false, state, stateAge: Math.max(0, now - at) })
      }
      for (const { incarnation, node, queues, ...lease } of transaction.all<WorkerRow>(WORKERS)) {
        // A lease of another boot has ended with it; nor does any end later than a renewal could have set it.
        const stands = lease.boot === boot && lease.lease_end > now && lease.lease_end <= now + lease.lease_ms
        const { state = null, stateAge = null } = known.get(incarnation) ?? {}
        known.set(incarnation, { incarnation, node, queues: listOf(queues), isAlive: stands && lease.fenced === 0, state, stateAge })
      }
      return [...known.values()]
    })
  }

  async inFlight(incarnation: string, limit: number): Promise<readonly InFlight[]> {
    const rows = await this.#database.read((transaction) => transaction.all<HeldRow>(IN_FLIGHT, incarnation, limit))
    return rows.map(({ id, seq, position, started, queue, raw }) => {
      return { lane: laneName(seq, id), position, queue, raw: asBuffer(raw), isStarted: started === 1 }
    })
  }
}

/** Notes of another boot, and those older than ten minutes. */
export function forgetNotes(transaction: Transaction, { boot, now }: Machine): void {
  transaction.run(FORGET_NOTES, boot, now() - NOTE_KEPT_MS)
}

function listOf(queues: string): readonly string[] {
  const list: unknown = JSON.parse(queues)
  return Array.isArray(list) ? list.filter((queue) => typeof queue === 'string') : []
}
