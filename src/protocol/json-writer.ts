/** A JSON printer for values that `JSON.stringify` would change or lose; see `json.ts`. */
import { types } from 'node:util'
import { CelerityError } from '../errors.js'
import { isMoment } from './dates.js'
import { MARKER_TYPES, TYPE_KEY, VALUE_KEY, writeBytes, writeDate, writeWireValue } from './markers.js'
import { MAX_DEPTH } from './nesting.js'
import { asWireValue } from './values.js'

/**
 * @param path what the value is called in an error
 * @throws CelerityError E_ENCODE; and whatever a getter or `toJSON` of the value throws
 */
export function writeJson(value: unknown, path: string, markers: boolean): string {
  return new JsonWriter(markers).text(value, path, 0)
}

class JsonWriter {
  readonly #markers: boolean

  constructor(markers: boolean) {
    this.#markers = markers
  }

  text(value: unknown, path: string, depth: number): string {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value)
      case 'boolean':
        return value ? 'true' : 'false'
      case 'number':
        return writeNumber(value)
      case 'bigint':
        return value.toString()
      case 'undefined':
        return 'null'
      case 'object':
        return value === null ? 'null' : this.#composite(value, path, depth)
      default:
        return refuse(path, `a ${typeof value} cannot be sent`)
    }
  }

  #composite(value: object, path: string, depth: number): string {
    if (depth >= MAX_DEPTH) refuse(path.slice(0, 200), `nested deeper than ${MAX_DEPTH} levels, or refers to itself`)
    if (value instanceof Uint8Array) return this.#bytes(value, path)
    if (types.isDate(value)) return this.#date(value, path)
    const wireValue = asWireValue(value)
    if (wireValue !== null) return writeWireValue(wireValue, this.#markers)
    const own = 'toJSON' in value && typeof value.toJSON === 'function' ? (value.toJSON as () => unknown).call(value) : value
    if (own !== value) return this.text(own, path, depth + 1)
    return Array.isArray(value) ? this.#array(value, path, depth) : this.#object(value, path, depth)
  }

  #array(array: readonly unknown[], path: string, depth: number): string {
    const elements: string[] = []
    for (let index = 0; index < array.length; index++) elements.push(this.text(array[index], `${path}[${index}]`, depth + 1))
    return `[${elements.join(', ')}]`
  }

  #object(object: object, path: string, depth: number): string {
    const unfit = unfitKind(object)
    if (unfit !== null) refuse(path, `${unfit[0]} cannot be sent`, unfit[1])
    const members: string[] = []
    const record = object as Readonly<Record<string, unknown>>
    const keys = Object.keys(record)
    if (this.#markers && keys.length === 2 && Object.hasOwn(record, VALUE_KEY) && MARKER_TYPES.has(record[TYPE_KEY])) {
      refuse(path, `an object with exactly the keys ${TYPE_KEY} and ${VALUE_KEY} would be read as a ${record[TYPE_KEY]}`)
    }
    for (const key of keys) {
      const member = record[key]
      if (member !== undefined) members.push(`${JSON.stringify(key)}: ${this.text(member, `${path}.${key}`, depth + 1)}`)
    }
    return `{${members.join(', ')}}`
  }

  #date(date: Date, path: string): string {
    const ms = Date.prototype.getTime.call(date)
    return isMoment(ms)
      ? writeDate(date, this.#markers)
      : refuse(path, 'an invalid date, or one outside the years 1 to 9999, cannot be sent')
  }

  #bytes(bytes: Uint8Array, path: string): string {
    if (this.#markers) return writeBytes(bytes)
    return refuse(path, 'bytes cannot be sent without type markers', 'Send them as base64 text, or switch the markers on.')
  }
}

/** JSON as Python reads it: `NaN` and `Infinity` bare, and what a double cannot hold exactly in the form of a float. */
function writeNumber(value: number): string {
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return value.toExponential()
  return Object.is(value, -0) ? '-0.0' : String(value)
}

/** Objects whose contents `JSON.stringify` loses: what they are called, and what to do instead. */
function unfitKind(value: object): readonly [string, string] | null {
  if (types.isPromise(value)) return ['a promise', 'Await it first.']
  if (types.isSet(value) || types.isMap(value)) return [`a ${types.isSet(value) ? 'Set' : 'Map'}`, 'Send an array or a plain object.']
  if (types.isNativeError(value)) return ['an error', 'Send its message, or throw it.']
  if (types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) return ['a buffer that is no Uint8Array', 'Send a Uint8Array.']
  if (types.isRegExp(value)) return ['a regular expression', 'Send its source.']
  if (types.isBoxedPrimitive(value)) return ['a boxed primitive', 'Send its valueOf().']
  if (types.isWeakMap(value) || types.isWeakSet(value)) return ['a weak collection', 'Send an array or a plain object.']
  return null
}

function refuse(path: string, message: string, hint?: string): never {
  throw new CelerityError('E_ENCODE', { message: `${path}: ${message}`, hint })
}
