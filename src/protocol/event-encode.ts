/**
 * Events as Celery writes them: the same fields in the same order and spacing, all ASCII. Task events are on the path of every task, so
 * they are put together as text; what never changes is built once per encoder.
 */
import { randomUUID } from 'node:crypto'
import { type as systemType } from 'node:os'
import { formatIso, isMoment } from './dates.js'
import { quote } from './envelope-write.js'
import { EVENT_EXCHANGE, JOURNAL_MARK, TASK_MULTI, type WorkerEventType } from './event.js'
import { reprArgs, reprKwargs } from './python-repr.js'
import type { TaskMessage } from './task-message.js'

/** Who sends. */
export interface EventSource {
  /** Node name; of a client `gen<pid>@<host>`. */
  readonly node: string
  readonly pid: number
}

/** When something happened: the logical clock, and the wall clock in milliseconds. */
export interface EventStamp {
  readonly clock: number
  readonly now: number
}

/** Ready to be broadcast. */
export interface EncodedEvents {
  readonly exchange: string
  readonly routingKey: string
  readonly raw: Buffer
  /** How many. */
  readonly events: number
}

/** What a worker says of itself in `worker-*` events. */
export interface WorkerVitals {
  /** Seconds between heartbeats. */
  readonly freq: number
  /** The version of the software. */
  readonly version: string
  /** Absent in the answer to the command `heartbeat`, as in Celery's. */
  readonly load?: {
    /** Tasks that run now. */
    readonly active: number
    /** Runs that ended. */
    readonly processed: number
    /** Of the machine, over 1, 5 and 15 minutes; sent with two decimals. */
    readonly average: readonly number[]
  }
}

/** What a client says of a task that it sent. Times are wall-clock milliseconds. */
export interface SentTask {
  readonly id: string
  readonly task: string
  readonly rootId: string
  readonly parentId: string | null
  readonly argsrepr: string
  readonly kwargsrepr: string
  readonly retries: number
  readonly eta: number | null
  readonly expires: number | null
  readonly queue: string
}

/** What becomes of a revoked task. */
export interface Revoked {
  readonly terminated: boolean
  /** The signal, by number or name. */
  readonly signum: number | string | null
  readonly expired: boolean
}

/** Longest traceback that is sent, in characters; the rest is in the result. */
const MAX_TRACEBACK = 16_384
/** Longest repr that is sent; Celery's `resultrepr_maxsize`. */
const MAX_REPR = 1024

/** What every envelope begins with. */
const HEAD = '{"body": "'

/** The methods `task…` give one event as JSON text; `many` and `one` make the message of it. */
export class EventEncoder {
  readonly #source: string
  readonly #pid: number
  readonly #headers: string
  #offset = Number.NaN
  #head = ''

  constructor({ node, pid }: EventSource) {
    this.#source = quote(node)
    this.#pid = pid
    this.#headers = `{"hostname": ${this.#source}, "${JOURNAL_MARK[0]}": "${JOURNAL_MARK[1]}"}`
    this.refresh(new Date())
  }

