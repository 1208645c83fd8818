/** Schedules in SQLite: each step a transaction. */
import type { Clock } from '../../clock.js'
import type { Database, Transaction } from '../../sqlite/database.js'
import {
  type Candidate,
  type Entries,
  type Leadership,
  type NewEntry,
  type Occurrence,
  REMOVED_KEPT,
  type Reign,
  type Run,
  type Schedules,
  type Tick,
  type TickOutcome,
} from '../schedules.js'
import { editedEntries, findEntry, nextVersion, note, putEntry, readHistory, wasRun } from './entry-row.js'
import { hold, isOpen, openTasks, release } from './holds.js'
import type { Machine } from './machine.js'
import { publish } from './places.js'
import { findReign, Reigns } from './reigns.js'
import { ScheduleClock } from './schedule-clock.js'

const VERSION = "SELECT value FROM broker_counter WHERE name = 'schedule_version'"
const FORGOTTEN = "SELECT value FROM broker_counter WHERE name = 'schedule_forgotten'"
const REMOVED = 'SELECT name FROM broker_entry_removed WHERE version > ?'
const REMOVE = 'DELETE FROM broker_entry WHERE name = ?'
const REMOVE_HISTORY = 'DELETE FROM broker_occurrence WHERE entry = ?'
const NOTE_REMOVED = 'INSERT OR REPLACE INTO broker_entry_removed (name, version) VALUES (?, ?)'
const LAST_TO_FORGET = 'SELECT version FROM broker_entry_removed ORDER BY version DESC LIMIT 1 OFFSET ?'
const FORGET_REMOVED = 'DELETE FROM broker_entry_removed WHERE version <= ?'
const SET_FORGOTTEN = "UPDATE broker_counter SET value = ? WHERE name = 'schedule_forgotten'"
const DISABLE = 'UPDATE broker_entry SET enabled = 0, version = ? WHERE name = ?'
const ENABLE = 'UPDATE broker_entry SET enabled = 1, planned = NULL, version = ? WHERE name = ?'
const ADVANCE = 'UPDATE broker_entry SET planned = ?, over = ?, last_due = ?, last_sent = ?, runs = ?, node = ? WHERE name = ?'
const COUNT_RUN = 'UPDATE broker_entry SET last_sent = ?, runs = ?, node = ? WHERE name = ?'

/** What one transaction does at most, so that neither the event loop nor the other writers wait for long. */
const AT_ONCE = 200

export class SqliteSchedules implements Schedules {
  readonly #database: Database
  readonly #clock: ScheduleClock
  readonly #reigns: Reigns

  constructor(database: Database, machine: Machine, clock: Clock) {
    this.#database = database
    this.#clock = new ScheduleClock(machine, clock)
    this.#reigns = new Reigns(database, machine, this.#clock)
  }

  lead(candidate: Candidate, leaseMs: number): Promise<Leadership> {
    return this.#reigns.lead(candidate, leaseMs)
  }
  yield(id: string): Promise<void> {
    return this.#reigns.yield(id)
  }
  leader(): Promise<Reign | null> {
    return this.#reigns.leader()
  }
  leaders(limit: number): Promise<readonly Reign[]> {
    return this.#reigns.leaders(limit)
  }

  version(): Promise<number> {
    return this.#database.read(versionOf)
  }

