/** Events in the words of `celery events --dump`, for scripts that read those. */
import type { ClusterEvent } from '../protocol/event.js'
import { wholeRepr } from '../protocol/python-repr.js'
import { safe, safeLines } from '../terminal/safe.js'

export const DUMP_GREETING = '-> evdump: starting capture...'

const WORDS: Readonly<Record<string, string>> = {
  'worker-offline': 'shutdown',
  'worker-online': 'started',
  'worker-heartbeat': 'heartbeat',
}

/** Numbers that Python has as floats; of JSON `2.0` and `2` are the same here. */
const FLOATS = new Set(['local_received', 'runtime', 'timestamp', 'sent_at'])
/** With these its name comes, and Celery shows them before the rest. */
const NAMING = new Set(['task-sent', 'task-received'])

/** What Celery calls the task, from the event that named it on: `proj.add(<id>) args=(2, 3) kwargs={}`. */
export function dumpedTask({ type, uuid, fields }: ClusterEvent): string | null {
  if (!NAMING.has(type)) return null
  const { name, args, kwargs } = fields
  return `${textOf(name)}(${safe(uuid ?? '')}) args=${textOf(args)} kwargs=${textOf(kwargs)}`
}

/** @param task what `dumpedTask` gave for this task; null: nothing yet */
export function dumpLine(event: ClusterEvent, task: string | null): string {
  const { type, hostname, timestamp, utcoffset, pid, clock, localReceived, fields, uuid } = event
  const isTask = uuid !== undefined && type.startsWith('task-')
  const { name, args, kwargs, ...described } = fields
  const rest = { ...(isTask && NAMING.has(type) ? described : fields), clock, pid, utcoffset, local_received: localReceived }
  const told = Object.entries(rest)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${safe(key)}=${fieldText(key, value, event)}`)
    .join(', ')
  const what = WORDS[type.toLowerCase()] ?? type.toLowerCase().replaceAll('-', ' ')
  return `${safe(hostname)} [${momentOf(timestamp)}] ${safe(what)}${told === '' ? '' : ':'}${isTask ? ` ${task ?? ''}` : ''} ${told}`
}

function fieldText(key: string, value: unknown, event: ClusterEvent): string {
  // Celery's own texts of several lines stay so; a line break anywhere else is somebody's trick.
  if (key === 'traceback' && typeof value === 'string') return safeLines(value)
  if (key === 'loadavg' && Array.isArray(value)) return `[${value.map(floatOf).join(', ')}]`
  // The answer to the command `heartbeat` has an integer, and no load.
  if (FLOATS.has(key) || (key === 'freq' && 'active' in event.fields)) return floatOf(value)
  return textOf(value)
}

/** As `str()`. */
function textOf(value: unknown): string {
  return safe(typeof value === 'string' ? value : wholeRepr(value))
}

function floatOf(value: unknown): string {
  return Number.isSafeInteger(value) ? `${value}.0` : textOf(value)
}

/** As `str()` of a datetime in UTC: `2026-11-22 06:53:49.455809+00:00`. */
function momentOf(seconds: number): string {
  let whole = Math.floor(seconds)
  let micros = Math.round((seconds - whole) * 1e6)
  if (micros === 1e6) [whole, micros] = [whole + 1, 0]
  const text = new Date(whole * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return `${text}${micros === 0 ? '' : `.${String(micros).padStart(6, '0')}`}+00:00`
}