  /** Looks at the time zone again: summer time begins while a worker runs. */
  refresh(at: Date): void {
    const offset = utcOffset(at)
    if (offset === this.#offset) return
    this.#offset = offset
    this.#head = `{"hostname": ${this.#source}, "utcoffset": ${offset}, "pid": ${this.#pid}, "clock": `
  }

  taskReceived(message: TaskMessage, queue: string, clock: number, now: number): string {
    const id = quote(message.id)
    return (
      `${this.#head}${clock}, "uuid": ${id}, "name": ${quote(message.shadow ?? message.task)}, ` +
      `"args": ${quote(message.argsrepr ?? reprArgs(message.args))}, "kwargs": ${quote(message.kwargsrepr ?? reprKwargs(message.kwargs))}, ` +
      `"root_id": ${message.rootId === message.id ? id : quote(message.rootId)}, "parent_id": ${quoteOrNull(message.parentId)}, ` +
      `"retries": ${message.retries}, "eta": ${date(message.eta)}, "expires": ${date(message.expires)}, "queue": ${quote(queue)}` +
      `${origin(message)}, "timestamp": ${now / 1000}, "type": "task-received"}`
    )
  }

  taskStarted(id: string, clock: number, now: number): string {
    return `${this.#head}${clock}, "uuid": ${quote(id)}, "timestamp": ${now / 1000}, "type": "task-started"}`
  }

  taskSucceeded(id: string, result: string, runtime: number, clock: number, now: number): string {
    return (
      `${this.#head}${clock}, "uuid": ${quote(id)}, "result": ${quote(cut(result, MAX_REPR))}, "runtime": ${number(runtime)}, ` +
      `"timestamp": ${now / 1000}, "type": "task-succeeded"}`
    )
  }

  /** A task that failed, or that is tried again. */
  taskFailed(
    type: 'task-failed' | 'task-retried',
    id: string,
    error: { readonly exception: string; readonly traceback: string | null; readonly runtime: number | undefined },
    clock: number,
    now: number,
  ): string {
    const { exception, traceback, runtime } = error
    return (
      `${this.#head}${clock}, "uuid": ${quote(id)}, "exception": ${quote(cut(exception, MAX_REPR))}` +
      `${traceback === null ? '' : `, "traceback": ${quote(cut(traceback, MAX_TRACEBACK))}`}` +
      `${runtime === undefined ? '' : `, "runtime": ${number(runtime)}`}, "timestamp": ${now / 1000}, "type": "${type}"}`
    )
  }

  taskRejected(id: string, requeue: boolean, clock: number, now: number): string {
    return `${this.#head}${clock}, "uuid": ${quote(id)}, "requeue": ${requeue}, "timestamp": ${now / 1000}, "type": "task-rejected"}`
  }

  taskRevoked(id: string, { terminated, signum, expired }: Revoked, clock: number, now: number): string {
    const signal = typeof signum === 'string' ? quote(signum) : signum
    return (
      `${this.#head}${clock}, "uuid": ${quote(id)}, "terminated": ${terminated}, "signum": ${signal}, "expired": ${expired}, ` +
      `"timestamp": ${now / 1000}, "type": "task-revoked"}`
    )
  }

  taskSent(task: SentTask, clock: number, now: number): string {
    const queue = quote(task.queue)
    return (
      `${this.#head}${clock}, "uuid": ${quote(task.id)}, "root_id": ${quote(task.rootId)}, "parent_id": ${quoteOrNull(task.parentId)}, ` +
      `"name": ${quote(task.task)}, "args": ${quote(task.argsrepr)}, "kwargs": ${quote(task.kwargsrepr)}, "retries": ${task.retries}, ` +
      `"eta": ${date(task.eta)}, "expires": ${date(task.expires)}, "queue": ${queue}, "exchange": "", "routing_key": ${queue}, ` +
      `"timestamp": ${now / 1000}, "type": "task-sent"}`
    )
  }

  worker(type: WorkerEventType, { freq, version, load }: WorkerVitals, { clock, now }: EventStamp): string {
    const average = load?.average.map((value) => Math.round(value * 100) / 100).join(', ')
    return (
      `${this.#head}${clock}, "freq": ${freq}` +
      `${load === undefined ? '' : `, "active": ${load.active}, "processed": ${load.processed}, "loadavg": [${average}]`}, ` +
      `"sw_ident": "celerity", "sw_ver": ${quote(version)}, "sw_sys": "${systemType()}", "timestamp": ${now / 1000}, "type": "${type}"}`
    )
  }

  /** One event as a message of its own, under the key of its type. */
  one(type: string, event: Uint8Array | string): EncodedEvents {
    return this.#message(type.replaceAll('-', '.'), typeof event === 'string' ? Buffer.from(event, 'latin1') : event, 1)
  }

  /** Task events as one message. @param list JSON text: a list of `count` events */
  many(list: Uint8Array, count: number): EncodedEvents {
    return this.#message(TASK_MULTI, list, count)
  }

  /** Bytes all along: a long text that is put together and sent is copied four times, and carried by the collector meanwhile. */
  #message(routingKey: string, { buffer, byteOffset, byteLength }: Uint8Array, events: number): EncodedEvents {
    const body = Buffer.from(buffer, byteOffset, byteLength).toString('base64')
    const tail =
      `", "content-encoding": "utf-8", "content-type": "application/json", ` +
      `"headers": ${this.#headers}, "properties": {"delivery_mode": 1, "delivery_info": {"exchange": "${EVENT_EXCHANGE}", ` +
      `"routing_key": "${routingKey}"}, "priority": 0, "body_encoding": "base64", "delivery_tag": "${randomUUID()}"}}`
    const raw = Buffer.allocUnsafe(HEAD.length + body.length + tail.length)
    raw.write(HEAD, 0, 'latin1')
    raw.write(body, HEAD.length, 'latin1')
    raw.write(tail, HEAD.length + body.length, 'latin1')
    return { exchange: EVENT_EXCHANGE, routingKey, raw, events }
  }
}

/** What the keeper of a worker broadcasts when it starts, lives and stops. */
export function workerEvent(source: EventSource, type: WorkerEventType, vitals: WorkerVitals, stamp: EventStamp): EncodedEvents {
  const encoder = new EventEncoder(source)
  return encoder.one(type, encoder.worker(type, vitals, stamp))
}

/** Whole hours west of UTC, rounded as Python does: UTC+1 is -1, UTC+5:30 is -6. */
export function utcOffset(at: Date): number {
  return Math.floor(at.getTimezoneOffset() / 60)
}

/** Where and when it was sent, for messages of our producers: fields that Celery's readers pass by. */
function origin({ headers, sentAt }: TaskMessage): string {
  const from = headers['sent_from']
  const place = typeof from === 'object' && from !== null && 'at' in from ? from.at : null
  return (
    (typeof place === 'string' ? `, "sent_from": ${quote(cut(place, MAX_REPR))}` : '') +
    (sentAt === null ? '' : `, "sent_at": ${sentAt / 1000}`)
  )
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}...`
}

function quoteOrNull(text: string | null): string {
  return text === null ? 'null' : quote(text)
}

function date(ms: number | null): string {
  return ms !== null && isMoment(ms) ? `"${formatIso(ms)}"` : 'null'
}

/** A float as it is. JSON has no infinities; nobody measures one. */
function number(value: number): string {
  return Number.isFinite(value) ? String(value) : '0'
}
