/**
 * A call to the envelope that kombu would send: the same fields in the same order. The parts that never change are built once per
 * encoder, for this is on the path of every send.
 */
import { randomUUID } from 'node:crypto'
import { CelerityError } from '../errors.js'
import { compress } from './compression.js'
import { formatIso, isMoment } from './dates.js'
import { encodeJson } from './json.js'
import { reprArgs, reprKwargs } from './python-repr.js'
import { isTaskId, MAX_ID_LENGTH } from './task-id.js'
import { CELERY_HEADERS, type TaskCall, type TaskMessage } from './task-message.js'

export interface EncoderOptions {
  /** Who sends: `gen<pid>@<host>`. */
  readonly origin: string
  /** Where an `rpc://` result would go; Celery always names one. */
  readonly replyTo: string
  /** Python values as markers (kombu 5.3 and later), or as plain strings. */
  readonly markers: boolean
  /** Wall clock, milliseconds; for the property `expiration`, which counts from now. */
  readonly now?: (() => number) | undefined
}

/** What changes when a task is sent again under its own id. */
export interface Retried {
  readonly retries: number
  /** Milliseconds since 1970; absent: at once. */
  readonly eta?: number | undefined
  /** New arguments; absent: the body travels on as it came. */
  readonly args?: readonly unknown[] | undefined
  readonly kwargs?: Readonly<Record<string, unknown>> | undefined
  readonly queue: string
  readonly priority: number
  /** Added to the message's own user headers. */
  readonly headers?: Readonly<Record<string, unknown>> | undefined
}

export interface MessageEncoder {
  /**
   * @param sentFrom JSON text (ASCII) for the header `sent_from`, where the call was made
   * @throws CelerityError E_ENCODE, naming the path of what cannot be sent
   */
  encode(call: TaskCall, sentFrom?: string): string
  /** The message once more: same id, its own id as parent, everything else kept. @throws CelerityError E_ENCODE */
  encodeRetry(message: TaskMessage, next: Retried): string
}

export function createEncoder(options: EncoderOptions): MessageEncoder {
  const encoder = new Encoder(options)
  return {
    encode: (call, sentFrom) => encoder.call(call, sentFrom),
    encodeRetry: (message, next) => encoder.retry(message, next),
  }
}

const NO_KWARGS: Readonly<Record<string, unknown>> = {}
const NO_EMBED = '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}'

/** The envelope's variable parts; those that end in `Json` are JSON text already. */
interface Parts {
  readonly body: string
  readonly task: string
  readonly id: string
  readonly shadow: string | null | undefined
  readonly eta: number | null | undefined
  readonly expires: number | null | undefined
  readonly group: string | null | undefined
  readonly groupIndex: number | null | undefined
  readonly retries: number
  readonly timeLimit: number | null | undefined
  readonly softTimeLimit: number | null | undefined
  readonly rootId: string
  readonly parentId: string | null | undefined
  readonly argsrepr: string | null
  readonly kwargsrepr: string | null
  readonly originJson: string
  readonly ignoreResult: boolean
  readonly replacedTaskNesting: number
  readonly stampedHeaders: readonly string[]
  readonly stamps: Readonly<Record<string, unknown>>
  /** More headers, each as `, "name": value`. */
  readonly moreHeaders: string
  readonly correlationId: string
  readonly replyToJson: string
  /** More properties, after `reply_to`. */
  readonly moreProperties: string
  readonly exchange: string
  readonly queue: string
  readonly priority: number
}

class Encoder {
  readonly #options: EncoderOptions
  readonly #now: () => number
  readonly #origin: string
  readonly #replyTo: string

  constructor(options: EncoderOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#origin = quote(options.origin)
    this.#replyTo = quote(options.replyTo)
  }

