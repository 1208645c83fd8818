/** Who leads the schedules. Leases end by the clock of the machine, which never jumps; what is shown is wall-clock time. */
import type { Database, Transaction } from '../../sqlite/database.js'
import { type Candidate, HISTORY_KEPT, type Leadership, type Reign } from '../schedules.js'
import type { Machine } from './machine.js'
import type { ScheduleClock } from './schedule-clock.js'

const NEWEST = `SELECT epoch, id, node, began AS "from", until, lease_ms, boot, lease_end, over FROM broker_reign ORDER BY epoch DESC LIMIT ?`
const BEGIN = 'INSERT INTO broker_reign (id, node, began, until, lease_ms, boot, lease_end) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING epoch'
const RENEW = 'UPDATE broker_reign SET until = ?, lease_ms = ?, lease_end = ? WHERE epoch = ?'
const END = 'UPDATE broker_reign SET over = 1, until = min(until, ?) WHERE epoch = ?'
const FORGET = 'DELETE FROM broker_reign WHERE epoch <= ?'

interface ReignRow extends Reign {
  readonly lease_ms: number
  readonly boot: string
  readonly lease_end: number
  readonly over: number
}

/** Undefined: not the leader any more. A lease that has run out still leads until somebody follows. */
export function findReign(transaction: Transaction, id: string, epoch: number): Reign | undefined {
  const newest = transaction.get<ReignRow>(NEWEST, 1)
  return newest !== undefined && newest.over === 0 && newest.id === id && newest.epoch === epoch ? newest : undefined
}

export class Reigns {
  readonly #database: Database
  readonly #machine: Machine
  readonly #clock: ScheduleClock

  constructor(database: Database, machine: Machine, clock: ScheduleClock) {
    this.#database = database
    this.#machine = machine
    this.#clock = clock
  }

  async lead(candidate: Candidate, leaseMs: number): Promise<Leadership> {
    // A look first: those that only stand by take no lock.
    const { other, contradicts } = await this.#database.read((transaction) => ({
      other: this.#other(transaction, candidate),
      contradicts: this.#clock.contradicts(transaction),
    }))
    if (other !== undefined && contradicts) await this.#database.write((transaction) => this.#clock.keep(transaction), 'soon')
    return other ?? this.#database.write((transaction) => this.#lead(transaction, candidate, leaseMs), 'soon')
  }

  async yield(id: string): Promise<void> {
    await this.#database.write((transaction) => {
      const newest = transaction.get<ReignRow>(NEWEST, 1)
      if (newest !== undefined && newest.over === 0 && newest.id === id) {
        transaction.run(END, this.#clock.now(transaction), newest.epoch)
      }
    }, 'soon')
  }

  async leader(): Promise<Reign | null> {
    return this.#database.read((transaction) => shown(this.#present(transaction)) ?? null)
  }

  async leaders(limit: number): Promise<readonly Reign[]> {
    const rows = await this.#database.read((transaction) => transaction.all<ReignRow>(NEWEST, Math.min(limit, HISTORY_KEPT)))
    return rows.flatMap((row) => shown(row) ?? [])
  }

  #lead(transaction: Transaction, candidate: Candidate, leaseMs: number): Leadership {
    const other = this.#other(transaction, candidate) // since the look another may have come
    if (other !== undefined) return other
    const now = this.#clock.keep(transaction)
    const end = this.#machine.now() + leaseMs
    const present = this.#present(transaction)
    if (present !== undefined) {
      transaction.run(RENEW, now + leaseMs, leaseMs, end, present.epoch)
      return { leader: true, epoch: present.epoch, now }
    }
    const newest = transaction.get<ReignRow>(NEWEST, 1)
    if (newest !== undefined && newest.over === 0) transaction.run(END, newest.until, newest.epoch)
    const row = [candidate.id, candidate.node, now, now + leaseMs, leaseMs, this.#machine.boot, end] as const
    const epoch = transaction.get<{ epoch: number }>(BEGIN, ...row)?.epoch ?? 0
    transaction.run(FORGET, epoch - HISTORY_KEPT)
    return { leader: true, epoch, now }
  }

  #other(transaction: Transaction, { id }: Candidate): Leadership | undefined {
    const present = this.#present(transaction)
    if (present === undefined || present.id === id) return undefined
    const now = this.#clock.now(transaction)
    return { leader: false, node: present.node, until: now + present.lease_end - this.#machine.now(), now }
  }

  /** Whose lease stands. One of another boot has ended with it; nor does any end later than a renewal could have set it. */
  #present(transaction: Transaction): ReignRow | undefined {
    const newest = transaction.get<ReignRow>(NEWEST, 1)
    if (newest === undefined || newest.over !== 0 || newest.boot !== this.#machine.boot) return undefined
    const left = newest.lease_end - this.#machine.now()
    return left > 0 && left <= newest.lease_ms ? newest : undefined
  }
}

function shown(row: ReignRow | undefined): Reign | undefined {
  return row && { id: row.id, node: row.node, epoch: row.epoch, from: row.from, until: row.until }
}
