/** Events as they travel on `celeryev`, read: bytes to what happened, whatever the bytes are. They are written in event-encode.ts. */
import { reason } from '../errors.js'
import { decodeBody } from './body.js'
import { isMoment } from './dates.js'
import { readEnvelope, readText } from './envelope.js'
import { Fields, isObject, kindOf } from './fields.js'
import { isClockValue } from './lamport.js'
import { isTaskId } from './task-id.js'
import type { DecodeLimits } from './task-message.js'

/** The exchange of all events; the routing key is the type with points for dashes, or `TASK_MULTI`. */
export const EVENT_EXCHANGE = 'celeryev'
/** The routing key of a list of task events. */
export const TASK_MULTI = 'task.multi'

/** What Celery sends; applications may send other types. */
export const WORKER_EVENTS = ['worker-online', 'worker-heartbeat', 'worker-offline', 'worker-elect', 'worker-elect-ack'] as const
export const TASK_EVENTS = [
  'task-sent',
  'task-received',
  'task-started',
  'task-succeeded',
  'task-failed',
  'task-retried',
  'task-rejected',
  'task-revoked',
  'task-cancelled',
] as const
export type WorkerEventType = (typeof WORKER_EVENTS)[number]
/** One event, from a worker of ours or of Python's. */
export interface ClusterEvent {
  /** One of `WORKER_EVENTS` and `TASK_EVENTS`, or an application's own: `<group>-<what>`. */
  readonly type: string
  /** Node name; of a client `gen<pid>@<host>`. */
  readonly hostname: string
  /** Unix seconds by the sender's clock. */
  readonly timestamp: number
  /** Whole hours west of UTC where the sender is: 0 is UTC, -1 UTC+1. `timestamp` does not depend on it. */
  readonly utcoffset: number
  readonly pid: number
  /** The sender's logical clock; clients keep their own, which says nothing about others. */
  readonly clock: number
  /** Always there when `type` begins with `task-`. */
  readonly uuid?: string
  /** Unix seconds by our clock when it was heard; null: it was read from a record. */
  readonly localReceived: number | null
  /** Everything else, as it was sent. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** What could be read of one message. */
export interface DecodedEvents {
  readonly events: readonly ClusterEvent[]
  /** Events that were none, the message itself counted as one. */
  readonly bad: number
  /** Why, of the first of them; null: all were read. */
  readonly why: string | null
  /** Marked by its sender: whoever reads the journal gets it there too. */
  readonly isJournaled: boolean
}

export interface DecodeEventsOptions {
  /** See `ClusterEvent.localReceived`. */
  readonly localReceived?: number | undefined
  /** What is marked as journaled is passed over unread. */
  readonly passOverJournaled?: boolean | undefined
}

/** The header by which a reader of the journal knows what it will get there, and its value. */
export const JOURNAL_MARK = ['celerity', 'journal'] as const

/** Events read of one message; Celery's workers send 24 at most, ours 1,000. */
const MAX_EVENTS = 10_000
/** Longest type and node name, in characters. */
const MAX_TYPE = 64
const MAX_HOSTNAME = 255

const LIMITS: DecodeLimits = {
  acceptContent: new Set(['application/json']),
  maxBytes: 16 * 1024 * 1024,
  maxBodyBytes: 16 * 1024 * 1024,
  maxDepth: 32,
}

/** Never throws; takes time in proportion to the bytes. A bad event does not take its neighbours along. */
export function decodeEvents(raw: Uint8Array | string, options: DecodeEventsOptions = {}): DecodedEvents {
  try {
    const envelope = readEnvelope(typeof raw === 'string' ? checked(raw) : readText(raw, LIMITS), LIMITS)
    const headers = isObject(envelope['headers']) ? envelope['headers'] : {}
    const isJournaled = headers[JOURNAL_MARK[0]] === JOURNAL_MARK[1]
    if (isJournaled && options.passOverJournaled) return { events: [], bad: 0, why: null, isJournaled }
    const properties = isObject(envelope['properties']) ? envelope['properties'] : {}
    const { value } = decodeBody({ ...envelope, headers }, new Fields(properties, 'properties', 'malformed-envelope'), LIMITS)
    return { ...readEvents(Array.isArray(value) ? value : [value], options.localReceived ?? null), isJournaled }
  } catch (error) {
    return { events: [], bad: 1, why: reason(error), isJournaled: false }
  }
}

function checked(text: string): string {
  return text.length <= LIMITS.maxBytes ? text : readText(Buffer.from(text), LIMITS) // throws
}

function readEvents(values: readonly unknown[], localReceived: number | null): Omit<DecodedEvents, 'isJournaled'> {
  const events: ClusterEvent[] = []
  const last = Math.min(values.length, MAX_EVENTS)
  let why: string | null = values.length > last ? `more than ${MAX_EVENTS} events in one message` : null
  for (let index = 0; index < last; index++) {
    const event = readEvent(values[index], localReceived)
    if (typeof event === 'string') why ??= `event ${index}: ${event}`
    else events.push(event)
  }
  return { events, bad: values.length - events.length, why }
}

/** The event, or why it is none. */
function readEvent(value: unknown, localReceived: number | null): ClusterEvent | string {
  if (!isObject(value)) return `expected an object, not ${kindOf(value)}`
  const { type, hostname, timestamp, utcoffset = 0, pid = 0, clock = 0, uuid, ...fields } = value
  if (typeof type !== 'string' || type.length > MAX_TYPE || !/^[A-Za-z]\w*-[\w.-]+$/.test(type))
    return `type: ${kindOf(type)} is no event's`
  if (typeof hostname !== 'string' || hostname === '' || hostname.length > MAX_HOSTNAME) return `hostname: ${kindOf(hostname)} is no node's`
  if (typeof timestamp !== 'number' || !isMoment(timestamp * 1000)) return `timestamp: expected unix seconds, not ${kindOf(timestamp)}`
  if (!isHours(utcoffset)) return `utcoffset: expected hours, not ${kindOf(utcoffset)}`
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid)) return `pid: expected a whole number, not ${kindOf(pid)}`
  if (!isClockValue(clock)) return `clock: ${kindOf(clock)} is no clock's`
  const common = { type, hostname, timestamp, utcoffset, pid, clock, localReceived }
  if (type.startsWith('task-')) return isTaskId(uuid) ? { ...common, uuid, fields } : `uuid: ${kindOf(uuid)} is no task's id`
  return { ...common, fields: uuid === undefined ? fields : { uuid, ...fields } }
}

function isHours(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= 24
}
