/** Remote control as kombu's pidbox has it: requests to workers, and their replies. The names of methods: control-methods.ts. */
import { randomUUID } from 'node:crypto'
import { reason } from '../errors.js'
import { decodeBody } from './body.js'
import { readEnvelope, readText } from './envelope.js'
import { quote } from './envelope-write.js'
import { Fields, isObject, type JsonObject, kindOf } from './fields.js'
import { encodeJson } from './json.js'
import { isClockValue } from './lamport.js'
import type { DecodeLimits } from './task-message.js'

/** The fanout exchange that every worker listens to; its routing key is empty. */
export const CONTROL_EXCHANGE = 'celery.pidbox'
/** The direct exchange of replies; the routing key is the asker's. */
export const REPLY_EXCHANGE = 'reply.celery.pidbox'

export interface ControlRequest {
  /** Such as `revoke`. */
  readonly method: string
  readonly arguments: Readonly<Record<string, unknown>>
  /** Node names; absent: all. */
  readonly destination?: readonly string[] | undefined
  /** Node names that match; asked only where there is no destination, and only with a matcher. */
  readonly pattern?: string | undefined
  readonly matcher?: 'glob' | 'pcre' | undefined
  /** Where to answer; absent: nobody waits. */
  readonly reply?: { readonly ticket: string; readonly routingKey: string } | undefined
}

export interface ControlStamp {
  /** The sender's logical clock. */
  readonly clock: number
  /** Unix seconds after which nobody waits for an answer; 0: never. */
  readonly expires: number
}

export interface ReplyStamp {
  /** The ticket of the request. */
  readonly ticket: string
  /** The asker's. */
  readonly routingKey: string
  /** The answering worker's logical clock. */
  readonly clock: number
}

export type DecodedControl =
  | { readonly ok: true; readonly request: ControlRequest & ControlStamp }
  /** A sentence with the path of the field. */
  | { readonly ok: false; readonly why: string }

export interface ControlReply {
  readonly ticket: string
  readonly clock: number
  /** By node name: nearly always one. */
  readonly values: Readonly<Record<string, unknown>>
}

export type DecodedReply = { readonly ok: true; readonly reply: ControlReply } | { readonly ok: false; readonly why: string }

const JSON_ONLY: ReadonlySet<string> = new Set(['application/json'])

/** Bytes of a request: room for thousands of task ids. Whoever sends more wants to do harm. */
const REQUEST_LIMITS: DecodeLimits = { acceptContent: JSON_ONLY, maxBytes: 1_000_000, maxBodyBytes: 1_000_000, maxDepth: 64 }
/** A worker may answer with the arguments of all it holds. */
const REPLY_LIMITS: DecodeLimits = { acceptContent: JSON_ONLY, maxBytes: 2 ** 26, maxBodyBytes: 2 ** 26, maxDepth: 512 }

/** Longest method, ticket, routing key and pattern, in characters. */
const MAX_TEXT = 255

/** The envelope of a request. @throws CelerityError E_ENCODE when the arguments cannot be sent */
export function encodeControl(request: ControlRequest, stamp: ControlStamp): string {
  const { method, arguments: args, destination = null, pattern = null, matcher = null, reply } = request
  const answer = reply === undefined ? {} : { ticket: reply.ticket, reply_to: { exchange: REPLY_EXCHANGE, routing_key: reply.routingKey } }
  const body = encodeJson({ method, arguments: args, destination, pattern, matcher, ...answer }, { markers: true, name: method })
  const headers = `{"clock": ${stamp.clock}, "expires": ${stamp.expires}}`
  return envelope(body, headers, 2, `{"exchange": "${CONTROL_EXCHANGE}", "routing_key": ""}`)
}

/** A request, whatever the bytes are; never throws. What kombu would fail on is no request. */
export function decodeControl(raw: Uint8Array): DecodedControl {
  try {
    const { headers, body } = open(raw, REQUEST_LIMITS)
    const fields = new Fields(body, 'body', 'malformed-body')
    const { clock, expires } = headers
    return {
      ok: true,
      request: {
        method: word(fields, 'method') ?? fields.refuse('method', 'the name of a method'),
        arguments: fields.object('arguments') ?? {},
        destination: readDestination(fields),
        ...readPattern(fields),
        reply: readReplyTo(fields),
        clock: isClockValue(clock) ? clock : 0,
        expires: typeof expires === 'number' && expires > 0 ? expires : 0,
      },
    }
  } catch (error) {
    return { ok: false, why: reason(error) }
  }
}

