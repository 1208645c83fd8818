/** Why an entry was due in some minute, or was not: `tasks schedule why-not`. What beats and brokers did is not known here. */
import { formatIso } from '../protocol/dates.js'
import type { CrontabSchedule, CrontabTimes, ScheduleEntry } from '../protocol/schedule.js'
import type { Calendar } from './calendar.js'
import { nextDue } from './due.js'
import type { ClockChange, Zone } from './zone.js'

const MINUTE = 60_000

/**
 * `due`; `due-after-gap`: only because its time lies in a gap that ended then; `repeated`: its time had come before, and clocks were set
 * back since; `not-due`: its schedule names other times; `unknown`: an interval, and nobody knows what it counts from; or it could not be
 * due at all then.
 */
export type Verdict = 'due' | 'due-after-gap' | 'repeated' | 'not-due' | 'unknown' | 'disabled' | 'before-start' | 'expired'

export interface DueExplanation {
  readonly verdict: Verdict
  /** The whole minute asked about: from, and up to but not at, milliseconds since 1970. */
  readonly from: number
  readonly until: number
  /** The zone in which the wall clock was read. */
  readonly timezone: string
  /** When it was due in that minute, were it enabled; a crontab with seconds or a short interval has many. */
  readonly due: readonly number[]
  /** When it was or is due next after that minute. */
  readonly next: number | null
  /** A sentence for people. */
  readonly text: string
}

/**
 * Whether the entry was due in the minute of `at`, and if not, why.
 *
 * @param anchor what an interval without `start` counts from, as for `nextDue`; times before it are counted backwards
 */
export function explainDue(entry: ScheduleEntry, at: number, calendar: Calendar, anchor: number | null = null): DueExplanation {
  const from = Math.floor(at / MINUTE) * MINUTE
  const minute = { from, until: from + MINUTE }
  const zone = calendar.zone(entry.timezone)
  const enabled = { ...entry, enabled: true }
  if (entry.schedule.kind === 'interval' && entry.start === null && anchor === null) {
    const text = 'an interval without start counts from its last run, and none is known'
    return { ...minute, timezone: zone.name, due: [], next: null, verdict: 'unknown', text }
  }
  const due: number[] = []
  let next = nextDue(enabled, minute.from - 1, calendar, anchor)
  while (next !== null && next < minute.until) {
    due.push(next)
    next = nextDue(enabled, next, calendar, anchor)
  }
  return { ...minute, timezone: zone.name, due, next, ...judge(entry, { ...minute, zone, due, next }, calendar) }
}

interface Minute {
  readonly from: number
  readonly until: number
  readonly zone: Zone
  readonly due: readonly number[]
  readonly next: number | null
}

interface Judgement {
  readonly verdict: Verdict
  readonly text: string
}

function judge(entry: ScheduleEntry, minute: Minute, calendar: Calendar): Judgement {
  const [first] = minute.due
  if (entry.start !== null && entry.start >= minute.until)
    return { verdict: 'before-start', text: `it starts only at ${formatIso(entry.start)}` }
  if (entry.expiry !== null && entry.expiry <= minute.from) return { verdict: 'expired', text: `it expired at ${formatIso(entry.expiry)}` }
  if (!entry.enabled)
    return { verdict: 'disabled', text: first === undefined ? 'it is disabled, and not due then either' : 'it is disabled' }
  if (entry.schedule.kind === 'crontab') return judgeCrontab(entry.schedule, minute, calendar.crontab(entry.schedule, entry.timezone).times)
  return first === undefined ? { verdict: 'not-due', text: notDue(minute.next) } : { verdict: 'due', text: `due at ${formatIso(first)}` }
}

function judgeCrontab(schedule: CrontabSchedule, { from, until, zone, due, next }: Minute, times: CrontabTimes): Judgement {
  const [first] = due
  const wall = zone.wallAt(first ?? from)
  const misfit = misfits(schedule, wall, times)
  if (first !== undefined) {
    const change = misfit === null ? null : zone.changeBetween(from - 1, until)
    if (change === null) return { verdict: 'due', text: `due at ${formatIso(first)}, ${clock(wall)} in ${zone.name}` }
    return {
      verdict: 'due-after-gap',
      text: `clocks of ${zone.name} went ${fromTo(change)}: what lies between was due at the end of the gap`,
    }
  }
  if (misfit !== null) return { verdict: 'not-due', text: `it was ${clock(wall)} in ${zone.name}, and ${misfit}; ${notDue(next)}` }
  // The wall clock fits and yet it was not due: it has shown this time before.
  const passage = zone.passageOf(wall)
  const change = passage.kind === 'twice' ? zone.changeBetween(passage.at, passage.again) : null
  if (passage.kind !== 'twice' || change === null) return { verdict: 'not-due', text: notDue(next) }
  return {
    verdict: 'repeated',
    text: `clocks of ${zone.name} went ${fromTo(change)}, and ${clock(wall)} came twice: it was due the first time, ${formatIso(passage.at)}`,
  }
}

/** The first field that does not fit the wall clock, in words. */
function misfits(schedule: CrontabSchedule, wall: number, times: CrontabTimes): string | null {
  const date = new Date(wall)
  const shown = {
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    dayOfWeek: date.getUTCDay(),
    dayOfMonth: date.getUTCDate(),
    monthOfYear: date.getUTCMonth() + 1,
  }
  for (const [field, value] of Object.entries(shown) as [keyof typeof shown, number][]) {
    if (!times[field].includes(value)) return `${field} ${value} is not in '${schedule[field]}'`
  }
  return null
}

function notDue(next: number | null): string {
  return next === null ? 'it is never due again' : `next due after that at ${formatIso(next)}`
}

function fromTo({ at, before, after }: ClockChange): string {
  return `from ${clock(at + before)} to ${clock(at + after)}`
}

function clock(wall: number): string {
  return new Date(wall).toISOString().slice(0, 16).replace('T', ' ')
}
