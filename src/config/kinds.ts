/**
 * The kinds of value a setting can have. A kind reads what somebody wrote, in a file or in code (`read`) or as text in the environment or
 * on the command line (`readText`), and says what it expected when it cannot. Nothing here throws.
 */
import { type Duration, parseSeconds } from '../duration.js'
import { maskUrl } from '../mask.js'

export type Read<T> = { readonly ok: true; readonly value: T } | Mismatch

export interface Mismatch {
  readonly ok: false
  /** What it should be: `a whole number from 1`. */
  readonly expected: string
  /** What it is, short and without secrets. */
  readonly got: string
  /** Where inside the value: `.mail.priority`, `[2]`; empty: the value itself. */
  readonly at: string
}

/** Reads `T`; `Given` is what may be written in code. */
export interface Kind<T, Given = T> {
  readonly expected: string
  read(given: unknown): Read<T>
  readText(text: string): Read<T>
  /** Only for the types: what `SettingsInput` takes. */
  readonly given?: Given
}

export const fine = <T>(value: T): Read<T> => ({ ok: true, value })

export function mismatch(expected: string, given: unknown, at = ''): Mismatch {
  return { ok: false, expected, got: show(given), at }
}

/** The value in a few characters, for a message. */
export function show(given: unknown): string {
  if (typeof given === 'function') return 'a function'
  if (typeof given === 'object' && given !== null && !Array.isArray(given) && Object.getPrototypeOf(given) !== Object.prototype) {
    return `an object of class ${given.constructor?.name ?? 'unknown'}`
  }
  let text: string
  try {
    text = maskUrl(JSON.stringify(given) ?? String(given))
  } catch {
    text = `a ${typeof given}` // BigInt, or an object that contains itself
  }
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)

/** A kind whose text form is JSON. */
export function structured<T, Given>(expected: string, read: (given: unknown) => Read<T>): Kind<T, Given> {
  return {
    expected,
    read,
    readText(text) {
      let value: unknown
      try {
        value = JSON.parse(text)
      } catch {
        return mismatch(`${expected}, as JSON`, text)
      }
      return read(value)
    },
  }
}

export function text(expected: string, valid: RegExp = /\S/): Kind<string> {
  const read = (given: unknown) => (typeof given === 'string' && valid.test(given) ? fine(given) : mismatch(expected, given))
  return { expected, read, readText: read }
}

const URL_START = /^[a-z][a-z0-9+.-]*:./i

export function url(): Kind<string> {
  return text('a URL such as redis://localhost:6379/0 or sqlite:.tasks/tasks.db', URL_START)
}

/** What `resultBackend` says for "the broker's own server". */
export const AT_BROKER = 'broker'

/** A URL; `broker`: the broker's own server; `disabled` (as in Celery) or null: nowhere. */
export function resultUrl(): Kind<string | null> {
  const expected = "a URL such as redis://localhost:6379/1, 'broker' or 'disabled'"
  const read = (given: unknown): Read<string | null> => {
    if (given === null || given === 'disabled' || given === 'disabled://') return fine(null)
    return typeof given === 'string' && (given === AT_BROKER || URL_START.test(given)) ? fine(given) : mismatch(expected, given)
  }
  return { expected, read, readText: read }
}

const YES = new Set(['1', 'true', 'yes', 'on'])
const NO = new Set(['0', 'false', 'no', 'off'])

export function flag(): Kind<boolean> {
  const expected = 'true or false'
  return {
    expected,
    read: (given) => (typeof given === 'boolean' ? fine(given) : mismatch(expected, given)),
    readText(given) {
      const word = given.trim().toLowerCase()
      return YES.has(word) ? fine(true) : NO.has(word) ? fine(false) : mismatch(expected, given)
    },
  }
}

