/**
 * The wall clock of the schedules in one file. A server has one clock; here every process asks its own, and one of them may have been set
 * wrong. So what the file says is carried on by the clock of the machine, which never jumps, and follows wall clocks by small steps. A jump
 * is followed when nobody who asks has contradicted it for a while: then the clock of the machine was set, or the machine was suspended.
 */
import type { Clock } from '../../clock.js'
import type { Transaction } from '../../sqlite/database.js'
import type { Machine } from './machine.js'

const FIND = 'SELECT boot, at, wall, doubt, since FROM broker_schedule_clock'
const SET = 'INSERT OR REPLACE INTO broker_schedule_clock (id, boot, at, wall, doubt, since) VALUES (1, ?, ?, ?, NULL, NULL)'
const DOUBT = 'UPDATE broker_schedule_clock SET doubt = ?, since = ?'

/** Milliseconds: larger is a jump. */
const SMALL = 1_000
/** Milliseconds for which nobody may contradict a jump. Longer than beats wait between two questions. */
const AGREED = 10_000

interface ClockRow {
  readonly boot: string
  /** By the clock of the machine. */
  readonly at: number
  /** What the wall clock was then. */
  readonly wall: number
  /** By how much the leader's wall clock is ahead of this one; null: it is not. */
  readonly doubt: number | null
  /** Since when, by the clock of the machine. */
  readonly since: number | null
}

export class ScheduleClock {
  readonly #machine: Machine
  readonly #clock: Clock

  constructor(machine: Machine, clock: Clock) {
    this.#machine = machine
    this.#clock = clock
  }

  now(transaction: Transaction): number {
    return this.#read(transaction).now
  }

  /** Whether this process can tell that somebody's clock was set wrong: then it says so with `keep`. */
  contradicts(transaction: Transaction): boolean {
    const { row, ahead } = this.#read(transaction)
    return row !== undefined && row.doubt !== null && Math.abs(ahead) <= SMALL
  }

  /** The same as `now`, and writes what the next who asks has to know. Called by who leads, and by who contradicts. */
  keep(transaction: Transaction): number {
    const { row, now, ahead } = this.#read(transaction)
    const at = this.#machine.now()
    const isJump = row !== undefined && Math.abs(ahead) > SMALL
    if (!isJump) {
      transaction.run(SET, this.#machine.boot, at, now)
      return now
    }
    const isSame = row.doubt !== null && Math.abs(row.doubt - ahead) <= SMALL
    if (!isSame) transaction.run(DOUBT, ahead, at)
    if (!isSame || at - (row.since ?? at) < AGREED) return now
    const wall = this.#clock.now()
    transaction.run(SET, this.#machine.boot, at, wall)
    return wall
  }

  /** `ahead`: by how much the wall clock of this process is. */
  #read(transaction: Transaction): { readonly row: ClockRow | undefined; readonly now: number; readonly ahead: number } {
    const wall = this.#clock.now()
    const found = transaction.get<ClockRow>(FIND)
    const row = found?.boot === this.#machine.boot ? found : undefined
    if (row === undefined) return { row, now: wall, ahead: 0 }
    const carried = row.wall + this.#machine.now() - row.at
    const ahead = wall - carried
    return { row, now: Math.abs(ahead) <= SMALL ? wall : carried, ahead }
  }
}
