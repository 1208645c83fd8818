/**
 * Reading fields of decoded JSON, each with the one message its owner should see: the path, and what was expected there. Absent and null
 * are the same, as for Celery.
 */
import { isMoment, parseIso } from './dates.js'
import { type BadCode, Refusal } from './refusal.js'
import { isTaskId, MAX_ID_LENGTH } from './task-id.js'

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null // a marker's value (Date, Buffer …) is no object of the wire
}

/** One object of the message, and how its faults are reported. */
export class Fields {
  readonly values: JsonObject
  readonly #path: string
  readonly #code: BadCode

  /** @param path where the object is, such as `headers` */
  constructor(values: JsonObject, path: string, code: BadCode) {
    this.values = values
    this.#path = path
    this.#code = code
  }

  text(key: string): string | null {
    const value = this.values[key] ?? null
    return value === null || typeof value === 'string' ? value : this.refuse(key, 'a string or null')
  }

  flag(key: string): boolean {
    const value = this.values[key] ?? false
    return typeof value === 'boolean' ? value : this.refuse(key, 'true, false or null')
  }

  /** A whole number from 0; absent is `otherwise`. */
  count<T>(key: string, otherwise: T): number | T {
    const value = this.values[key] ?? null
    if (value === null) return otherwise
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : this.refuse(key, 'a whole number from 0')
  }

  id(key: string): string | null {
    const value = this.values[key] ?? null
    return value === null || isTaskId(value) ? value : this.refuse(key, `an id of at most ${MAX_ID_LENGTH} visible characters, or null`)
  }

  list(key: string): readonly unknown[] | null {
    const value = this.values[key] ?? null
    return value === null || Array.isArray(value) ? value : this.refuse(key, 'a list or null')
  }

  object(key: string): JsonObject | null {
    const value = this.values[key] ?? null
    return value === null || isObject(value) ? value : this.refuse(key, 'an object or null')
  }

  /** An ISO 8601 date, in milliseconds since 1970. */
  date(key: string): number | null {
    const value = this.values[key] ?? null
    if (value === null) return null
    const ms = typeof value === 'string' ? parseIso(value) : value instanceof Date ? value.getTime() : null
    return ms !== null && isMoment(ms) ? ms : this.refuse(key, 'an ISO 8601 date of the years 1 to 9999, or null')
  }

  pathOf(key: string): string {
    return `${this.#path}.${key}`
  }

  /** @throws Refusal, always */
  refuse(key: string, expected: string): never {
    throw new Refusal(this.#code, `${this.pathOf(key)}: expected ${expected}, not ${kindOf(this.values[key])}`)
  }
}

/** What a value is, for people; never its contents, which may be long or secret. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return value === null ? 'null' : 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return value.length <= 40 ? JSON.stringify(value) : `a string of ${value.length} characters`
  if (typeof value === 'bigint') return 'a number beyond 2^53'
  if (typeof value === 'function') return 'a function'
  return typeof value === 'object' ? (isObject(value) ? 'an object' : 'a marked value') : String(value)
}
