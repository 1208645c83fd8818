/** The ways to say when: the functions of the API, and what may stand under `schedule` in settings. */
import type { Duration } from '../duration.js'
import { parseSeconds } from '../duration.js'
import { CelerityError } from '../errors.js'
import { CRONTAB_FIELDS, expandCrontab } from './crontab-fields.js'
import { isObject, kindOf } from './fields.js'
import { GivenFields, ScheduleFault } from './given-fields.js'
import {
  type ClockedSchedule,
  type CrontabSchedule,
  type IntervalSchedule,
  type Schedule,
  SHORTEST_INTERVAL,
  SOLAR_EVENTS,
  type SolarEvent,
  type SolarSchedule,
} from './schedule-entry.js'

/** A number, a text such as `'*\/15'`, `'mon-fri'` or `'0,30'`, or a list of them. */
export type CrontabFieldInput = number | string | readonly (number | string)[]

export interface CrontabInput {
  readonly minute?: CrontabFieldInput
  readonly hour?: CrontabFieldInput
  /** 0 is Sunday; names such as `mon` may be used. */
  readonly dayOfWeek?: CrontabFieldInput
  readonly dayOfMonth?: CrontabFieldInput
  /** 1 is January; names such as `jan` may be used. */
  readonly monthOfYear?: CrontabFieldInput
  /** Default 0. */
  readonly second?: CrontabFieldInput
}

/**
 * Celery's crontab: each field left out is `*`, day of month AND day of week must fit, ranges may wrap. The wall clock is the entry's
 * `timezone`. A time in a gap of the zone is due at the end of the gap; a time that comes twice, at the first.
 *
 * @throws CelerityError E_SCHEDULE for a field that cannot be read, or a day that never comes (31 February)
 */
export function crontab(fields: CrontabInput): CrontabSchedule {
  return orThrow(() => readCrontab(fields, 'crontab'))
}

/**
 * @param span     seconds or `'10m'`, at least 0.1 s; real time, whatever the clocks of a zone do
 * @param relative at full days, hours or minutes (Celery's `relative`)
 * @throws         CelerityError E_SCHEDULE
 */
export function every(span: Duration, { relative = false }: { readonly relative?: boolean } = {}): IntervalSchedule {
  return orThrow(() => readInterval({ every: span, relative }, 'every'))
}

/** @throws CelerityError E_SCHEDULE for an unknown event or a place that is not on Earth */
export function solar(event: SolarEvent, latitude: number, longitude: number): SolarSchedule {
  return orThrow(() => readSolar({ event, latitude, longitude }, 'solar'))
}

/**
 * Once. A text needs an offset: `'2026-05-01T08:00:00Z'`; a number is milliseconds since 1970.
 *
 * @throws CelerityError E_SCHEDULE
 */
export function clocked(at: Date | string | number): ClockedSchedule {
  return orThrow(() => readClocked({ at }, 'clocked'))
}

const EXPECTED = "seconds, a span such as '10m', five crontab fields such as '0 5 * * *', or an object such as { minute: 0, hour: 5 }"

/**
 * A schedule as settings, code or a row say it: seconds; `'10m'`; `'0 5 * * *'` (minute hour day-of-month month day-of-week; with six
 * fields the first is seconds); an object of crontab fields, `{ every, relative }`, `{ event, latitude, longitude }` (Celery's lat and
 * lon too), `{ at }`; or one of these under its kind: `{ crontab: { hour: 5 } }`.
 *
 * @throws ScheduleFault
 */
export function readSchedule(given: unknown, path: string): Schedule {
  if (typeof given === 'number') return readInterval({ every: given }, path, 'every')
  if (typeof given === 'string') return readText(given, path)
  if (given instanceof Date) return readClocked({ at: given }, path)
  if (!isObject(given)) throw new ScheduleFault(`${path}: expected ${EXPECTED}, not ${kindOf(given)}`)

  const { kind, ...rest } = given
  if (kind !== undefined) return ofKind(kind, rest, path)
  const [only, ...more] = Object.keys(given)
  if (more.length === 0) {
    if (only === 'crontab' || only === 'solar') return ofKind(only, given[only], `${path}.${only}`)
    if (only === 'clocked') return readClocked({ at: given[only] }, path)
  }
  const kinds = [
    ['every', 'interval'],
    ['event', 'solar'],
    ['at', 'clocked'],
  ] as const
  return ofKind(kinds.find(([key]) => key in given)?.[1] ?? 'crontab', given, path)
}

