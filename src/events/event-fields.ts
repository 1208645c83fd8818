/** Fields of events, which may hold anything: each is what it should be, or null. Text is cut, so that a record stays small. */
import { parseIso } from '../protocol/dates.js'
import { isTaskId } from '../protocol/task-id.js'
import { isTaskName } from '../protocol/task-message.js'

type EventFields = Readonly<Record<string, unknown>>

/** Longest repr of arguments, of a result, of an exception that is kept, in characters. */
const MAX_REPR = 4_096

export function readText(fields: EventFields, key: string, length: number = MAX_REPR): string | null {
  const value = fields[key]
  if (typeof value !== 'string') return null
  return value.length <= length ? value : `${copied(value.slice(0, length))}…`
}

export function readName(fields: EventFields): string | null {
  return isTaskName(fields['name']) ? fields['name'] : null
}

export function readId(fields: EventFields, key: string): string | null {
  const value = fields[key]
  return isTaskId(value) ? value : null
}

/** From 0. */
export function readNumber(fields: EventFields, key: string): number | null {
  const value = fields[key]
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : null
}

export function readCount(fields: EventFields, key: string): number | null {
  const value = readNumber(fields, key)
  return Number.isInteger(value) ? value : null
}

/** Unix seconds of an ISO 8601 date. */
export function readDate(fields: EventFields, key: string): number | null {
  const value = fields[key]
  const ms = typeof value === 'string' ? parseIso(value) : null
  return ms === null ? null : ms / 1000
}

/** A slice keeps the whole text alive that it was cut from: here a megabyte for a kilobyte. */
function copied(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
