/**
 * The fields of a crontab, read as Celery reads them: lists, steps, names, and ranges that wrap (`sat-mon`, `22-2`). A step counts through
 * the range it stands behind, so that `22-2/2` is 22, 0 and 2.
 */
import type { CrontabSchedule } from './schedule-entry.js'

export type CrontabField = Exclude<keyof CrontabSchedule, 'kind'>

/** The values at which each field fits, ascending. 0 is Sunday; months and days of the month start at 1. */
export type CrontabTimes = Readonly<Record<CrontabField, readonly number[]>>

export type Expanded =
  | { readonly ok: true; readonly times: CrontabTimes }
  /** `field` is null when each can be read and they never fit together. */
  | { readonly ok: false; readonly field: CrontabField | null; readonly reason: string }

interface Range {
  readonly first: number
  readonly last: number
  /** Names of the values from `first`; any start of them of three letters or more will do. */
  readonly names: readonly string[]
}

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']
const MONTHS = [
  ...['january', 'february', 'march', 'april', 'may', 'june'],
  ...['july', 'august', 'september', 'october', 'november', 'december'],
]

/** In the order in which six fields in one line stand, as in cron. */
export const CRONTAB_FIELDS: Readonly<Record<CrontabField, Range>> = {
  second: { first: 0, last: 59, names: [] },
  minute: { first: 0, last: 59, names: [] },
  hour: { first: 0, last: 23, names: [] },
  dayOfMonth: { first: 1, last: 31, names: [] },
  monthOfYear: { first: 1, last: 12, names: MONTHS },
  dayOfWeek: { first: 0, last: 6, names: DAYS },
}

const LONGEST_MONTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const LONGEST_FIELD = 1000

/** The fields as lists; not ok, with field and token, for what cannot be read or can never fit (31 February). Total. */
export function expandCrontab(schedule: CrontabSchedule): Expanded {
  const times: Partial<Record<CrontabField, readonly number[]>> = {}
  for (const field of Object.keys(CRONTAB_FIELDS) as CrontabField[]) {
    const read = expandField(field, schedule[field])
    if (!read.ok) return { ok: false, field, reason: read.reason }
    times[field] = read.values
  }
  const all = times as CrontabTimes
  const fits = all.monthOfYear.some((month) => all.dayOfMonth.some((day) => day <= LONGEST_MONTHS[month - 1]!))
  if (fits) return { ok: true, times: all }
  return {
    ok: false,
    field: null,
    reason: `never fires: no month of monthOfYear '${schedule.monthOfYear}' has a day of dayOfMonth '${schedule.dayOfMonth}'`,
  }
}

type FieldRead = { readonly ok: true; readonly values: readonly number[] } | { readonly ok: false; readonly reason: string }

/** The values of one field, ascending and without repetitions. Total. */
function expandField(field: CrontabField, written: string): FieldRead {
  if (written.length > LONGEST_FIELD) return { ok: false, reason: `longer than ${LONGEST_FIELD} characters` }
  const values = new Set<number>()
  for (const token of written.split(',')) {
    const read = expandToken(CRONTAB_FIELDS[field], token.trim())
    if (typeof read === 'string') return { ok: false, reason: `'${token.trim()}' ${read}` }
    for (const value of read) values.add(value)
  }
  return { ok: true, values: [...values].sort((a, b) => a - b) }
}

const TOKEN = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\w+))?$/

/** The values of one part between commas; a text says what is wrong with it. */
function expandToken(range: Range, token: string): readonly number[] | string {
  if (token === '') return 'is empty: a value is missing'
  const [, star, from, to, step] = TOKEN.exec(token) ?? []
  if (star === undefined && from === undefined) return "is none of '*', '5', '1-5', '*/2' and '1-9/2'"
  const count = step === undefined ? 1 : /^\d{1,9}$/.test(step) ? Number(step) : 0
  if (count === 0) return `has the step '${step}': it must be a whole number from 1`

  const first = star === undefined ? readValue(range, from!) : range.first
  if (typeof first === 'string') return first
  if (step !== undefined && star === undefined && to === undefined) return `has a step and no range: write '${from}-${range.last}/${step}'`
  const last = star === undefined ? (to === undefined ? first : readValue(range, to)) : range.last
  if (typeof last === 'string') return last
  return between(range, first, last).filter((_, index) => index % count === 0)
}

function between(range: Range, from: number, to: number): readonly number[] {
  const size = range.last - range.first + 1
  const length = ((to - from + size) % size) + 1 // modulo: a range may wrap
  return Array.from({ length }, (_, index) => range.first + ((from - range.first + index) % size))
}

function readValue(range: Range, word: string): number | string {
  const { first, last, names } = range
  const named = word.length < 3 ? -1 : names.findIndex((name) => name.startsWith(word.toLowerCase()))
  if (named >= 0) return first + named
  const value = /^\d+$/.test(word) ? Number(word) : Number.NaN
  if (value >= first && value <= last) return value
  if (names === DAYS && value === 7) return 'is out of range: Sunday is 0, as in Celery'
  const expected = `${first} to ${last}${names.length === 0 ? '' : `, or ${names[0]!.slice(0, 3)} to ${names.at(-1)!.slice(0, 3)}`}`
  return Number.isNaN(value) ? `is not understood: expected ${expected}` : `is out of range: expected ${expected}`
}
