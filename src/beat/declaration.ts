/** The entries that settings and code declare, and what has to change in the store so that it holds them. */
import { isDeepStrictEqual } from 'node:util'
import type { NewEntry, StoredEntry } from '../broker/schedules.js'
import { decodeEntry, encodeEntry, type ScheduleEntry, type ScheduleRead } from '../protocol/schedule.js'
import type { Calendar } from './calendar.js'
import { nextDue } from './due.js'
import { MISFIRE_GRACE } from './misfire.js'

export interface Declaration extends ScheduleRead {
  /** Whether this is all there is: what the store has from settings, and is not here, goes. */
  readonly complete: boolean
}

export interface Changes {
  readonly put: readonly NewEntry[]
  readonly remove: readonly string[]
  /** Declared, and not put: somebody has made an entry of that name at run time, and that one counts. */
  readonly overridden: readonly string[]
}

/** An entry that was declared so that it cannot be read keeps running as it stands in the store. */
export function changesFor(declared: Declaration, stored: readonly StoredEntry[], now: number, calendar: Calendar): Changes {
  const known = new Map(stored.map((entry) => [entry.name, entry]))
  const put: NewEntry[] = []
  const overridden: string[] = []
  for (const entry of declared.entries) {
    const old = known.get(entry.name)
    const json = encodeEntry(entry)
    if (old?.source === 'store') overridden.push(entry.name)
    else if (old?.json !== json) {
      const planned = old === undefined ? undefined : planAfterEdit(old, entry, now, calendar)
      put.push({ name: entry.name, json, source: 'settings', planned })
    }
  }
  const kept = new Set([...declared.entries, ...declared.problems].map(({ name }) => name))
  const gone = stored.filter(({ name, source }) => source === 'settings' && !kept.has(name))
  return { put, remove: declared.complete ? gone.map(({ name }) => name) : [], overridden }
}

/** The plan stays when the times do; and what is due right now, and not sent yet, is due under the new definition too if that fits. */
function planAfterEdit(old: StoredEntry, entry: ScheduleEntry, now: number, calendar: Calendar): number | undefined {
  if (old.planned === null || !entry.enabled) return undefined
  const before = decodeEntry(old.json)
  if (before.ok && isDeepStrictEqual(timesOf(before.entry), timesOf(entry))) return old.planned
  const isDue = old.planned <= now && old.planned > now - MISFIRE_GRACE * 1000
  return isDue ? (nextDue(entry, old.planned - 1, calendar, old.planned) ?? undefined) : undefined
}

function timesOf({ schedule, timezone, start, expiry }: ScheduleEntry) {
  return { schedule, timezone, start, expiry }
}
