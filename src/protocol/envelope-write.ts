/** The envelope as kombu writes it: the same fields in the same order and spacing, all ASCII, which is also the cheapest to read. */
import { randomUUID } from 'node:crypto'
import { CelerityError } from '../errors.js'
import { formatIso, isMoment } from './dates.js'

/** What varies from one envelope to the next. Fields that end in `Json` are JSON text already. Times are wall-clock milliseconds. */
export interface EnvelopeParts {
  /** In base64. */
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
  /** `"stamped_headers": …, "stamps": …`. */
  readonly stampsJson: string
  /** More headers, each as `, "name": value`. */
  readonly moreHeadersJson: string
  readonly correlationId: string
  readonly replyToJson: string
  /** More properties, to come after `reply_to`, each as `, "name": value`. */
  readonly morePropertiesJson: string
  /** Of `expires`, as text: milliseconds left; null without it. */
  readonly expiration: string | null
  readonly queue: string
  readonly priority: number
}

/** @throws CelerityError E_ENCODE for a number or a date that Python cannot read */
export function writeEnvelope(parts: EnvelopeParts): string {
  const id = quote(parts.id)
  return (
    `{"body": "${parts.body}", "content-encoding": "utf-8", "content-type": "application/json", ` +
    `"headers": {"lang": "py", "task": ${quote(parts.task)}, "id": ${id}, "shadow": ${quoteOrNull(parts.shadow)}, ` +
    `"eta": ${date(parts.eta, 'eta')}, "expires": ${date(parts.expires, 'expires')}, "group": ${quoteOrNull(parts.group)}, ` +
    `"group_index": ${number(parts.groupIndex, 'groupIndex')}, "retries": ${number(parts.retries, 'retries')}, ` +
    `"timelimit": [${number(parts.timeLimit, 'timeLimit')}, ${number(parts.softTimeLimit, 'softTimeLimit')}], ` +
    `"root_id": ${parts.rootId === parts.id ? id : quote(parts.rootId)}, "parent_id": ${quoteOrNull(parts.parentId)}, ` +
    `"argsrepr": ${quoteOrNull(parts.argsrepr)}, "kwargsrepr": ${quoteOrNull(parts.kwargsrepr)}, "origin": ${parts.originJson}, ` +
    `"ignore_result": ${parts.ignoreResult}, "replaced_task_nesting": ${parts.replacedTaskNesting}, ${parts.stampsJson}` +
    `${parts.moreHeadersJson}}, "properties": {"correlation_id": ${parts.correlationId === parts.id ? id : quote(parts.correlationId)}, ` +
    `"reply_to": ${parts.replyToJson}${parts.morePropertiesJson}, "delivery_mode": 2` +
    `${parts.expiration === null ? '' : `, "expiration": "${parts.expiration}"`}, ` +
    `"delivery_info": {"exchange": "", "routing_key": ${quote(parts.queue)}}, ` +
    `"priority": ${number(parts.priority, 'priority')}, "body_encoding": "base64", "delivery_tag": "${randomUUID()}"}}`
  )
}

/** A JSON string in ASCII. */
export function quote(text: string): string {
  return NEEDS_NO_ESCAPE.test(text) ? `"${text}"` : toAscii(JSON.stringify(text))
}

const NEEDS_NO_ESCAPE = /^[ !#-[\]-~]*$/ // printable ASCII without quote and backslash: nearly every id and name

/** JSON text with everything beyond ASCII escaped. */
export function toAscii(json: string): string {
  return /[^\x00-\x7f]/.test(json) ? json.replace(/[^\x00-\x7f]/g, escapeUnit) : json
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function quoteOrNull(text: string | null | undefined): string {
  return text === null || text === undefined ? 'null' : quote(text)
}

function date(ms: number | null | undefined, name: string): string {
  if (ms === null || ms === undefined) return 'null'
  return isMoment(ms) ? `"${formatIso(ms)}"` : refuse(`${name}: outside the years 1 to 9999`)
}

function number(value: number | null | undefined, name: string): string {
  if (value === null || value === undefined) return 'null'
  return Number.isFinite(value) ? String(value) : refuse(`${name}: ${value} cannot be sent`)
}

function refuse(message: string): never {
  throw new CelerityError('E_ENCODE', { message })
}
