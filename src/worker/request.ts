/**
 * From a delivery to a request, or to the reason why it is none. Pure: no message makes it throw, and what is refused says what becomes of
 * it. A request is one run of a task, asked for by one message.
 */
import type { TaskDefinition } from '../app/task-definition.js'
import type { Delivery } from '../broker/broker.js'
import type { Settings } from '../config/schema.js'
import { type BadMessage, DEFAULT_LIMITS, type DecodeLimits, decodeMessage, type TaskMessage } from '../protocol/message.js'

export interface Request {
  readonly delivery: Delivery
  readonly message: TaskMessage
  readonly definition: TaskDefinition
}

export type Accepted =
  | { readonly kind: 'run'; readonly request: Request }
  /** Not yet: kept at the broker until `due` (broker milliseconds). */
  | { readonly kind: 'park'; readonly message: TaskMessage; readonly due: number }
  /** Nothing here can run it. */
  | { readonly kind: 'unreadable'; readonly bad: BadMessage }
  | { readonly kind: 'unregistered'; readonly message: TaskMessage }
  | { readonly kind: 'unsupported'; readonly message: TaskMessage; readonly what: string }
  /** It ends without a run. */
  | { readonly kind: 'revoked'; readonly message: TaskMessage; readonly why: 'revoked' | 'expired' }

export interface Intake {
  readonly limits: DecodeLimits
  definition(name: string): TaskDefinition | undefined
  isRevoked(id: string): boolean
  /** Asked of messages that bear stamps. */
  isStampRevoked(message: TaskMessage): boolean
}

export function decodeLimits({ acceptContent, messageMaxBytes }: Pick<Settings, 'acceptContent' | 'messageMaxBytes'>): DecodeLimits {
  return { ...DEFAULT_LIMITS, acceptContent: new Set(acceptContent), maxBytes: messageMaxBytes }
}

/** @param now the broker's wall clock, in milliseconds: what ETA and expiry are compared with */
export function accept(delivery: Delivery, intake: Intake, now: number): Accepted {
  const decoded = decodeMessage(delivery.raw, intake.limits)
  if (!decoded.ok) return { kind: 'unreadable', bad: decoded.bad }
  const { message } = decoded
  if (intake.isRevoked(message.id)) return { kind: 'revoked', message, why: 'revoked' }
  if (message.expires !== null && message.expires <= now) return { kind: 'revoked', message, why: 'expired' }
  if (message.eta !== null && message.eta > now) return { kind: 'park', message, due: message.eta }
  const definition = intake.definition(message.task)
  if (definition === undefined) return { kind: 'unregistered', message }
  // The join of a chord is counted by whoever ends a header task; run without that, its body would wait for ever.
  if (message.chord !== null) return { kind: 'unsupported', message, what: 'chords' }
  // A sender in another language does not know that the task wants no result.
  const ignored = definition.policy.ignoreResult && !message.ignoreResult
  return { kind: 'run', request: { delivery, definition, message: ignored ? { ...message, ignoreResult: true } : message } }
}

/**
 * Between acceptance and start a task may have waited for a slot: what ends it without a run is asked once more. Stamps only now, as in
 * Celery, which reports such a task as received and then as revoked.
 *
 * @param now the broker's wall clock, in milliseconds
 */
export function overtaken({ message }: Request, intake: Intake, now: () => number): 'revoked' | 'expired' | null {
  if (intake.isRevoked(message.id)) return 'revoked'
  if (message.stampedHeaders.length > 0 && intake.isStampRevoked(message)) return 'revoked'
  return message.expires !== null && message.expires <= now() ? 'expired' : null
}
