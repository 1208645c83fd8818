/**
 * Reading what people write about schedules, in settings, code or a stored row: each field in our spelling or Celery's (`timeLimit`,
 * `time_limit`), and for each fault the path and what was expected there.
 */
import { parseSeconds } from '../duration.js'
import { isMoment, parseIso } from './dates.js'
import { isObject, type JsonObject, kindOf } from './fields.js'

/** The end of an ISO text that says its offset. */
const OFFSET = /(?:[Zz]|[+-]\d\d(?::?\d\d)?)$/

/** Thrown inside the readers of schedules and caught at their doors. The message starts with the path of the field. */
export class ScheduleFault extends Error {}

/** Seconds, some thirty years: a longer span is a mistake, and too large to be counted in whole milliseconds. */
const LONGEST_SPAN = 1e9

export class GivenFields {
  readonly #values: JsonObject
  readonly #path: string
  readonly #left: Set<string>

  /** @param path where the object is, such as `options`; empty: the entry itself */
  constructor(values: unknown, path: string, expected: string) {
    if (!isObject(values)) throw new ScheduleFault(`${path === '' ? '' : `${path}: `}expected ${expected}, not ${kindOf(values)}`)
    this.#values = values
    this.#path = path
    this.#left = new Set(Object.keys(values))
  }

  /** The value, in either spelling; absent and null are undefined. */
  take(key: string): unknown {
    const snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    this.#left.delete(key)
    this.#left.delete(snake)
    const own = (name: string) => (Object.hasOwn(this.#values, name) ? this.#values[name] : undefined)
    return own(key) ?? own(snake) ?? undefined
  }

  text(key: string): string | undefined {
    return this.#read(key, 'a text', (value) => (typeof value === 'string' && value.trim() !== '' ? value : undefined))
  }

  flag(key: string): boolean | undefined {
    return this.#read(key, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined))
  }

  whole(key: string, least: number, most: number): number | undefined {
    return this.#read(key, `a whole number from ${least} to ${most}`, (value) =>
      Number.isInteger(value) && (value as number) >= least && (value as number) <= most ? (value as number) : undefined,
    )
  }

  degrees(key: string, most: number): number | undefined {
    return this.#read(key, `degrees from -${most} to ${most}`, (value) =>
      typeof value === 'number' && Math.abs(value) <= most ? value : undefined,
    )
  }

  /** Seconds, or a text such as `5m`. */
  span(key: string, least: number): number | undefined {
    return this.#read(key, `a span such as 90, '90s' or '5m'${least > 0 ? `, at least ${least} s` : ''}`, (value) => {
      const span = typeof value === 'string' ? parseSeconds(value) : value
      return typeof span === 'number' && Number.isFinite(span) && span >= least && span <= LONGEST_SPAN ? span : undefined
    })
  }

  /**
   * Whole milliseconds since 1970, from a Date, such a number, or an ISO text. The text must say its offset: a time without one means
   * something else to everyone.
   */
  moment(key: string): number | undefined {
    return this.#read(key, "a moment of the years 1 to 9999 such as '2026-05-01T08:00:00Z' or '2026-05-01T10:00:00+02:00'", (value) => {
      const at =
        typeof value === 'string'
          ? OFFSET.test(value.slice(10))
            ? parseIso(value)
            : null
          : value instanceof Date
            ? value.getTime()
            : value
      return typeof at === 'number' && isMoment(at) ? Math.floor(at) : undefined
    })
  }

  list(key: string): readonly unknown[] | undefined {
    return this.#read(key, 'a list', (value) => (Array.isArray(value) ? value : undefined))
  }

  object(key: string): JsonObject | undefined {
    return this.#read(key, 'an object', (value) => (isObject(value) ? value : undefined))
  }

  oneOf<T extends string>(key: string, words: readonly T[]): T | undefined {
    return this.#read(key, words.join(', '), (value) => words.find((word) => word === value))
  }

  /** Refuses what nobody took. */
  end(known: readonly string[]): void {
    const [unknown] = this.#left
    if (unknown !== undefined) this.refuse(unknown, `is unknown here; known are ${known.join(', ')}`)
  }

  /** Passes over what nobody took, where it is one of these. */
  drop(keys: readonly string[]): void {
    for (const key of keys) this.take(key)
  }

  pathOf(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`
  }

  /** @throws ScheduleFault, always */
  refuse(key: string, wrong: string): never {
    throw new ScheduleFault(`${this.pathOf(key)}: ${wrong}`)
  }

  #read<T>(key: string, expected: string, read: (value: unknown) => T | undefined): T | undefined {
    const given = this.take(key)
    if (given === undefined) return undefined
    return read(given) ?? this.refuse(key, `expected ${expected}, not ${kindOf(given)}`)
  }
}
