/** Schedule entries as the commands see them: what beats have stored, and what code and settings declare that no beat has seen yet. */
import type { EntrySource, Schedules, StoredEntry } from '../broker/schedules.js'
import { nearest } from '../config/spelling.js'
import { CelerityError } from '../errors.js'
import { decodeEntry, type ScheduleEntry, type ScheduleRead } from '../protocol/schedule.js'

export interface KnownEntry {
  readonly name: string
  /** `settings` stands for code too. */
  readonly source: EntrySource
  /** Null: it cannot be read, and `problem` says why. */
  readonly entry: ScheduleEntry | null
  readonly problem: string | null
  /** Null: declared, and no beat has taken it up. */
  readonly stored: StoredEntry | null
}

/** By name. What is stored counts: that is what beats run. */
export async function knownEntries(schedules: Schedules, declared: ScheduleRead): Promise<readonly KnownEntry[]> {
  const { entries } = await schedules.entries()
  const stored = new Set(entries.map(({ name }) => name))
  const readable = new Set(declared.entries.map(({ name }) => name))
  const all: KnownEntry[] = [
    ...entries.map(fromStore),
    ...declared.entries.map((entry) => fromSettings(entry.name, entry, null)),
    ...declared.problems.filter(({ name }) => !readable.has(name)).map(({ name, reason }) => fromSettings(name, null, reason)),
  ].filter(({ name, stored: own }) => own !== null || !stored.has(name))
  return all.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** @throws E_NOT_FOUND that names the nearest */
export function findEntry(all: readonly KnownEntry[], name: string): KnownEntry {
  const found = all.find((known) => known.name === name)
  if (found !== undefined) return found
  const meant = nearest(
    name,
    all.map((known) => known.name),
  )
  throw new CelerityError('E_NOT_FOUND', {
    message: `There is no schedule entry ${JSON.stringify(name)}`,
    hint: meant === null ? '`tasks schedule list` lists them.' : `Did you mean ${meant}?`,
  })
}

/** @throws E_SCHEDULE for one that cannot be read */
export function readable({ entry, problem, source }: KnownEntry): ScheduleEntry {
  if (entry !== null) return entry
  const hint = source === 'settings' ? '`tasks config check` says what is wrong.' : 'Remove it, and add it anew.'
  throw new CelerityError('E_SCHEDULE', { message: problem ?? 'the entry cannot be read', hint })
}

/** Whether beats send it: switched on, in the store and by its own definition. */
export function isEnabled({ entry, stored }: KnownEntry): boolean {
  return (stored?.enabled ?? true) && (entry?.enabled ?? true)
}

/** @throws E_SCHEDULE for an entry that is written in code or settings: whatever is done to it here, the next beat would undo */
export function requireEditable(name: string, source: EntrySource): void {
  if (source === 'store') return
  throw new CelerityError('E_SCHEDULE', {
    message: `Entry ${JSON.stringify(name)} is declared in the settings or in code, which every beat reads when it starts`,
    hint: 'Change it there. enable, disable and run work here as well.',
  })
}

function fromSettings(name: string, entry: ScheduleEntry | null, problem: string | null): KnownEntry {
  return { name, source: 'settings', entry, problem, stored: null }
}

function fromStore(stored: StoredEntry): KnownEntry {
  const { name, source, json } = stored
  const read = decodeEntry(json)
  if (!read.ok) return { name, source, entry: null, problem: `entry ${JSON.stringify(name)} is damaged: ${read.reason}`, stored }
  return { name, source, entry: { ...read.entry, name }, problem: null, stored }
}
