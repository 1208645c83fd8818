/**
 * The keyword arguments of a control message, bound as Python binds them to its functions and then read: a stranger sent them. What does not
 * fit is a `TypeError`, in Python's words.
 */
import { PythonError } from './python-error.js'

export type Given = Readonly<Record<string, unknown>>

export interface Parameters {
  readonly required?: readonly string[]
  readonly optional?: readonly string[]
  /** Whether others are passed over, as by `**kwargs`. */
  readonly others?: boolean
}

/** @throws PythonError for one too many or one missing */
export function checkGiven(method: string, { required = [], optional = [], others = false }: Parameters, given: Given): void {
  if (!others) {
    const stranger = Object.keys(given).find((name) => !required.includes(name) && !optional.includes(name))
    if (stranger !== undefined) throw new PythonError('TypeError', `${method}() got an unexpected keyword argument '${stranger}'`)
  }
  const missing = required.filter((name) => !Object.hasOwn(given, name)).map((name) => `'${name}'`)
  if (missing.length === 0) return
  const names = missing.length === 1 ? missing[0] : `${missing.slice(0, -1).join(', ')} and ${missing.at(-1)}`
  throw new PythonError(
    'TypeError',
    `${method}() missing ${missing.length} required positional argument${missing.length === 1 ? '' : 's'}: ${names}`,
  )
}

/** Reads single arguments of one message. Null stands for Python's `None`: as if it were not given. */
export class Arguments {
  readonly #given: Given

  constructor(given: Given) {
    this.#given = given
  }

  text(name: string): string {
    return this.optionalText(name) ?? this.#refuse(name, 'a str')
  }

  optionalText(name: string): string | null {
    const value = this.#value(name)
    return value === null || typeof value === 'string' ? value : this.#refuse(name, 'a str')
  }

  /** A whole number; the command line of Celery sends numbers, its API what it was given. */
  optionalWhole(name: string): number | null {
    const value = this.#value(name)
    const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
    return number === null || Number.isSafeInteger(number) ? (number as number | null) : this.#refuse(name, 'an int')
  }

  /** Seconds. */
  optionalSpan(name: string): number | null {
    const value = this.#value(name)
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    if (number === null) return null
    return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : this.#refuse(name, 'a number of seconds')
  }

  /** As Python counts truth. */
  flag(name: string): boolean {
    const value = this.#value(name)
    if (Array.isArray(value)) return value.length > 0
    return typeof value === 'object' ? value !== null && Object.keys(value).length > 0 : Boolean(value)
  }

  /** One text or a list of them; nothing is an empty list. */
  texts(name: string): readonly string[] {
    const value = this.#value(name) ?? []
    const list: readonly unknown[] = Array.isArray(value) ? value : [value]
    return list.every((item) => typeof item === 'string') ? list : this.#refuse(name, 'a str or a list of them')
  }

  raw(name: string): unknown {
    return this.#value(name)
  }

  #value(name: string): unknown {
    return Object.hasOwn(this.#given, name) ? (this.#given[name] ?? null) : null
  }

  #refuse(name: string, wanted: string): never {
    throw new PythonError('TypeError', `${name} must be ${wanted}`)
  }
}
