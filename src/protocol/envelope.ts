/** The envelope of kombu's Redis transport: bytes to one JSON object, with its size and nesting checked before anything is parsed. */
import { isAscii, isUtf8 } from 'node:buffer'
import { reason } from '../errors.js'
import { isObject, type JsonObject, kindOf } from './fields.js'
import { parseJson } from './json.js'
import { nestsDeeper } from './nesting.js'
import { Refusal } from './refusal.js'
import type { DecodeLimits } from './task-message.js'

/** @throws Refusal `too-large` or `malformed-envelope` */
export function readText(raw: Uint8Array, limits: DecodeLimits): string {
  if (raw.byteLength > limits.maxBytes) {
    throw new Refusal('too-large', `envelope: ${raw.byteLength} bytes, more than the limit of ${limits.maxBytes}`)
  }
  const text = decodeText(asBuffer(raw))
  if (text === null) throw new Refusal('malformed-envelope', 'envelope: not UTF-8')
  return text
}

/** @throws Refusal `too-deep` or `malformed-envelope` */
export function readEnvelope(text: string, limits: DecodeLimits): JsonObject {
  const envelope = parse(text, limits.maxDepth, 'envelope', 'malformed-envelope')
  if (!isObject(envelope)) throw new Refusal('malformed-envelope', `envelope: expected an object, not ${kindOf(envelope)}`)
  return envelope
}

/** Text to a value. @throws Refusal `too-deep`, or `code` when it is no JSON */
export function parse(text: string, maxDepth: number, path: string, code: 'malformed-envelope' | 'malformed-body'): unknown {
  if (nestsDeeper(text, maxDepth)) throw new Refusal('too-deep', `${path}: nested deeper than ${maxDepth} levels`)
  try {
    return parseJson(text, maxDepth)
  } catch (error) {
    throw new Refusal(code, `${path}: not JSON (${reason(error)})`)
  }
}

/** The text of UTF-8 bytes; null when they are none. ASCII, the usual case, is a plain copy. */
export function decodeText(bytes: Buffer): string | null {
  if (isAscii(bytes)) return bytes.toString('latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : null
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
