/** Requests to workers over kombu's pidbox: what `revoke` broadcasts. */
import { randomUUID } from 'node:crypto'
import { encodeJson } from './json.js'

/** The fanout exchange that every worker listens to; its routing key is empty. */
export const CONTROL_EXCHANGE = 'celery.pidbox'

export interface ControlRequest {
  /** Such as `revoke`. */
  readonly method: string
  readonly arguments: Readonly<Record<string, unknown>>
  /** Node names; absent: all. */
  readonly destination?: readonly string[] | undefined
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

/** The envelope of a request. @throws CelerityError E_ENCODE when the arguments cannot be sent */
export function encodeControl(request: ControlRequest, stamp: ControlStamp): string {
  const { method, arguments: args, destination = null, pattern = null, matcher = null, reply } = request
  const answer =
    reply === undefined ? {} : { ticket: reply.ticket, reply_to: { exchange: 'reply.celery.pidbox', routing_key: reply.routingKey } }
  const body = encodeJson({ method, arguments: args, destination, pattern, matcher, ...answer }, { markers: true, name: method })
  return (
    `{"body": "${Buffer.from(body, 'utf8').toString('base64')}", "content-encoding": "utf-8", "content-type": "application/json", ` +
    `"headers": ${JSON.stringify({ clock: stamp.clock, expires: stamp.expires })}, "properties": {"delivery_mode": 2, ` +
    `"delivery_info": {"exchange": "${CONTROL_EXCHANGE}", "routing_key": ""}, "priority": 0, "body_encoding": "base64", ` +
    `"delivery_tag": "${randomUUID()}"}}`
  )
}
