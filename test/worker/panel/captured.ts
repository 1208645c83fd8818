/** What was asked of Celery's workers, and what they answered: the captured requests and replies of test/fixtures/redis/pidbox-*. */
import { decodeControl, decodeReply } from '../../../src/protocol/control.js'
import { fixture } from '../../protocol/fixtures.js'

export interface Captured {
  readonly method: string
  readonly args: Readonly<Record<string, unknown>>
  /** Of the first worker that answered; undefined: none did. */
  readonly value: unknown
}

export function captured(name: string): Captured {
  const { requests = [], replies = [] } = fixture(`pidbox-${name}`)
  const decoded = decodeControl(Buffer.from(requests[0]?.raw ?? ''))
  if (!decoded.ok) throw new Error(`${name}: ${decoded.why}`)
  const { method, arguments: args } = decoded.request
  return { method, args, value: replies[0] === undefined ? undefined : valueIn(replies[0].raw) }
}

function valueIn(raw: string): unknown {
  const decoded = decodeReply(Buffer.from(raw))
  if (!decoded.ok) throw new Error(decoded.why)
  return Object.values(decoded.reply.values)[0]
}

/** The kinds of a value and of what it holds, down to the last: an array has the kinds of its first item. */
export function shapeOf(value: unknown): unknown {
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (typeof value !== 'object') return typeof value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]))
}