/** The envelope of a reply. @throws CelerityError E_ENCODE when the value cannot be sent */
export function encodeReply(stamp: ReplyStamp, node: string, value: unknown): string {
  return encodeReplyJson(stamp, node, encodeJson(value, { markers: true, name: node }))
}

/** The same for a value that is JSON text already. */
export function encodeReplyJson({ ticket, routingKey, clock }: ReplyStamp, node: string, valueJson: string): string {
  const headers = `{"ticket": ${quote(ticket)}, "clock": ${clock}}`
  const info = `{"exchange": "${REPLY_EXCHANGE}", "routing_key": ${quote(routingKey)}}`
  return envelope(`{${quote(node)}: ${valueJson}}`, headers, 1, info)
}

/** A reply, of Celery's workers or ours, whatever the bytes are; never throws. */
export function decodeReply(raw: Uint8Array): DecodedReply {
  try {
    const { headers, body } = open(raw, REPLY_LIMITS)
    const { ticket, clock } = headers
    if (typeof ticket !== 'string') return { ok: false, why: `headers.ticket: expected a string, not ${kindOf(ticket)}` }
    return { ok: true, reply: { ticket, clock: isClockValue(clock) ? clock : 0, values: body } }
  } catch (error) {
    return { ok: false, why: reason(error) }
  }
}

function envelope(body: string, headers: string, deliveryMode: 1 | 2, info: string): string {
  return (
    `{"body": "${Buffer.from(body, 'utf8').toString('base64')}", "content-encoding": "utf-8", "content-type": "application/json", ` +
    `"headers": ${headers}, "properties": {"delivery_mode": ${deliveryMode}, "delivery_info": ${info}, "priority": 0, ` +
    `"body_encoding": "base64", "delivery_tag": "${randomUUID()}"}}`
  )
}

/** @throws Refusal */
function open(raw: Uint8Array, limits: DecodeLimits): { readonly headers: JsonObject; readonly body: JsonObject } {
  const outer = new Fields(readEnvelope(readText(raw, limits), limits), 'envelope', 'malformed-envelope')
  const headers = outer.object('headers') ?? {}
  const properties = new Fields(outer.object('properties') ?? {}, 'properties', 'malformed-envelope')
  const { value } = decodeBody({ ...outer.values, headers }, properties, limits)
  return { headers, body: isObject(value) ? value : new Fields({ body: value }, 'envelope', 'malformed-body').refuse('body', 'an object') }
}

/** Text of a bounded length; null when it is absent or empty. */
function word(fields: Fields, key: string): string | null {
  const text = fields.text(key)
  if (text !== null && text.length > MAX_TEXT) fields.refuse(key, `at most ${MAX_TEXT} characters`)
  return text === '' ? null : text
}

/** An empty list is no destination, for kombu too. */
function readDestination(fields: Fields): readonly string[] | undefined {
  const nodes = fields.list('destination')
  if (nodes === null || nodes.length === 0) return undefined
  return nodes.every((node) => typeof node === 'string') ? nodes : fields.refuse('destination', 'a list of node names')
}

function readPattern(fields: Fields): Pick<ControlRequest, 'pattern' | 'matcher'> {
  const pattern = word(fields, 'pattern')
  const matcher = word(fields, 'matcher')
  if (pattern === null || matcher === null) return {} // one without the other says nothing, for kombu too
  return matcher === 'glob' || matcher === 'pcre' ? { pattern, matcher } : fields.refuse('matcher', 'glob or pcre')
}

/** Only kombu's exchange of replies: a reply sent to another one would end in whatever queue is bound there. */
function readReplyTo(fields: Fields): ControlRequest['reply'] {
  const to = fields.object('reply_to')
  if (to === null) return undefined
  const address = new Fields(to, fields.pathOf('reply_to'), 'malformed-body')
  if (address.text('exchange') !== REPLY_EXCHANGE) address.refuse('exchange', REPLY_EXCHANGE)
  return {
    ticket: word(fields, 'ticket') ?? fields.refuse('ticket', 'a string'),
    routingKey: word(address, 'routing_key') ?? address.refuse('routing_key', 'a string'),
  }
}
