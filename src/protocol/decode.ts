/**
 * Bytes to a task message. A total function: whatever the bytes are, the answer is a message or the reason why there is none, and a real
 * Celery worker's tolerance is ours too. See docs/protocol.md.
 */
import { reason } from '../errors.js'
import { decodeBody } from './body.js'
import { readEnvelope, readText } from './envelope.js'
import { Fields, isObject, type JsonObject, kindOf } from './fields.js'
import { scanMessage } from './message-scan.js'
import { Refusal } from './refusal.js'
import { readSignature, type Signature } from './signature.js'
import { isTaskId, MAX_ID_LENGTH } from './task-id.js'
import {
  CELERY_HEADERS,
  DEFAULT_LIMITS,
  type Decoded,
  type DecodeLimits,
  isTaskName,
  MAX_NAME_LENGTH,
  sentAtOf,
  type TaskMessage,
} from './task-message.js'

/** Seconds: a time limit beyond thirty years is a mistake, and overflows a timer. */
const MAX_TIME_LIMIT = 1e9

/** Never throws; takes time in proportion to the bytes. */
export function decodeMessage(raw: Uint8Array, limits: DecodeLimits = DEFAULT_LIMITS): Decoded<TaskMessage> {
  const seen: Seen = { id: null, task: null }
  try {
    const text = readText(raw, limits)
    return { ok: true, message: scanMessage(text, limits) ?? decode(text, limits, seen) }
  } catch (error) {
    const code = error instanceof Refusal ? error.code : 'malformed-envelope'
    return { ok: false, bad: { code, detail: reason(error), id: seen.id, task: seen.task } }
  }
}

/** What could be read of a message before it proved bad. */
interface Seen {
  id: string | null
  task: string | null
}

interface Call {
  readonly protocol: 1 | 2
  readonly args: readonly unknown[]
  readonly kwargs: JsonObject
  /** `callbacks`, `errbacks`, `chain`, `chord`. */
  readonly embed: Fields
  /** The metadata: headers, or in protocol 1 the body. */
  readonly meta: Fields
}

function decode(text: string, limits: DecodeLimits, seen: Seen): TaskMessage {
  const envelope = readEnvelope(text, limits)
  const headers = member(envelope, 'headers')
  note(headers, seen)
  const properties = new Fields(member(envelope, 'properties'), 'properties', 'malformed-envelope')
  const body = decodeBody(envelope, properties, limits)
  const call = headers['task'] === undefined ? readProtocol1(body.value, seen) : readProtocol2(body.value, headers)
  return assemble(call, envelope, new Fields(headers, 'headers', 'malformed-headers'), properties, body.encoded)
}

function member(envelope: JsonObject, key: string): JsonObject {
  const value = envelope[key]
  if (isObject(value)) return value
  throw new Refusal('malformed-envelope', `${key}: expected an object, not ${kindOf(value)}`)
}

function note(meta: JsonObject, seen: Seen): void {
  if (isTaskId(meta['id'])) seen.id = meta['id']
  if (isTaskName(meta['task'])) seen.task = meta['task']
}

/** `[args, kwargs, embed]`; or, with protocol 2 headers, an object as of protocol 1, whose fields the headers override. */
function readProtocol2(body: unknown, headers: JsonObject): Call {
  if (isObject(body) && 'args' in body) {
    return { ...readProtocol1Call(body), protocol: 2, meta: new Fields({ ...body, ...headers }, 'headers', 'malformed-headers') }
  }
  if (!Array.isArray(body) || body.length !== 3) {
    throw new Refusal('malformed-body', `body: expected a list of args, kwargs and embed, not ${kindOf(body)}`)
  }
  const [args, kwargs, embed]: readonly unknown[] = body
  if (!Array.isArray(args)) throw new Refusal('malformed-body', `body[0]: expected the list of args, not ${kindOf(args)}`)
  if (!isObject(kwargs)) throw new Refusal('malformed-body', `body[1]: expected the object of kwargs, not ${kindOf(kwargs)}`)
  if (embed !== null && !isObject(embed)) throw new Refusal('malformed-body', `body[2]: expected an object or null, not ${kindOf(embed)}`)
  return {
    protocol: 2,
    args,
    kwargs,
    embed: new Fields(embed ?? {}, 'body[2]', 'malformed-body'),
    meta: new Fields(headers, 'headers', 'malformed-headers'),
  }
}

function readProtocol1(body: unknown, seen: Seen): Call {
  if (!isObject(body) || body['task'] === undefined) {
    throw new Refusal('malformed-headers', 'headers.task: expected the name of a task, and the body has none either')
  }
  note(body, seen)
  return readProtocol1Call(body)
}

