/** One event on one line, for people. */
import type { ClusterEvent } from '../protocol/event.js'
import type { Colour, Paint } from './colour.js'
import { safe } from './safe.js'
import { spanText } from './time.js'

const COLOURS: Readonly<Record<string, Colour>> = {
  'task-started': 'cyan',
  'task-succeeded': 'green',
  'task-failed': 'red',
  'task-retried': 'yellow',
  'task-revoked': 'red',
  'task-rejected': 'red',
  'worker-online': 'green',
  'worker-offline': 'yellow',
  'worker-heartbeat': 'dim',
}
const TYPE_WIDTH = 16
/** Longest text of arguments, results and errors, in characters. */
const MOST = 200

/** `14:03:05.123 celery@web task-succeeded  shop.add 3b0c… in 15ms: 5`; `name` is the task's, where it is known. */
export function eventLine(event: ClusterEvent, name: string | null, paint: Paint): string {
  const { type, hostname, timestamp, uuid } = event
  const kind = safe(type).padEnd(TYPE_WIDTH)
  const colour = COLOURS[type]
  const task = uuid === undefined ? '' : `${paint('bold', safe(name ?? '?'))} ${safe(uuid)}`
  const words = [clock(timestamp), safe(hostname), colour === undefined ? kind : paint(colour, kind), task + whatOf(event)]
  return words.filter((word) => word !== '').join(' ')
}

function whatOf({ type, uuid, fields }: ClusterEvent): string {
  const { args, kwargs, result, exception, runtime, terminated, expired, requeue, active, processed, loadavg, sw_ident, sw_ver } = fields
  switch (type) {
    case 'task-sent':
    case 'task-received':
      return ` ${shown(args)} ${shown(kwargs)}`
    case 'task-succeeded':
      return `${typeof runtime === 'number' ? ` in ${spanText(runtime)}` : ''}: ${shown(result)}`
    case 'task-failed':
    case 'task-retried':
      return `: ${shown(exception)}`
    case 'task-revoked':
      return terminated === true ? ' terminated' : expired === true ? ' expired' : ''
    case 'task-rejected':
      return requeue === true ? ' goes back' : ''
    case 'worker-heartbeat':
    case 'worker-online':
    case 'worker-offline': {
      const load = Array.isArray(loadavg)
        ? `, load ${loadavg.map((one) => (typeof one === 'number' ? one.toFixed(2) : shown(one))).join(' ')}`
        : ''
      return active === undefined ? `${shown(sw_ident)} ${shown(sw_ver)}` : `${shown(active)} active, ${shown(processed)} processed${load}`
    }
    default: {
      const rest = Object.entries(fields).map(([key, value]) => ` ${shown(key)}=${shown(value)}`)
      return uuid === undefined ? rest.join('').trimStart() : rest.join('')
    }
  }
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return '-'
  const text = typeof value === 'string' ? value : typeof value === 'object' ? '…' : String(value)
  return safe(text.length > MOST ? `${text.slice(0, MOST)}…` : text)
}

/** Where the reader is. */
function clock(seconds: number): string {
  const at = new Date(seconds * 1000)
  const two = (number: number) => String(number).padStart(2, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`
}
