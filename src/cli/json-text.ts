/** Data as it is printed: JSON that every parser takes and no terminal obeys. */
import { safe, safeJson } from '../terminal/safe.js'

/** Values of tasks as far as JSON has them: an integer beyond 2^53 as text, bytes in base64, NaN and infinities as null. */
export function jsonText(value: unknown, indent?: number): string {
  return safeJson(JSON.stringify(value, plain, indent) ?? 'null')
}

/** One value on one line for people: a text as it is, anything else as JSON. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? safe(value) : jsonText(value)
}

function plain(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const given = this[key] // `value` has been through toJSON, which makes a list of numbers of a Buffer
  if (given instanceof Uint8Array) return Buffer.from(given).toString('base64')
  return typeof value === 'bigint' ? value.toString() : value
}