function readProtocol1Call(body: JsonObject): Call {
  const fields = new Fields(body, 'body', 'malformed-body')
  return { protocol: 1, args: fields.list('args') ?? [], kwargs: fields.object('kwargs') ?? {}, embed: fields, meta: fields }
}

function assemble(call: Call, envelope: JsonObject, headers: Fields, properties: Fields, encoded: TaskMessage['body']): TaskMessage {
  const { meta, embed } = call
  const id = meta.id('id') ?? meta.refuse('id', `an id of at most ${MAX_ID_LENGTH} visible characters`)
  const delivery = new Fields(properties.object('delivery_info') ?? {}, 'properties.delivery_info', 'malformed-envelope')
  const [timeLimit, softTimeLimit] = readTimeLimits(meta)
  return {
    protocol: call.protocol,
    id,
    task: readTaskName(meta),
    args: call.args,
    kwargs: call.kwargs,
    callbacks: readSignatures(embed, 'callbacks'),
    errbacks: readSignatures(embed, 'errbacks'),
    chain: call.protocol === 1 ? [] : readSignatures(embed, 'chain'),
    chord: embed.object('chord') === null ? null : readSignature(embed.values['chord'], embed.pathOf('chord')),
    shadow: meta.text('shadow'),
    eta: meta.date('eta'),
    expires: meta.date('expires'),
    sentAt: sentAtOf(headers.values['sent_at']),
    retries: meta.count('retries', 0),
    timeLimit,
    softTimeLimit,
    group: meta.id('group'),
    groupIndex: meta.count('group_index', null),
    rootId: meta.id('root_id') ?? id,
    parentId: meta.id('parent_id'),
    origin: meta.text('origin'),
    argsrepr: meta.text('argsrepr'),
    kwargsrepr: meta.text('kwargsrepr'),
    ignoreResult: meta.flag('ignore_result'),
    replacedTaskNesting: meta.count('replaced_task_nesting', 0),
    stampedHeaders: readStampNames(meta),
    stamps: meta.object('stamps') ?? {},
    headers: userHeaders(headers.values),
    queue: delivery.text('routing_key') ?? '',
    exchange: delivery.text('exchange') ?? '',
    priority: readPriority(properties),
    replyTo: properties.text('reply_to'),
    correlationId: properties.text('correlation_id'),
    redelivered: headers.flag('redelivered') || delivery.flag('redelivered'),
    contentType: envelope['content-type'] as string, // the body was decoded by it
    compression: headers.text('compression'),
    body: encoded,
  }
}

function readTaskName(meta: Fields): string {
  const name = meta.values['task']
  return isTaskName(name) ? name : meta.refuse('task', `the name of a task, of at most ${MAX_NAME_LENGTH} characters`)
}

/** `[hard, soft]` in seconds. 0 is no limit of its own, as in Celery. */
function readTimeLimits(meta: Fields): readonly [number | null, number | null] {
  const pair = meta.list('timelimit')
  if (pair === null) return [null, null]
  if (pair.length !== 2) meta.refuse('timelimit', 'two numbers or nulls')
  const limits = pair.map((value, index) => {
    if (value === null || value === 0) return null
    if (typeof value === 'number' && value > 0 && value <= MAX_TIME_LIMIT) return value
    throw new Refusal('malformed-headers', `${meta.pathOf('timelimit')}[${index}]: expected seconds or null, not ${kindOf(value)}`)
  })
  return [limits[0] ?? null, limits[1] ?? null]
}

function readPriority(properties: Fields): number {
  const value = properties.values['priority'] ?? 0
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : properties.refuse('priority', 'a whole number or null')
}

function readStampNames(meta: Fields): readonly string[] {
  const names = meta.list('stamped_headers')
  if (names === null) return []
  return names.every((name) => typeof name === 'string') ? names : meta.refuse('stamped_headers', 'a list of strings')
}

function readSignatures(embed: Fields, key: string): readonly Signature[] {
  const value = embed.values[key] ?? null
  if (value === null) return []
  const path = embed.pathOf(key)
  if (isObject(value)) return [readSignature(value, path)] // hand-made producers: Celery takes one for a list of one
  if (!Array.isArray(value)) return embed.refuse(key, 'a list of signatures or null')
  return value.map((item, index) => readSignature(item, `${path}[${index}]`))
}

function userHeaders(headers: JsonObject): JsonObject {
  const own: Record<string, unknown> = {}
  for (const key of Object.keys(headers)) {
    const value = headers[key]
    if (!CELERY_HEADERS.has(key) && !(key === 'sent_at' && sentAtOf(value) !== null)) own[key] = value
  }
  return own
}