export function whole(least: number, most = Number.MAX_SAFE_INTEGER): Kind<number> {
  const expected = most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least}` : `a whole number from ${least} to ${most}`
  const read = (given: unknown) =>
    typeof given === 'number' && Number.isSafeInteger(given) && given >= least && given <= most ? fine(given) : mismatch(expected, given)
  return {
    expected,
    read,
    readText: (given) => (/^\s*\d+\s*$/.test(given) ? reworded(read(Number(given)), given) : mismatch(expected, given)),
  }
}

/** Seconds; written as a number of seconds, or with a unit. Nothing below `least`. */
export function span(least = 0): Kind<number, Duration> {
  const expected = `a span such as 90, '90s', '5m' or '2h'${least > 0 ? `, at least ${least} s` : ''}`
  const read = (given: unknown): Read<number> => {
    const value = typeof given === 'number' ? given : typeof given === 'string' ? parseSeconds(given) : null
    return value !== null && Number.isFinite(value) && value >= least ? fine(value) : mismatch(expected, given)
  }
  return { expected, read, readText: read }
}

/** One of `words`, or a number or word that stands for one of them (`aliases`, in lower case). Case does not count. */
export function oneOf<const T extends string, Alias extends string = never>(
  words: readonly T[],
  aliases?: Readonly<Record<Alias, NoInfer<T>>>,
): Kind<T, T | Alias> {
  const expected = words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
  const known = new Map<string, T>([...words.map((word) => [word.toLowerCase(), word] as const), ...Object.entries<T>(aliases ?? {})])
  const read = (given: unknown): Read<T> => {
    const word = typeof given === 'string' ? known.get(given.trim().toLowerCase()) : undefined
    return word === undefined ? mismatch(expected, given) : fine(word)
  }
  return { expected, read, readText: read }
}

/** `kind`, or null (in text: `none`, `null`). */
export function optional<T, Given>(kind: Kind<T, Given>): Kind<T | null, Given | null> {
  const expected = `${kind.expected}, or null`
  const widen = (read: Read<T>): Read<T | null> => (read.ok || read.at !== '' ? read : { ...read, expected })
  return {
    expected,
    read: (given) => (given === null ? fine(null) : widen(kind.read(given))),
    readText: (given) => (/^\s*(none|null)\s*$/i.test(given) ? fine(null) : widen(kind.readText(given))),
  }
}

/** `kind`; null is another way to write 0. */
export function orZero<Given>(kind: Kind<number, Given>): Kind<number, Given | null> {
  const { expected, read, readText } = optional(kind)
  const zero = (result: Read<number | null>): Read<number> => (result.ok ? fine(result.value ?? 0) : result)
  return { expected, read: (given) => zero(read(given)), readText: (given) => zero(readText(given)) }
}

/** `first`, or else `second`. */
export function either<A, GivenA, B, GivenB>(first: Kind<A, GivenA>, second: Kind<B, GivenB>): Kind<A | B, GivenA | GivenB> {
  const expected = `${first.expected}, or ${second.expected}`
  const choose = (one: Read<A>, other: () => Read<B>): Read<A | B> => {
    if (one.ok) return one
    const two = other()
    return two.ok ? two : { ...two, expected }
  }
  return {
    expected,
    read: (given) => choose(first.read(given), () => second.read(given)),
    readText: (given) => choose(first.readText(given), () => second.readText(given)),
  }
}

/** A list; in text with commas between, or as a JSON array. */
export function list<T, Given>(item: Kind<T, Given>, things: string): Kind<readonly T[], readonly Given[] | Given> {
  const expected = `a list of ${things}`
  const collect = (reads: readonly Read<T>[]): Read<readonly T[]> => {
    const values: T[] = []
    for (const [index, read] of reads.entries()) {
      if (!read.ok) return { ...read, at: `[${index}]${read.at}` }
      values.push(read.value)
    }
    return fine(values)
  }
  const read = (given: unknown): Read<readonly T[]> => {
    if (typeof given === 'string') return readText(given)
    return Array.isArray(given) ? collect(given.map((one: unknown) => item.read(one))) : mismatch(expected, given)
  }
  const readText = (given: string): Read<readonly T[]> => {
    if (given.trimStart().startsWith('[')) return structured(expected, read).readText(given)
    const parts = given.split(',').map((part) => part.trim())
    return collect(parts.filter((part) => part !== '').map((part) => item.readText(part)))
  }
  return { expected, read, readText }
}

const reworded = <T>(read: Read<T>, given: string): Read<T> => (read.ok ? read : { ...read, got: show(given) })
