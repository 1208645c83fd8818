/**
 * The task message: Celery's protocol 2 (read and written) and 1 (read), in the envelope of kombu's Redis transport, which every broker of
 * ours but RabbitMQ keeps as it is. See docs/protocol.md.
 */
import type { Compression } from './compression.js'
import { isMoment } from './dates.js'
import type { BadCode } from './refusal.js'
import type { Signature } from './signature.js'

export type { BadCode }

/** Headers with a meaning of their own; all others are the user's. */
export const CELERY_HEADERS: ReadonlySet<string> = new Set([
  ...['lang', 'task', 'id', 'shadow', 'eta', 'expires', 'group', 'group_index', 'retries', 'timelimit', 'root_id', 'parent_id', 'argsrepr'],
  ...['kwargsrepr', 'origin', 'ignore_result', 'replaced_task_nesting', 'stamped_headers', 'stamps', 'compression', 'redelivered'],
])

/** Of the header `sent_at`, which is ours: unix seconds there, milliseconds here. Null for anything else: then it is the user's. */
export function sentAtOf(value: unknown): number | null {
  if (typeof value !== 'number') return null
  const ms = Math.round(value * 1000)
  return isMoment(ms) ? ms : null
}

/** Longest task name that is accepted, in characters. */
export const MAX_NAME_LENGTH = 1024

export function isTaskName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH
}

/** What a message asks for, decoded. Times are wall-clock milliseconds. */
export interface TaskMessage {
  readonly protocol: 1 | 2
  readonly id: string
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly callbacks: readonly Signature[]
  readonly errbacks: readonly Signature[]
  /** Remaining tasks of a chain, in reverse: the next one is the last element. */
  readonly chain: readonly Signature[]
  readonly chord: Signature | null

  readonly shadow: string | null
  readonly eta: number | null
  readonly expires: number | null
  /** When it was sent, or sent again by a retry; null: its producer does not say (only ours do). */
  readonly sentAt: number | null
  readonly retries: number
  /** Seconds, from the message; null: the task's own. */
  readonly timeLimit: number | null
  readonly softTimeLimit: number | null
  readonly group: string | null
  readonly groupIndex: number | null
  readonly rootId: string
  readonly parentId: string | null
  readonly origin: string | null
  readonly argsrepr: string | null
  readonly kwargsrepr: string | null
  readonly ignoreResult: boolean
  readonly replacedTaskNesting: number
  readonly stampedHeaders: readonly string[]
  readonly stamps: Readonly<Record<string, unknown>>
  /** Headers that are none of the above: the user's, and ours (`sent_from`). */
  readonly headers: Readonly<Record<string, unknown>>

  readonly queue: string
  readonly exchange: string
  readonly priority: number
  readonly replyTo: string | null
  readonly correlationId: string | null
  readonly redelivered: boolean
  readonly contentType: string
  readonly compression: string | null
  /** The body as it travelled, so that a retry with the same arguments need not be encoded again. */
  readonly body: EncodedBody
}

export interface EncodedBody {
  /** The `body` string of the envelope. */
  readonly text: string
  /** `base64`, or plain text. */
  readonly encoding: 'base64' | 'utf-8'
}

/** Why bytes are no task message: `code` is short and stable (docs/errors.md), `detail` a sentence with the path of the field. */
export interface BadMessage {
  readonly code: BadCode
  readonly detail: string
  /** As far as they could be read: then the failure can be stored for who waits. */
  readonly id: string | null
  readonly task: string | null
}

export type Decoded<T> = { readonly ok: true; readonly message: T } | { readonly ok: false; readonly bad: BadMessage }

export interface DecodeLimits {
  /** Content types that may be decoded, such as `application/json`. */
  readonly acceptContent: ReadonlySet<string>
  /** Bytes of an envelope. */
  readonly maxBytes: number
  /** Bytes of a body after decompression. */
  readonly maxBodyBytes: number
  /** Levels of nesting. */
  readonly maxDepth: number
}

export const DEFAULT_LIMITS: DecodeLimits = {
  acceptContent: new Set(['application/json']),
  maxBytes: 16 * 1024 * 1024,
  maxBodyBytes: 64 * 1024 * 1024,
  maxDepth: 512,
}

/** What a producer or a worker wants sent. Everything absent has Celery's default. */
export interface TaskCall {
  readonly id: string
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>> | undefined
  /** The arguments as people see them; absent: as a Python tuple. */
  readonly argsrepr?: string | undefined
  readonly queue: string
  readonly priority?: number | undefined
  readonly eta?: number | undefined
  readonly expires?: number | undefined
  readonly retries?: number | undefined
  readonly timeLimit?: number | undefined
  readonly softTimeLimit?: number | undefined
  readonly shadow?: string | undefined
  readonly rootId?: string | undefined
  readonly parentId?: string | undefined
  readonly group?: string | undefined
  readonly groupIndex?: number | undefined
  readonly ignoreResult?: boolean | undefined
  readonly replyTo?: string | undefined
  readonly origin?: string | undefined
  readonly stamps?: Readonly<Record<string, unknown>> | undefined
  readonly callbacks?: readonly Signature[] | undefined
  readonly errbacks?: readonly Signature[] | undefined
  readonly chain?: readonly Signature[] | undefined
  readonly chord?: Signature | undefined
  /** User headers: flat siblings of Celery's own on the wire, which win over them. */
  readonly headers?: Readonly<Record<string, unknown>> | undefined
  readonly compression?: Compression | undefined
}
