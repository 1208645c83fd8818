/**
 * The markers by which kombu 5.3 and later carries Python values in JSON: an object with exactly the keys `__type__` and `__value__`.
 * Python's datetime is a `Date` here (microseconds are cut to milliseconds, and it travels back as UTC), bytes are a `Buffer`.
 */
import { isUtf8 } from 'node:buffer'
import { decodeBase64 } from './base64.js'
import { formatIso, formatNaive, parseIso } from './dates.js'
import { CalendarDate, ClockTime, Decimal, Uuid, type WireType } from './values.js'

export const TYPE_KEY = '__type__'
export const VALUE_KEY = '__value__'

/** The types a marker may name; another type is left alone, as plain data. */
export const MARKER_TYPES: ReadonlySet<unknown> = new Set(['datetime', 'date', 'time', 'decimal', 'uuid', 'bytes', 'base64'])

/**
 * The value that a marker of this type stands for.
 *
 * @param type one of `MARKER_TYPES`
 * @throws SyntaxError when `value` does not fit the type: Python fails on such a message too
 */
export function readMarker(type: unknown, value: unknown): unknown {
  if (type === 'uuid') return construct(type, (text) => new Uuid(text), isObject(value) ? value['hex'] : value)
  if (type === 'date') return construct(type, (text) => new CalendarDate(text), value)
  if (type === 'time') return construct(type, (text) => new ClockTime(text), value)
  if (type === 'decimal') return construct(type, (text) => new Decimal(text), value)
  if (type === 'datetime') return construct(type, readDate, value)
  if (type === 'bytes') return construct(type, (text) => Buffer.from(text, 'utf8'), value)
  return construct('base64', decodeBase64, value)
}

function readDate(text: string): Date | null {
  const ms = parseIso(text)
  return ms === null ? null : new Date(ms)
}

function construct(type: string, make: (text: string) => object | null, value: unknown): object {
  try {
    const made = typeof value === 'string' ? make(value) : null
    if (made !== null) return made
  } catch {
    // told below, with the type
  }
  throw new SyntaxError(`a marker of type ${type} holds no such value`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** The JSON text of a date: a marker, or the string that kombu 5.2 sends (`Z` for UTC). */
export function writeDate(date: Date, markers: boolean): string {
  return markers ? marker('datetime', `"${formatIso(date.getTime())}"`) : `"${formatNaive(date.getTime())}Z"`
}

/** The JSON text of bytes; only with markers, for kombu 5.2 cannot send any. Bytes that are UTF-8 travel as text, as kombu sends them. */
export function writeBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (isUtf8(buffer)) return marker('bytes', JSON.stringify(buffer.toString('utf8')))
  return marker('base64', `"${buffer.toString('base64')}"`)
}

/** The JSON text of a value of `values.ts`: a marker, or the string that kombu 5.2 sends (a date is printed as its midnight). */
export function writeWireValue(value: { readonly type: WireType; readonly text: string }, markers: boolean): string {
  const quoted = JSON.stringify(value.text)
  if (!markers) return value.type === 'date' ? `"${value.text}T00:00:00"` : quoted
  return marker(value.type, value.type === 'uuid' ? `{"hex": "${value.text.replaceAll('-', '')}"}` : quoted)
}

function marker(type: string, value: string): string {
  return `{"${TYPE_KEY}": "${type}", "${VALUE_KEY}": ${value}}`
}
