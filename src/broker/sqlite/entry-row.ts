/** The row of a schedule entry, and its occurrences; whatever was damaged by others is read as missing. */
import type { Transaction } from '../../sqlite/database.js'
import { HISTORY_KEPT, type NewEntry, type Occurrence, type StoredEntry } from '../schedules.js'

const COLUMNS = 'name, json, source, version, enabled, planned, over, last_due, last_sent, runs, node'
const FIND = `SELECT ${COLUMNS} FROM broker_entry WHERE name = ?`
const EDITED = `SELECT ${COLUMNS} FROM broker_entry WHERE version > ?`
const INSERT = 'INSERT INTO broker_entry (name, json, source, version, planned) VALUES (?, ?, ?, ?, ?)'
const SET_SOURCE = 'UPDATE broker_entry SET source = ?, version = ? WHERE name = ?'
const REDEFINE = 'UPDATE broker_entry SET json = ?, source = ?, version = ?, planned = ?, over = 0 WHERE name = ?'
const BACK_AGAIN = 'DELETE FROM broker_entry_removed WHERE name = ?'
const NEXT_VERSION = "UPDATE broker_counter SET value = value + 1 WHERE name = 'schedule_version' RETURNING value"
const NOTE = 'INSERT INTO broker_occurrence (entry, due, at, outcome, tasks, node, epoch) VALUES (?, ?, ?, ?, ?, ?, ?)'
const TRIM = `DELETE FROM broker_occurrence WHERE entry = ?1
  AND id <= (SELECT id FROM broker_occurrence WHERE entry = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`
const WAS_RUN = 'SELECT 1 FROM broker_occurrence WHERE entry = ? AND tasks = ? AND epoch IS NULL'
const HISTORY = 'SELECT due, at, outcome, tasks, node, epoch FROM broker_occurrence WHERE entry = ? ORDER BY id DESC LIMIT ?'

/** As SQLite holds it: a column may hold anything when somebody else has written it. */
export interface EntryRow {
  readonly name: string
  readonly json: unknown
  readonly source: unknown
  readonly enabled: unknown
  readonly planned: unknown
  readonly over: unknown
  readonly last_due: unknown
  readonly last_sent: unknown
  readonly runs: unknown
  readonly node: unknown
}

export function findEntry(transaction: Transaction, name: string): StoredEntry | undefined {
  const row = transaction.get<EntryRow>(FIND, name)
  return row && readEntry(row)
}

/** Those with an edit after `since`, not in order. */
export function editedEntries(transaction: Transaction, since: number): readonly StoredEntry[] {
  return transaction.all<EntryRow>(EDITED, since).map(readEntry)
}

/** Whether it changed anything. */
export function putEntry(transaction: Transaction, { name, json, source, planned }: NewEntry): boolean {
  const stored = transaction.get<EntryRow>(FIND, name)
  if (stored?.json === json && stored.source === source) return false
  const version = nextVersion(transaction)
  if (stored === undefined) {
    transaction.run(INSERT, name, json, source, version, planned ?? null)
    transaction.run(BACK_AGAIN, name)
  } else if (stored.json === json) transaction.run(SET_SOURCE, source, version, name)
  else transaction.run(REDEFINE, json, source, version, planned ?? null, name)
  return true
}

export function nextVersion(transaction: Transaction): number {
  return transaction.get<{ value: number }>(NEXT_VERSION)?.value ?? 0
}

export function note(transaction: Transaction, name: string, { due, at, outcome, ids, node, epoch }: Occurrence): void {
  transaction.run(NOTE, name, due, at, outcome, JSON.stringify(ids), node, epoch)
  transaction.run(TRIM, name, HISTORY_KEPT)
}

/** Whether tasks with these ids were sent by hand. */
export function wasRun(transaction: Transaction, name: string, ids: readonly string[]): boolean {
  return transaction.get(WAS_RUN, name, JSON.stringify(ids)) !== undefined
}

export function readHistory(transaction: Transaction, name: string, limit: number): readonly Occurrence[] {
  const rows = transaction.all<Omit<Occurrence, 'ids'> & { readonly tasks: unknown }>(HISTORY, name, limit)
  return rows.map(({ tasks, ...rest }) => ({ ...rest, ids: readIds(tasks) }))
}

function readEntry(row: EntryRow): StoredEntry {
  return {
    name: row.name,
    json: typeof row.json === 'string' ? row.json : '',
    source: row.source === 'settings' ? 'settings' : 'store',
    enabled: row.enabled !== 0,
    planned: numberOf(row.planned),
    over: row.over === 1,
    lastDue: numberOf(row.last_due),
    lastSent: numberOf(row.last_sent),
    runs: numberOf(row.runs) ?? 0,
    by: typeof row.node === 'string' ? row.node : null,
    open: [],
  }
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function readIds(json: unknown): readonly string[] {
  try {
    const ids: unknown = JSON.parse(String(json))
    return Array.isArray(ids) ? ids.map(String) : []
  } catch {
    return []
  }
}