function ofKind(kind: unknown, given: unknown, path: string): Schedule {
  switch (kind) {
    case 'interval':
      return readInterval(given, path)
    case 'crontab':
      return typeof given === 'string' ? readText(given, path) : readCrontab(given, path)
    case 'solar':
      return readSolar(given, path)
    case 'clocked':
      return readClocked(given, path)
    default:
      throw new ScheduleFault(`${path}.kind: expected interval, crontab, solar or clocked, not ${kindOf(kind)}`)
  }
}

/** A span, or crontab fields with spaces between. */
function readText(text: string, path: string): Schedule {
  const words = text.trim().split(/\s+/)
  if (words.length === 1 && parseSeconds(text) !== null) return readInterval({ every: text }, path, 'every')
  const names = Object.keys(CRONTAB_FIELDS).slice(words.length === 6 ? 0 : 1)
  if (words.length !== names.length) throw new ScheduleFault(`${path}: expected ${EXPECTED}, not ${kindOf(text)}`)
  return readCrontab(Object.fromEntries(names.map((name, index) => [name, words[index]])), path)
}

function readInterval(given: unknown, path: string, whole?: string): IntervalSchedule {
  const fields = new GivenFields(given, path, 'an interval such as { every: 600 }')
  try {
    const span = fields.span('every', SHORTEST_INTERVAL) ?? fields.refuse('every', 'is missing')
    const relative = fields.flag('relative') ?? false
    fields.end(['every', 'relative'])
    return { kind: 'interval', every: Math.round(span * 1000) / 1000, relative }
  } catch (error) {
    // Written as a bare number or text there is no field to point at.
    if (whole === undefined || !(error instanceof ScheduleFault)) throw error
    throw new ScheduleFault(error.message.replace(`${path}.${whole}`, path))
  }
}

function readCrontab(given: unknown, path: string): CrontabSchedule {
  const fields = new GivenFields(given, path, 'crontab fields such as { minute: 0, hour: 5 }')
  if (fields.take('nowfun') !== undefined) fields.refuse('nowfun', 'is a function; give the entry a timezone instead')
  const schedule: CrontabSchedule = {
    kind: 'crontab',
    second: fieldText(fields, 'second', '0'),
    minute: fieldText(fields, 'minute', '*'),
    hour: fieldText(fields, 'hour', '*'),
    dayOfWeek: fieldText(fields, 'dayOfWeek', '*'),
    dayOfMonth: fieldText(fields, 'dayOfMonth', '*'),
    monthOfYear: fieldText(fields, 'monthOfYear', '*'),
  }
  fields.end(Object.keys(CRONTAB_FIELDS))
  const expanded = expandCrontab(schedule)
  if (!expanded.ok) throw new ScheduleFault(`${expanded.field === null ? path : fields.pathOf(expanded.field)}: ${expanded.reason}`)
  return schedule
}

function fieldText(fields: GivenFields, name: string, otherwise: string): string {
  const given = fields.take(name) ?? otherwise
  const parts: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (parts.length > 0 && parts.every((part) => typeof part === 'string' || Number.isInteger(part))) return parts.join(',')
  return fields.refuse(
    name,
    `expected a number, a text such as '*/15' or '1-5', or a list of them, not ${parts.length === 0 ? 'an empty list' : kindOf(given)}`,
  )
}

function readSolar(given: unknown, path: string): SolarSchedule {
  const fields = new GivenFields(given, path, "an event and a place such as { event: 'sunset', latitude: 51.5, longitude: 0 }")
  const event = fields.oneOf('event', SOLAR_EVENTS) ?? fields.refuse('event', `is missing: one of ${SOLAR_EVENTS.join(', ')}`)
  const latitude = fields.degrees('latitude', 90) ?? fields.degrees('lat', 90) ?? fields.refuse('latitude', 'is missing')
  const longitude = fields.degrees('longitude', 180) ?? fields.degrees('lon', 180) ?? fields.refuse('longitude', 'is missing')
  fields.end(['event', 'latitude', 'longitude'])
  return { kind: 'solar', event, latitude, longitude }
}

function readClocked(given: unknown, path: string): ClockedSchedule {
  const fields = new GivenFields(given, path, "a moment such as { at: '2026-05-01T08:00:00Z' }")
  const at = fields.moment('at') ?? fields.refuse('at', 'is missing')
  fields.end(['at'])
  return { kind: 'clocked', at }
}

function orThrow<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ScheduleFault)) throw error
    throw new CelerityError('E_SCHEDULE', { message: error.message })
  }
}
