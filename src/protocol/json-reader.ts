/**
 * A JSON parser for the texts that Node's own cannot read faithfully; see `json.ts`, which checks the nesting first. On plain JSON it
 * gives what `JSON.parse` gives.
 */
import { MARKER_TYPES, readMarker, TYPE_KEY, VALUE_KEY } from './markers.js'
import { endOfString } from './nesting.js'

/** @throws SyntaxError */
export function readJson(text: string): unknown {
  const reader = new JsonReader(text)
  const value = reader.value()
  reader.end()
  return value
}

/** Python's own limit: reading an integer costs more than linear time. */
const MAX_DIGITS = 4300

const CONSTANTS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

class JsonReader {
  readonly #text: string
  readonly #number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): unknown {
    this.#blanks()
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object()
      case '[':
        return this.#array()
      case '"':
        return this.#string()
      default:
        return this.#scalar()
    }
  }

  end(): void {
    this.#blanks()
    if (this.#at < this.#text.length) this.#fail()
  }

  #object(): unknown {
    const object: Record<string, unknown> = {}
    this.#at++
    if (this.#takes('}')) return object
    do {
      this.#blanks()
      const key = this.#string()
      if (!this.#takes(':')) this.#fail()
      const value = this.value()
      if (isWelcome(key, value)) object[key] = value
    } while (this.#takes(','))
    if (!this.#takes('}')) this.#fail()
    return fromMarker(object)
  }

  #array(): unknown[] {
    const array: unknown[] = []
    this.#at++
    if (this.#takes(']')) return array
    do array.push(this.value())
    while (this.#takes(','))
    if (!this.#takes(']')) this.#fail()
    return array
  }

  #string(): string {
    const start = this.#at
    const end = this.#text[start] === '"' ? endOfString(this.#text, start) : -1
    if (end === -1) this.#fail()
    this.#at = end + 1
    return JSON.parse(this.#text.slice(start, this.#at)) as string // escapes, and the refusal of control characters
  }

  #scalar(): unknown {
    this.#number.lastIndex = this.#at
    const match = this.#number.exec(this.#text)
    if (match !== null) {
      this.#at = this.#number.lastIndex
      return match[1] === undefined && match[2] === undefined ? integer(match[0]) : Number(match[0])
    }
    for (const [word, value] of CONSTANTS) {
      if (!this.#text.startsWith(word, this.#at)) continue
      this.#at += word.length
      return value
    }
    return this.#fail()
  }

  #takes(char: string): boolean {
    this.#blanks()
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #blanks(): void {
    for (;;) {
      const char = this.#text.charCodeAt(this.#at)
      if (char !== 0x20 && char !== 0x0a && char !== 0x0d && char !== 0x09) return
      this.#at++
    }
  }

  #fail(): never {
    const found = this.#text[this.#at]
    throw new SyntaxError(`${found === undefined ? 'unexpected end' : `unexpected ${JSON.stringify(found)}`} at position ${this.#at}`)
  }
}

function integer(digits: string): number | bigint {
  const number = Number(digits)
  if (Number.isSafeInteger(number)) return number
  if (digits.length > MAX_DIGITS) throw new SyntaxError(`an integer of more than ${MAX_DIGITS} digits`)
  return BigInt(digits)
}

/** Keys that could reach a prototype when the object is merged or copied by careless code. */
function isWelcome(key: string, value: unknown): boolean {
  if (key === '__proto__') return false
  return key !== 'constructor' || typeof value !== 'object' || value === null || !Object.hasOwn(value, 'prototype')
}

function fromMarker(object: Record<string, unknown>): unknown {
  if (!Object.hasOwn(object, TYPE_KEY) || !Object.hasOwn(object, VALUE_KEY) || Object.keys(object).length !== 2) return object
  const type = object[TYPE_KEY]
  return MARKER_TYPES.has(type) ? readMarker(type, object[VALUE_KEY]) : object
}