  entries(since?: number): Promise<Entries> {
    return this.#database.read((transaction) => {
      const complete = since === undefined || since < (transaction.get<{ value: number }>(FORGOTTEN)?.value ?? 0)
      const after = complete ? 0 : since
      const open = openTasks(transaction, this.#clock.now(transaction))
      const entries = editedEntries(transaction, after).map((entry) => ({ ...entry, open: open.get(entry.name) ?? [] }))
      entries.sort((a, b) => (a.name < b.name ? -1 : 1))
      const removed = complete ? [] : transaction.all<{ name: string }>(REMOVED, after).map(({ name }) => name)
      return { version: versionOf(transaction), complete, entries, removed }
    })
  }

  put(entries: readonly NewEntry[]): Promise<readonly boolean[]> {
    return this.#inPieces(entries, (transaction, some) => some.map((entry) => putEntry(transaction, entry)))
  }

  async remove(names: readonly string[]): Promise<number> {
    const were = await this.#inPieces(names, (transaction, some) => {
      const removed = some.map((name) => remove(transaction, name))
      const forgotten = transaction.get<{ version: number }>(LAST_TO_FORGET, REMOVED_KEPT)?.version
      if (forgotten !== undefined) {
        transaction.run(FORGET_REMOVED, forgotten)
        transaction.run(SET_FORGOTTEN, forgotten)
      }
      return removed
    })
    return were.filter(Boolean).length
  }

  setEnabled(name: string, enabled: boolean): Promise<boolean> {
    return this.#database.write((transaction) => {
      const entry = findEntry(transaction, name)
      if (entry === undefined || entry.enabled === enabled) return entry !== undefined
      transaction.run(enabled ? ENABLE : DISABLE, nextVersion(transaction), name)
      return true
    })
  }

  ticks(id: string, epoch: number, ticks: readonly Tick[]): Promise<readonly TickOutcome[]> {
    return this.#inPieces(ticks, (transaction, some): TickOutcome[] => {
      const reign = findReign(transaction, id, epoch)
      if (reign === undefined) return some.map(() => 'lost')
      const now = this.#clock.now(transaction)
      return some.map((tick) => carryOut(transaction, tick, reign, now))
    })
  }

  run(name: string, run: Run): Promise<boolean> {
    return this.#database.write((transaction) => {
      const entry = findEntry(transaction, name)
      if (entry === undefined) return false
      if (wasRun(transaction, name, run.ids)) return true
      const now = this.#clock.now(transaction)
      transaction.run(COUNT_RUN, now, entry.runs + 1, run.by, name)
      note(transaction, name, { due: now, at: now, outcome: 'by-hand', ids: run.ids, node: run.by, epoch: null })
      send(transaction, name, run, now)
      return true
    })
  }

  async release(name: string): Promise<void> {
    await this.#database.write((transaction) => release(transaction, name))
  }

  history(name: string, limit: number): Promise<readonly Occurrence[]> {
    return this.#database.read((transaction) => readHistory(transaction, name, limit))
  }

  async #inPieces<Item, Answer>(
    items: readonly Item[],
    step: (transaction: Transaction, some: readonly Item[]) => readonly Answer[],
  ): Promise<readonly Answer[]> {
    const answers: Answer[] = []
    for (let from = 0; from < items.length; from += AT_ONCE) {
      if (from > 0) await new Promise(setImmediate)
      answers.push(...(await this.#database.write((transaction) => step(transaction, items.slice(from, from + AT_ONCE)))))
    }
    return answers
  }
}

function versionOf(transaction: Transaction): number {
  return transaction.get<{ value: number }>(VERSION)?.value ?? 0
}

function remove(transaction: Transaction, name: string): boolean {
  if (transaction.run(REMOVE, name) === 0) return false
  transaction.run(REMOVE_HISTORY, name)
  release(transaction, name)
  transaction.run(NOTE_REMOVED, name, nextVersion(transaction))
  return true
}

function carryOut(transaction: Transaction, tick: Tick, { node, epoch }: Reign, now: number): TickOutcome {
  const { name, next } = tick
  const entry = findEntry(transaction, name)
  if (entry === undefined || !entry.enabled || entry.over || entry.planned !== tick.planned) return 'stale'
  const open = tick.hold !== undefined && isOpen(transaction, name, now)
  if (open && tick.hold?.whenOpen === 'wait') return 'open'
  const said = open && tick.note !== undefined ? { due: tick.note.due, outcome: 'skipped-overlap', ids: [] } : tick.note
  const counted = said !== undefined && said.ids.length > 0 ? { lastSent: now, runs: entry.runs + 1, by: node } : entry
  const plan = [next, next === null ? 1 : 0, said?.due ?? entry.lastDue] as const
  transaction.run(ADVANCE, ...plan, counted.lastSent, counted.runs, counted.by, name)
  if (said !== undefined) note(transaction, name, { ...said, at: now, node, epoch })
  if (open) return 'open'
  send(transaction, name, tick, now)
  return 'sent'
}

function send(transaction: Transaction, name: string, what: Pick<Run, 'publish' | 'hold'>, now: number): void {
  const first = publish(transaction, what.publish, now)
  if (what.hold === undefined || what.publish.length === 0) return
  hold(transaction, name, what.hold.id, first, what.hold.forMs === null ? null : Math.ceil(now + what.hold.forMs))
}
