/** Dates as Python's `isoformat()` writes them, both ways. A date without an offset is UTC, as in Celery's default settings. */

/** Milliseconds since 1970 of the first and the last moment that Python can hold: years 1 to 9999. */
const FIRST = -62_135_596_800_000
const LAST = 253_402_300_799_999

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:[Zz]|([+-])(\d\d)(?::?(\d\d)(?::(\d\d)(?:\.\d{1,6})?)?)?)?)?$/

/**
 * Milliseconds since 1970 of an ISO 8601 date, with or without time; null when it is none, or lies outside the years 1 to 9999.
 * Takes what Python and JavaScript write: `T` or a space, up to nine decimals (cut to milliseconds), `Z`, `+05:30`, `+0530`, or no offset.
 */
export function parseIso(text: string): number | null {
  const parts = text.length <= 40 ? ISO.exec(text) : null
  if (parts === null) return null
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = parts
  if (!isDay(Number(year), Number(month), Number(day))) return null
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59 || Number(offsetHour) > 23 || Number(offsetMinute) > 59) return null
  const midnight = new Date(0).setUTCFullYear(Number(year), Number(month) - 1, Number(day)) // Date.UTC would read year 99 as 1999
  const time = (Number(hour) * 60 + Number(minute)) * 60_000 + Number(second) * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3))
  const offset = (Number(offsetHour) * 60 + Number(offsetMinute)) * 60_000 + Number(parts[11] ?? 0) * 1000
  const ms = midnight + time - (sign === '-' ? -offset : offset)
  return ms >= FIRST && ms <= LAST ? ms : null
}

/** Whether Python could hold this moment. False for NaN. */
export function isMoment(ms: number): boolean {
  return ms >= FIRST && ms <= LAST
}

/**
 * The moment as Python prints an aware UTC datetime: `2026-11-22T06:28:40.343000+00:00`, without the decimals when they are zero.
 * Computed rather than cut from `toISOString()`, which costs ten times as much and is needed for every result.
 *
 * @param ms milliseconds since 1970, for which `isMoment` holds
 */
export function formatIso(ms: number): string {
  return `${formatNaive(ms)}+00:00`
}

/** The same without the offset: what kombu 5.2 starts from. */
export function formatNaive(ms: number): string {
  const whole = Math.floor(ms)
  const days = Math.floor(whole / 86_400_000)
  const time = whole - days * 86_400_000
  const millis = time % 1000
  const seconds = (time - millis) / 1000
  const minutes = Math.floor(seconds / 60)
  const text = `${formatDay(days)}T${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`
  return millis === 0 ? text : `${text}.${millis < 10 ? '00' : millis < 100 ? '0' : ''}${millis}000`
}

/** Days since 1970 to `YYYY-MM-DD`: Howard Hinnant's civil_from_days. */
function formatDay(days: number): string {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${year >= 1000 ? year : String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
}

function two(value: number): string {
  return value < 10 ? `0${value}` : `${value}`
}

/** Whether this is `YYYY-MM-DD` and a day of the calendar. */
export function isCalendarDate(text: string): boolean {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text)
  return parts !== null && isDay(Number(parts[1]), Number(parts[2]), Number(parts[3]))
}

/** Whether this is a time of day as Python prints one: `HH:MM[:SS[.ffffff]]`, an offset allowed. */
export function isClockTime(text: string): boolean {
  return /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?)?$/.test(text)
}

function isDay(year: number, month: number, day: number): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return day <= (month === 2 ? (isLeap ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31)
}
