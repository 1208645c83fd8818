/**
 * Values in Python's syntax. As Celery's `saferepr` prints them, for the headers `argsrepr` and `kwargsrepr`: shown by logs, Flower and
 * `tasks show`, never read back; at most three levels, cut near 1,024 characters; text is not escaped, only its quotes. And whole.
 */
import { isMoment } from './dates.js'
import { asWireValue } from './values.js'

const MAX_LENGTH = 1024
const MAX_LEVELS = 3

/** Positional arguments as a tuple: `(1, 'a')`, `(1,)`, `()`. */
export function reprArgs(args: readonly unknown[]): string {
  if (args.length === 0) return '()'
  const printer = new Printer()
  printer.items('(', args, args.length === 1 ? ',)' : ')', 1)
  return printer.text
}

/** Keyword arguments as a dict: `{'k': None}`. */
export function reprKwargs(kwargs: Readonly<Record<string, unknown>>): string {
  const printer = new Printer()
  printer.value(kwargs, 0)
  return printer.text
}

/** Any value, as in Python's `repr()`. */
export function repr(value: unknown): string {
  const printer = new Printer()
  printer.value(value, 0)
  return printer.text
}

/**
 * Any value whole, quotes and backslashes as Python's `repr()` has them: what `ast.literal_eval` reads. Control characters are left to
 * whoever prints it, who has to escape them everywhere.
 */
export function wholeRepr(value: unknown): string {
  const printer = new Printer(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
  printer.value(value, 0)
  return printer.text
}

class Printer {
  readonly #maxLength: number
  readonly #maxLevels: number
  text = ''
  /** The last text was cut; whatever holds it says so, once, and everything ends there. */
  #isCut = false
  #isOver = false

  constructor(maxLength = MAX_LENGTH, maxLevels = MAX_LEVELS) {
    this.#maxLength = maxLength
    this.#maxLevels = maxLevels
  }

  value(value: unknown, level: number): void {
    if (typeof value === 'string') this.#quoted('', value)
    else if (typeof value !== 'object' || value === null) this.text += reprScalar(value)
    else if (value instanceof Uint8Array) this.#bytes(value)
    else if (Array.isArray(value)) this.items('[', value, ']', level + 1)
    else this.#object(value, level + 1)
  }

  items(open: string, items: readonly unknown[], close: string, level: number): void {
    this.text += open
    if (level > this.#maxLevels) this.text += '...'
    else {
      for (let index = 0; index < items.length && !this.#isOver; index++) {
        if (index > 0) this.text += ', '
        this.value(items[index], level)
        this.#cut()
      }
    }
    this.text += close === ',)' && this.text.endsWith(', ...') ? ')' : close
  }

  #object(object: object, level: number): void {
    const known = reprKnown(object)
    if (known !== null) {
      this.text += known
      return
    }
    const record = object as Readonly<Record<string, unknown>>
    const keys = Object.keys(record)
    this.text += '{'
    if (level > this.#maxLevels) this.text += '...'
    else {
      for (let index = 0; index < keys.length && !this.#isOver; index++) {
        const key = keys[index] ?? ''
        if (index > 0) this.text += ', '
        this.#quoted('', key)
        if (!this.#isCut) {
          this.text += ': '
          this.value(record[key], level)
        }
        this.#cut()
      }
    }
    this.text += '}'
  }

  #cut(): void {
    if (this.#isOver || (!this.#isCut && this.text.length <= this.#maxLength)) return
    this.text += ', ...'
    this.#isOver = true
  }

  /** Python prints bytes that are no UTF-8 as hexadecimal digits here. */
  #bytes(bytes: Uint8Array): void {
    const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, this.#maxLength * 4))
    const text = start.toString('utf8')
    this.#quoted('b', text.includes('\ufffd') ? start.toString('hex') : text)
  }

  #quoted(prefix: string, text: string): void {
    if (this.#maxLength === Number.POSITIVE_INFINITY) {
      this.text += prefix + quoteWhole(text)
      return
    }
    const room = Math.max(this.#maxLength - this.text.length - 1, 0)
    const isCut = text.length > room
    const shown = isCut ? `${text.slice(0, room)}...` : text
    this.text += `${prefix}'${shown.includes("'") ? shown.replaceAll("'", "\\'") : shown}'`
    if (isCut) this.#isCut = true
  }
}

/** Python takes double quotes where that saves escapes. */
function quoteWhole(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\')
  return text.includes("'") && !text.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`
}

function reprScalar(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'number') return reprNumber(value)
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'bigint' ? value.toString() : `<${typeof value}>`
}

function reprNumber(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? '-0.0' : String(value)
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  const size = Math.abs(value)
  if (size >= 1e-4 && size < 1e16) return Number.isInteger(value) ? `${value}.0` : String(value)
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2') // Python writes at least two digits of exponent
}

function reprKnown(value: object): string | null {
  if (value instanceof Date) return reprDate(value)
  const wireValue = asWireValue(value)
  switch (wireValue?.type) {
    case 'decimal':
      return `Decimal('${wireValue.text}')`
    case 'uuid':
      return `UUID('${wireValue.text}')`
    case 'date':
      return `datetime.date(${numbersOf(wireValue.text)})`
    case 'time':
      return `datetime.time(${numbersOf(wireValue.text)})`
    case undefined:
      return null
  }
}

function numbersOf(text: string): string {
  return (text.match(/\d+/g) ?? []).map(Number).join(', ')
}

/** Python leaves out trailing zeros of seconds and microseconds. */
function reprDate(date: Date): string {
  if (!isMoment(date.getTime())) return '<invalid date>'
  const parts = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes()]
  const micros = date.getUTCMilliseconds() * 1000
  if (date.getUTCSeconds() > 0 || micros > 0) parts.push(date.getUTCSeconds())
  if (micros > 0) parts.push(micros)
  return `datetime.datetime(${parts.join(', ')}, tzinfo=datetime.timezone.utc)`
}
