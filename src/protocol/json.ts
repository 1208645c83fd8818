/**
 * JSON as Python writes and reads it: `NaN`, `Infinity`, integers of any size, and the `__type__` markers of kombu. The common case is
 * Node's own parser and printer; what needs more goes to `json-reader.ts` and `json-writer.ts`.
 */
import { CelerityError, reason } from '../errors.js'
import { readJson } from './json-reader.js'
import { writeJson } from './json-writer.js'
import { MAX_DEPTH, nestsDeeper } from './nesting.js'

// Anything that Node's parser would refuse, round, or take for plain data. Escapes of printable ASCII are here because they could spell
// one of the keys; nobody writes them otherwise. Digits after a point are no integer.
const SPECIAL = /__|NaN|Infinity|constructor|\\u00[2-7]|(?:^|[^.\d])\d{16}/

/**
 * The value of JSON text. Integers beyond 2^53 are `bigint`; markers become the values of `markers.ts`; keys named `__proto__`, and
 * `constructor` where it holds a `prototype`, are left out.
 *
 * @param maxDepth levels of nesting allowed, at most 1,000
 * @throws SyntaxError and nothing else
 */
export function parseJson(text: string, maxDepth: number = MAX_DEPTH): unknown {
  if (nestsDeeper(text, maxDepth)) throw new SyntaxError(`nested deeper than ${maxDepth} levels`)
  return SPECIAL.test(text) ? readJson(text) : parsePlain(text)
}

function parsePlain(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const position = /position (\d+)/.exec(reason(error)) // the rest of the message quotes the text, which may hold secrets
    throw new SyntaxError(position === null ? 'unexpected text' : `unexpected text at position ${position[1]}`)
  }
}

export interface JsonOptions {
  /** Python values as markers (kombu 5.3 and later), or as the strings that kombu 5.2 sends. */
  readonly markers: boolean
  /** What the value is called in an error, such as `args`. */
  readonly name?: string | undefined
}

/**
 * JSON text that Python reads as the same value. As in `JSON.stringify`, undefined members are left out, undefined elements become null
 * and `toJSON` is honoured; but what would be lost without a word (functions, symbols, maps, sets, promises, errors …) is refused.
 * Whole numbers beyond 2^53 are sent as Python floats, since that is what they are; `bigint` is sent as a Python int.
 *
 * @throws CelerityError E_ENCODE, naming the path: `args[0].x: a function cannot be sent`
 */
export function encodeJson(value: unknown, options: JsonOptions): string {
  const name = options.name ?? 'value'
  try {
    return isPlain(value, 0) ? JSON.stringify(value) : writeJson(value, name, options.markers)
  } catch (error) {
    if (error instanceof CelerityError) throw error
    throw new CelerityError('E_ENCODE', { message: `${name}: cannot be encoded`, cause: error }) // a getter or toJSON of the value threw
  }
}

/** Whether `JSON.stringify` prints this value as we would. Far cheaper than writing it ourselves. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isInteger(value) ? Number.isSafeInteger(value) && !Object.is(value, -0) : Number.isFinite(value)
    case 'object':
      return value === null || (depth < MAX_DEPTH && (Array.isArray(value) ? isPlainArray(value, depth) : isPlainObject(value, depth)))
    default:
      return false
  }
}

function isPlainArray(array: readonly unknown[], depth: number): boolean {
  if (Object.getPrototypeOf(array) !== Array.prototype || 'toJSON' in array) return false
  for (let index = 0; index < array.length; index++) if (!isPlain(array[index], depth + 1)) return false
  return true
}

function isPlainObject(object: object, depth: number): boolean {
  const prototype = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) return false
  const record = object as Record<string, unknown>
  for (const key of Object.keys(record)) {
    if (key === '__type__') return false
    const member = record[key]
    if (member !== undefined && !isPlain(member, depth + 1)) return false
  }
  return typeof record['toJSON'] !== 'function'
}
