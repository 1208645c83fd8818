/**
 * A shortcut past the JSON parser for the one shape in which kombu (5.2 and 5.6) and we ourselves write the message of a plain task: fixed
 * keys in a fixed order, strings without escapes, small whole numbers, nothing that follows. It gives exactly what the parser and the
 * checks after it give, or null, and then they decide: whatever is wrong with a message is theirs to say.
 * Measured on messages of 1,050 bytes: 2.8 µs, against 10 µs for the parser, the checks and the reading of thirty fields.
 */
import { parseIso } from './dates.js'
import { decodeText } from './envelope.js'
import { isObject } from './fields.js'
import { parseJson } from './json.js'
import { isTaskId } from './task-id.js'
import { type DecodeLimits, isTaskName, sentAtOf, type TaskMessage } from './task-message.js'

/** Longer texts go to the parser: what is cut out of a text here keeps all of it in memory. */
const MAX_LENGTH = 8192

const CHARACTER = '[ !#-\\[\\]-~]' // printable ASCII without quote and backslash
const TEXT = `"(${CHARACTER}*)"`
const TEXT_OR_NULL = `(?:null|${TEXT})`
const ANY_TEXT = `"${CHARACTER}*"`
const NUMBER = '(0|[1-9]\\d{0,8})'
const NUMBER_OR_NULL = `(?:null|${NUMBER})`
const TEXT_OR_FLAT_OBJECT = `(${ANY_TEXT}|\\{[ -\\[\\]-z|~]*\\})` // no braces inside, so it ends at the first
const BASE64 = '"([A-Za-z0-9+/]*={0,2})"'

/** No repetition of a group and no two ways to match, hence linear in the length. What a task message does not hold is not captured. */
const SHAPE = new RegExp(
  [
    `^\\{"body": ${BASE64}, "content-encoding": "utf-8", "content-type": "application/json"`,
    `"headers": \\{"lang": ${ANY_TEXT}, "task": ${TEXT}, "id": ${TEXT}, "shadow": ${TEXT_OR_NULL}, "eta": ${TEXT_OR_NULL}`,
    `"expires": ${TEXT_OR_NULL}, "group": ${TEXT_OR_NULL}, "group_index": ${NUMBER_OR_NULL}, "retries": ${NUMBER}`,
    `"timelimit": \\[${NUMBER_OR_NULL}, ${NUMBER_OR_NULL}\\], "root_id": ${TEXT}, "parent_id": ${TEXT_OR_NULL}`,
    `"argsrepr": ${TEXT}, "kwargsrepr": ${TEXT}, "origin": ${TEXT}`,
    `"ignore_result": (true|false)(?:, "replaced_task_nesting": ${NUMBER}, "stamped_headers": null, "stamps": \\{\\})?` +
      `(?:, "sent_at": ((?:0|[1-9]\\d{0,10})\\.\\d{3}))?(?:, "sent_from": ${TEXT_OR_FLAT_OBJECT})?\\}`,
    `"properties": \\{"correlation_id": ${TEXT}, "reply_to": ${TEXT}(?:, "origin": ${ANY_TEXT})?, "delivery_mode": (?:0|[1-9]\\d{0,8})` +
      `(?:, "expiration": ${ANY_TEXT})?`,
    `"delivery_info": \\{"exchange": ${TEXT}, "routing_key": ${TEXT}\\}, "priority": ${NUMBER}, "body_encoding": "base64"`,
    `"delivery_tag": ${ANY_TEXT}\\}\\}$`,
  ].join(', '),
)

/** How a body ends when nothing follows the task. */
const NO_EMBED = ', {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'

/** @param text the whole envelope */
export function scanMessage(text: string, limits: DecodeLimits): TaskMessage | null {
  if (text.length > MAX_LENGTH || !limits.acceptContent.has('application/json')) return null
  const found = SHAPE.exec(text)
  if (found === null) return null
  const [, body = '', task = '', id = '', shadow, eta, expires, group, groupIndex, retries, hard, soft, rootId = '', parentId] = found
  if (!isTaskName(task) || !isTaskId(id) || !(rootId === id || isTaskId(rootId))) return null
  if (!(isIdOrAbsent(group) && isIdOrAbsent(parentId))) return null
  const [due, end] = [dateOf(eta), dateOf(expires)]
  const call = readBody(body, limits)
  const headers = readSentFrom(found[20])
  if (due === undefined || end === undefined || call === null || headers === null) return null
  return {
    protocol: 2,
    id,
    task,
    args: call.args,
    kwargs: call.kwargs,
    callbacks: [],
    errbacks: [],
    chain: [],
    chord: null,
    shadow: shadow ?? null,
    eta: due,
    expires: end,
    sentAt: found[19] === undefined ? null : sentAtOf(Number(found[19])),
    retries: Number(retries),
    timeLimit: limitOf(hard),
    softTimeLimit: limitOf(soft),
    group: group ?? null,
    groupIndex: groupIndex === undefined ? null : Number(groupIndex),
    rootId,
    parentId: parentId ?? null,
    origin: found[16] as string,
    argsrepr: found[14] as string,
    kwargsrepr: found[15] as string,
    ignoreResult: found[17] === 'true',
    replacedTaskNesting: Number(found[18] ?? 0),
    stampedHeaders: [],
    stamps: {},
    headers,
    queue: found[24] as string,
    exchange: found[23] as string,
    priority: Number(found[25]),
    replyTo: found[22] as string,
    correlationId: found[21] as string,
    redelivered: false,
    contentType: 'application/json',
    compression: null,
    body: { text: body, encoding: 'base64' },
  }
}

function isIdOrAbsent(id: string | undefined): boolean {
  return id === undefined || isTaskId(id)
}

/** Undefined: no date, or one that Python could not hold. */
function dateOf(text: string | undefined): number | null | undefined {
  return text === undefined ? null : (parseIso(text) ?? undefined)
}

/** 0 is no limit of its own, as in Celery. */
function limitOf(digits: string | undefined): number | null {
  return digits === undefined ? null : Number(digits) || null
}

/** Null: damaged, or not a plain call. */
function readBody(body: string, limits: DecodeLimits): Pick<TaskMessage, 'args' | 'kwargs'> | null {
  const text = body.length % 4 === 0 ? decodeText(Buffer.from(body, 'base64')) : null
  if (text === null || !text.endsWith(NO_EMBED)) return null
  const call = parseOrNull(`${text.slice(0, -NO_EMBED.length)}]`, limits.maxDepth)
  if (!Array.isArray(call) || call.length !== 2) return null
  const [args, kwargs]: readonly unknown[] = call
  return Array.isArray(args) && isObject(kwargs) ? { args, kwargs } : null
}

function readSentFrom(json: string | undefined): TaskMessage['headers'] | null {
  if (json === undefined) return {}
  const sentFrom = parseOrNull(json)
  return sentFrom === null ? null : { sent_from: sentFrom }
}

function parseOrNull(json: string, maxDepth?: number): unknown {
  try {
    return parseJson(json, maxDepth)
  } catch {
    return null // the parser will say what is wrong
  }
}
