/**
 * Which try of a task a result is of. A store on another server than the broker has no fence that keeps a late worker out; there the result
 * itself says whose it is, in one more field at its end, which Python's readers pass over: `"celerity_try": "<number> <life>"`.
 */
import { isObject } from './fields.js'

export interface Try {
  /** What all tries of one send share, and no other send under the same id: the delivery tag of the first of its messages. */
  readonly life: string
  /** How often it was tried before: `retries` of the message. */
  readonly number: number
}

/** The header that takes the life on to the next try. */
export const LIFE_HEADER = 'celerity_life'

const LIFE = '[A-Za-z0-9._-]{1,64}'
const IS_LIFE = new RegExp(`^${LIFE}$`)
const TAG = new RegExp(`^"delivery_tag"\\s*:\\s*"(${LIFE})"`)
const FIELD = new RegExp(`, "celerity_try": "(\\d{1,9}) (${LIFE})"\\}$`)
/** The longest field, in characters. */
const FIELD_LENGTH = 100

/** Null when the message does not tell its sends apart: made by hand. @param raw the envelope, as it was in the queue */
export function tryOf(raw: Buffer, { headers, retries }: { readonly headers: unknown; readonly retries: number }): Try | null {
  const told = isObject(headers) ? headers[LIFE_HEADER] : undefined
  const life = typeof told === 'string' && IS_LIFE.test(told) ? told : tagOf(raw)
  return life === null ? null : { life, number: retries }
}

/** In a text inside the envelope the quotes would be escaped. */
function tagOf(raw: Buffer): string | null {
  const at = raw.lastIndexOf('"delivery_tag"')
  return at === -1 ? null : (TAG.exec(raw.toString('latin1', at, at + FIELD_LENGTH))?.[1] ?? null)
}

/** As it is appended to the fields of a result; nothing for null. */
export function tryField(of: Try | null | undefined): string {
  return of === null || of === undefined ? '' : `, "celerity_try": "${of.number} ${of.life}"`
}

/** Of a stored result; null: it does not say. */
export function readTry(json: string): Try | null {
  const found = FIELD.exec(json.slice(-FIELD_LENGTH))
  return found === null ? null : { number: Number(found[1]), life: found[2] as string }
}
