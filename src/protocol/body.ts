/** The body of a message: whether it may be decoded at all, then base64, compression, text and JSON, in that order. */
import { decodeBase64 } from './base64.js'
import { decompress } from './compression.js'
import { decodeText, parse } from './envelope.js'
import { Fields, type JsonObject, kindOf } from './fields.js'
import { Refusal } from './refusal.js'
import type { DecodeLimits, EncodedBody } from './task-message.js'

/** The one format we decode. Others (pickle, YAML …) could run code or are not read by anyone here. */
const JSON_TYPE = 'application/json'

const TEXT_ENCODINGS: ReadonlySet<unknown> = new Set([undefined, null, 'utf-8', 'utf8', 'UTF-8', 'us-ascii', 'ascii', 'binary'])

/** @throws Refusal */
export function decodeBody(
  envelope: JsonObject,
  properties: Fields,
  limits: DecodeLimits,
): { readonly value: unknown; readonly encoded: EncodedBody } {
  checkContent(envelope, limits)
  const encoded = readEncoded(envelope, properties)
  const compression = new Fields(envelope['headers'] as JsonObject, 'headers', 'malformed-headers').text('compression')
  const text = compression === null && encoded.encoding === 'utf-8' ? encoded.text : bodyText(encoded, compression, limits)
  return { value: parse(text, limits.maxDepth, 'body', 'malformed-body'), encoded }
}

/** Before anything is decoded: content of a type that was not agreed on is not even looked at. */
function checkContent(envelope: JsonObject, limits: DecodeLimits): void {
  const type = envelope['content-type']
  if (type !== JSON_TYPE || !limits.acceptContent.has(type)) {
    throw new Refusal('content-disallowed', `content-type: ${kindOf(type)} is not accepted`)
  }
  const encoding = envelope['content-encoding']
  if (!TEXT_ENCODINGS.has(encoding)) throw new Refusal('malformed-envelope', `content-encoding: expected utf-8, not ${kindOf(encoding)}`)
}

function readEncoded(envelope: JsonObject, properties: Fields): EncodedBody {
  const text = envelope['body']
  if (typeof text !== 'string') throw new Refusal('malformed-envelope', `body: expected a string, not ${kindOf(text)}`)
  const encoding = properties.text('body_encoding') ?? 'utf-8'
  if (encoding === 'base64' || encoding === 'utf-8') return { text, encoding }
  return properties.refuse('body_encoding', 'base64, utf-8 or null')
}

function bodyText(encoded: EncodedBody, compression: string | null, limits: DecodeLimits): string {
  const bytes = encoded.encoding === 'base64' ? decodeBase64(encoded.text) : Buffer.from(encoded.text, 'utf8')
  if (bytes === null) throw new Refusal('malformed-body', 'body: damaged base64')
  const text = decodeText(compression === null ? bytes : inflate(compression, bytes, limits))
  if (text === null) throw new Refusal('malformed-body', 'body: not UTF-8')
  return text
}

function inflate(compression: string, bytes: Buffer, limits: DecodeLimits): Buffer {
  const result = decompress(compression, bytes, limits.maxBodyBytes)
  if (result.ok) return result.bytes
  if (result.reason === 'too-large') throw new Refusal('too-large', `body: more than ${limits.maxBodyBytes} bytes when decompressed`)
  const what = result.reason === 'unknown' ? 'cannot be decompressed here' : 'expected such data'
  throw new Refusal('compression', `headers.compression: ${kindOf(compression)} ${what}`)
}
