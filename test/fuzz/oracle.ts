/** What must hold for any bytes: they are a message or there is a reason why not, soon, and nothing else has changed. */
import { decodeMessage, markRedelivered } from '../../src/protocol/message.js'
import type { TaskMessage } from '../../src/protocol/task-message.js'

/** Milliseconds of CPU for one message, and for each megabyte of it. */
const SLOW_MS = 100
const SLOW_MS_PER_MB = 50
const MAX_DETAIL = 500

/** What is wrong with how these bytes were taken; null when nothing is. */
export function fault(raw: Buffer): string | null {
  try {
    return judge(raw)
  } catch (error) {
    return `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  }
}

function judge(raw: Buffer): string | null {
  const before = raw.length < 10_000 ? Buffer.from(raw) : null
  const began = performance.now()
  const decoded = decodeMessage(raw)
  // A busy machine is slow too, and then takes no CPU.
  const most = SLOW_MS + (SLOW_MS_PER_MB * raw.length) / 2 ** 20
  if (performance.now() - began > most && cpuOf(raw) > most) return `took more than ${Math.round(most)} ms`
  if (before !== null && !before.equals(raw)) return 'changed the bytes it was given'
  if (!decoded.ok) {
    const { detail } = decoded.bad
    if (detail.length === 0 || detail.length > MAX_DETAIL) return `a reason of ${detail.length} characters`
    return /[\0-\x1f]/.test(detail) ? `a reason of more than one line: ${JSON.stringify(detail)}` : null
  }
  const odd = oddField(decoded.message)
  if (odd !== null) return odd
  const again = decodeMessage(markRedelivered(raw))
  if (!again.ok) return `marked as redelivered it is no message any more: ${again.bad.detail}`
  return again.message.redelivered && again.message.id === decoded.message.id ? null : 'marked as redelivered it is another message'
}

/** Milliseconds of CPU that it takes to decode this, at best. */
function cpuOf(raw: Buffer): number {
  const spans = Array.from({ length: 3 }, () => {
    const before = process.cpuUsage()
    decodeMessage(raw)
    return process.cpuUsage(before).user / 1000
  })
  return Math.min(...spans)
}

const isCount = (value: number | null) => value === null || (Number.isSafeInteger(value) && value >= 0)
const isText = (value: string | null) => value === null || typeof value === 'string'
const isSpan = (value: number | null) => value === null || (Number.isFinite(value) && value > 0)
const isMoment = (value: number | null) => value === null || Number.isFinite(value)
const isMap = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Each field is what its type says, whatever stood in the message. */
const RULES: Readonly<Record<string, (message: TaskMessage) => boolean>> = {
  id: ({ id }) => typeof id === 'string' && /^[^\0-\x20\x7f-\x9f]{1,255}$/.test(id),
  task: ({ task }) => typeof task === 'string' && task.length > 0,
  args: ({ args }) => Array.isArray(args),
  kwargs: ({ kwargs }) => isMap(kwargs) && !Object.hasOwn(kwargs, '__proto__'),
  times: ({ eta, expires }) => isMoment(eta) && isMoment(expires),
  counts: ({ retries, groupIndex, replacedTaskNesting }) => isCount(retries) && isCount(groupIndex) && isCount(replacedTaskNesting),
  limits: ({ timeLimit, softTimeLimit }) => isSpan(timeLimit) && isSpan(softTimeLimit),
  texts: ({ shadow, group, parentId, origin, replyTo, correlationId }) =>
    [shadow, group, parentId, origin, replyTo, correlationId].every(isText),
  follow: ({ callbacks, errbacks, chain }) => [...callbacks, ...errbacks, ...chain].every(({ task }) => typeof task === 'string'),
  maps: ({ stamps, headers }) => isMap(stamps) && isMap(headers),
  place: ({ queue, exchange, priority }) => typeof queue === 'string' && typeof exchange === 'string' && Number.isSafeInteger(priority),
}

function oddField(message: TaskMessage): string | null {
  const broken = Object.entries(RULES).find(([, holds]) => !holds(message))
  return broken === undefined ? null : `a message whose ${broken[0]} is not what its type says`
}

/** What every object inherits from: the same before and after. */
export function prototypes(): string {
  const objects = { object: Object.prototype, array: Array.prototype, string: String.prototype, function: Function.prototype, globalThis }
  return JSON.stringify(Object.entries(objects).map(([name, object]) => [name, Reflect.ownKeys(object).map(String).sort()]))
}