  call(call: TaskCall, sentFrom: string | undefined): string {
    if (!isTaskId(call.id)) refuse(`id: a task id has 1 to ${MAX_ID_LENGTH} visible characters`)
    if (typeof call.task !== 'string' || call.task === '') refuse('task: the name of a task is missing')
    const kwargs = call.kwargs ?? NO_KWARGS
    const stamps = call.stamps ?? NO_KWARGS
    const text = `[${this.#json(call.args, 'args')}, ${this.#json(kwargs, 'kwargs')}, ${this.#embed(call)}]`
    const packed = call.compression === undefined ? null : compress(call.compression, Buffer.from(text, 'utf8'))
    return this.#envelope({
      body: packed === null ? Buffer.from(text, 'utf8').toString('base64') : packed.bytes.toString('base64'),
      task: call.task,
      id: call.id,
      shadow: call.shadow,
      eta: call.eta,
      expires: call.expires,
      group: call.group,
      groupIndex: call.groupIndex,
      retries: call.retries ?? 0,
      timeLimit: call.timeLimit,
      softTimeLimit: call.softTimeLimit,
      rootId: call.rootId ?? call.id,
      parentId: call.parentId,
      argsrepr: reprArgs(call.args),
      kwargsrepr: reprKwargs(kwargs),
      originJson: call.origin === undefined ? this.#origin : quote(call.origin),
      ignoreResult: call.ignoreResult ?? false,
      replacedTaskNesting: 0,
      stampedHeaders: Object.keys(stamps),
      stamps,
      moreHeaders:
        this.#userHeaders(call.headers) + (sentFrom === undefined ? '' : `, "sent_from": ${sentFrom}`) + compressionHeader(packed?.type),
      correlationId: call.id,
      replyToJson: call.replyTo === undefined ? this.#replyTo : quote(call.replyTo),
      moreProperties: '',
      exchange: '',
      queue: call.queue,
      priority: call.priority ?? 0,
    })
  }

  retry(message: TaskMessage, next: Retried): string {
    const origin = message.origin === null ? this.#origin : quote(message.origin)
    const isSame = next.args === undefined && next.kwargs === undefined && message.protocol === 2
    const args = next.args ?? message.args
    const kwargs = next.kwargs ?? message.kwargs
    return this.#envelope({
      ...message,
      body: isSame ? inBase64(message.body) : this.#freshBody(args, kwargs, message),
      eta: next.eta,
      retries: next.retries,
      parentId: message.id,
      argsrepr: next.args === undefined ? message.argsrepr : reprArgs(args),
      kwargsrepr: next.kwargs === undefined ? message.kwargsrepr : reprKwargs(kwargs),
      originJson: origin,
      moreHeaders:
        this.#userHeaders(next.headers === undefined ? message.headers : { ...message.headers, ...next.headers }) +
        compressionHeader(isSame ? message.compression : null),
      correlationId: message.correlationId ?? message.id,
      replyToJson: message.replyTo === null ? this.#replyTo : quote(message.replyTo),
      moreProperties: `, "origin": ${origin}`,
      exchange: '',
      queue: next.queue,
      priority: next.priority,
    })
  }

  #envelope(parts: Parts): string {
    const id = quote(parts.id)
    return (
      `{"body": "${parts.body}", "content-encoding": "utf-8", "content-type": "application/json", ` +
      `"headers": {"lang": "py", "task": ${quote(parts.task)}, "id": ${id}, "shadow": ${quoteOrNull(parts.shadow)}, ` +
      `"eta": ${date(parts.eta, 'eta')}, "expires": ${date(parts.expires, 'expires')}, "group": ${quoteOrNull(parts.group)}, ` +
      `"group_index": ${number(parts.groupIndex, 'groupIndex')}, "retries": ${number(parts.retries, 'retries')}, ` +
      `"timelimit": [${number(parts.timeLimit, 'timeLimit')}, ${number(parts.softTimeLimit, 'softTimeLimit')}], ` +
      `"root_id": ${parts.rootId === parts.id ? id : quote(parts.rootId)}, "parent_id": ${quoteOrNull(parts.parentId)}, ` +
      `"argsrepr": ${quoteOrNull(parts.argsrepr)}, "kwargsrepr": ${quoteOrNull(parts.kwargsrepr)}, "origin": ${parts.originJson}, ` +
      `"ignore_result": ${parts.ignoreResult}, "replaced_task_nesting": ${parts.replacedTaskNesting}, ${this.#stamps(parts)}` +
      `${parts.moreHeaders}}, "properties": {"correlation_id": ${parts.correlationId === parts.id ? id : quote(parts.correlationId)}, ` +
      `"reply_to": ${parts.replyToJson}${parts.moreProperties}, "delivery_mode": 2${this.#expiration(parts.expires)}, ` +
      `"delivery_info": {"exchange": ${quote(parts.exchange)}, "routing_key": ${quote(parts.queue)}}, ` +
      `"priority": ${number(parts.priority, 'priority')}, "body_encoding": "base64", "delivery_tag": "${randomUUID()}"}}`
    )
  }

  #stamps(parts: Parts): string {
    if (parts.stampedHeaders.length === 0) return '"stamped_headers": null, "stamps": {}'
    return `"stamped_headers": ${this.#ascii(parts.stampedHeaders, 'stamps')}, "stamps": ${this.#ascii(parts.stamps, 'stamps')}`
  }

  /** Milliseconds left, as text; the worker goes by the header, this is for brokers that can. */
  #expiration(expires: number | null | undefined): string {
    return expires === undefined || expires === null ? '' : `, "expiration": "${Math.max(0, Math.floor(expires - this.#now()))}"`
  }

  #userHeaders(headers: Readonly<Record<string, unknown>> | undefined): string {
    let text = ''
    if (headers === undefined) return text
    for (const key of Object.keys(headers)) {
      const value = headers[key]
      if (value !== undefined && !CELERY_HEADERS.has(key)) text += `, ${quote(key)}: ${this.#ascii(value, `headers.${key}`)}`
    }
    return text
  }

  #freshBody(args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>, embed: TaskMessage): string {
    const text = `[${this.#json(args, 'args')}, ${this.#json(kwargs, 'kwargs')}, ${this.#embed(embed)}]`
    return Buffer.from(text, 'utf8').toString('base64')
  }

  #embed(call: Pick<TaskCall, 'callbacks' | 'errbacks' | 'chain'> & { readonly chord?: unknown }): string {
    const { callbacks, errbacks, chain, chord } = call
    if (callbacks === undefined && errbacks === undefined && chain === undefined && chord === undefined) return NO_EMBED
    return (
      `{"callbacks": ${this.#list(callbacks, 'callbacks')}, "errbacks": ${this.#list(errbacks, 'errbacks')}, ` +
      `"chain": ${chain === undefined ? 'null' : this.#json(chain, 'chain')}, "chord": ${this.#json(chord ?? null, 'chord')}}`
    )
  }

  #list(signatures: readonly unknown[] | undefined, name: string): string {
    return signatures === undefined || signatures.length === 0 ? 'null' : this.#json(signatures, name)
  }

  #json(value: unknown, name: string): string {
    return encodeJson(value, { markers: this.#options.markers, name })
  }

  #ascii(value: unknown, name: string): string {
    return toAscii(this.#json(value, name))
  }
}

