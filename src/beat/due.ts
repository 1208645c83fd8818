/** When an entry is due: functions of the entry and the time, without a clock. Every beat computes the same. */
import { createHash } from 'node:crypto'
import { isMoment } from '../protocol/dates.js'
import type { ScheduleEntry } from '../protocol/schedule.js'
import type { Calendar } from './calendar.js'
import { nextInterval } from './interval.js'
import { nextSun } from './sun.js'

/**
 * The first moment strictly after `after` at which the entry is due, in its zone, without its jitter (`sendAt` adds that).
 *
 * A crontab's wall-clock time that lies in a gap is due at the end of the gap, together with all others that do; one that comes twice is due
 * the first time. Intervals are real time.
 *
 * @param anchor  what an interval counts from when the entry has no `start`: the last planned time, or when the entry was made. Null:
 *                `after` itself. Other schedules do not look at it.
 * @returns       milliseconds since 1970; null: never again (disabled, expired, over, or the sun does not do it within a year)
 * @throws        CelerityError E_SCHEDULE for an entry that no reader of `protocol/schedule.ts` has checked
 */
export function nextDue(entry: ScheduleEntry, after: number, calendar: Calendar, anchor: number | null = null): number | null {
  if (!entry.enabled) return null
  const from = entry.start === null ? after : Math.max(after, entry.start - 1)
  const due = nextOf(entry, from, calendar, entry.start ?? anchor ?? after)
  if (due === null || !isMoment(due)) return null
  return entry.expiry !== null && due >= entry.expiry ? null : due
}

function nextOf({ schedule, timezone }: ScheduleEntry, after: number, calendar: Calendar, anchor: number): number | null {
  switch (schedule.kind) {
    case 'interval':
      return nextInterval(schedule, after, anchor, calendar.zone(timezone))
    case 'crontab':
      return calendar.crontab(schedule, timezone).next(after)
    case 'solar':
      return nextSun(schedule, after)
    case 'clocked':
      return schedule.at > after ? schedule.at : null
  }
}

/**
 * When the message of a due time is sent: up to `jitter` seconds later, by an amount that follows from the entry's name and the due time, so
 * that any leader computes the same; and before the entry is due again, so that order is kept.
 */
export function sendAt(entry: ScheduleEntry, due: number, calendar: Calendar): number {
  if (entry.jitter === 0) return due
  const next = nextDue({ ...entry, enabled: true }, due, calendar, due)
  const room = Math.min(entry.jitter * 1000, next === null ? Number.POSITIVE_INFINITY : next - due)
  return due + Math.floor(share(entry.name, due) * room)
}

/** From 0 to below 1, evenly. */
function share(name: string, due: number): number {
  return createHash('sha256').update(`${due} ${name}`).digest().readUInt32BE(0) / 2 ** 32
}