/** A JSON string in ASCII, as Python writes it: then an envelope is ASCII all over, which is the cheapest to read. */
function quote(text: string): string {
  return toAscii(JSON.stringify(text))
}

function quoteOrNull(text: string | null | undefined): string {
  return text === null || text === undefined ? 'null' : quote(text)
}

function toAscii(json: string): string {
  return /[^\x00-\x7f]/.test(json) ? json.replace(/[^\x00-\x7f]/g, escapeUnit) : json
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function date(ms: number | null | undefined, name: string): string {
  if (ms === null || ms === undefined) return 'null'
  return isMoment(ms) ? `"${formatIso(ms)}"` : refuse(`${name}: outside the years 1 to 9999`)
}

function number(value: number | null | undefined, name: string): string {
  if (value === null || value === undefined) return 'null'
  return Number.isFinite(value) ? String(value) : refuse(`${name}: ${value} cannot be sent`)
}

function compressionHeader(type: string | null | undefined): string {
  return type === null || type === undefined ? '' : `, "compression": ${quote(type)}`
}

function inBase64(body: TaskMessage['body']): string {
  return body.encoding === 'base64' ? body.text : Buffer.from(body.text, 'utf8').toString('base64')
}

function refuse(message: string): never {
  throw new CelerityError('E_ENCODE', { message })
}
