/** What can be said about one call, and how it is read. Spans are seconds; moments are Dates, ISO texts or milliseconds since 1970. */
import { type Duration, parseSeconds, seconds } from '../duration.js'
import { CelerityError, reason } from '../errors.js'
import { parseIso } from '../protocol/dates.js'
import type { Signature } from '../protocol/signature.js'
import type { Compression } from './task-options.js'

/** ISO 8601 in a text; a number is milliseconds since 1970. */
export type Moment = Date | string | number

export interface CallOptions {
  readonly kwargs?: Readonly<Record<string, unknown>>
  /** Default: a new UUID. The same id sent twice is the same task: use it to make a repeated send harmless. */
  readonly taskId?: string
  /** Not before this long from now. */
  readonly countdown?: Duration
  /** Not before; wins over `countdown`. */
  readonly eta?: Moment
  /** A span from now, or a moment: not run any more after it. */
  readonly expires?: Duration | Date
  /** 0 is the highest. */
  readonly priority?: number
  readonly queue?: string
  /** Your own; names that Celery uses itself are not overwritten. */
  readonly headers?: Readonly<Record<string, unknown>>
  /** Sent when it succeeds, with its result as the first argument. */
  readonly link?: Signature | readonly Signature[]
  /** Sent when it fails, with its id as the first argument. */
  readonly linkError?: Signature | readonly Signature[]
  readonly timeLimit?: Duration
  readonly softTimeLimit?: Duration
  /** Another name in logs and events. */
  readonly shadow?: string
  readonly ignoreResult?: boolean
  readonly compression?: Compression
  /** Retries it counts as having had. */
  readonly retries?: number
}

/** Milliseconds since 1970 before which it must not run; undefined: at once. */
export function etaOf({ eta, countdown }: Pick<CallOptions, 'eta' | 'countdown'>, now: number): number | undefined {
  if (eta !== undefined) return moment('eta', eta)
  return countdown === undefined ? undefined : now + span('countdown', countdown) * 1000
}

/** Milliseconds since 1970 after which it must not run any more. */
export function expiryOf(expires: CallOptions['expires'], now: number): number | undefined {
  if (expires === undefined) return undefined
  // Signatures from Python carry ISO texts here; a text such as '5m' is a span.
  if (expires instanceof Date || (typeof expires === 'string' && parseSeconds(expires) === null)) return moment('expires', expires)
  return now + span('expires', expires) * 1000
}

export function moment(option: string, value: Moment): number {
  const at = value instanceof Date ? value.getTime() : typeof value === 'string' ? parseIso(value) : value
  if (typeof at === 'number' && Number.isFinite(at)) return at
  throw badCall(`${option}: ${String(value)} is no moment: give a Date, an ISO 8601 text, or milliseconds since 1970`)
}

export function span(option: string, value: Duration): number {
  try {
    return seconds(value)
  } catch (cause) {
    throw badCall(`${option}: ${reason(cause)}`)
  }
}

/** @throws CelerityError E_ARGUMENTS for what is no signature, such as the task itself */
export function signaturesOf(option: 'link' | 'linkError', links: CallOptions['link']): readonly Signature[] | undefined {
  if (links === undefined) return undefined
  const list: readonly Signature[] = Array.isArray(links) ? links : [links as Signature]
  return list.map((link) => {
    if (typeof link === 'object' && link !== null && typeof link.task === 'string') return plain(link)
    throw badCall(`${option}: give a signature, such as add.s(), not ${typeof link === 'function' ? 'the task itself' : String(link)}`)
  })
}

/** A signature without methods, so that it can be encoded. */
export function plain(signature: Signature): Signature {
  const { task, args, kwargs, options, subtask_type, immutable } = signature
  return { task, args, kwargs, options, subtask_type, immutable }
}

function badCall(message: string): CelerityError {
  return new CelerityError('E_ARGUMENTS', { message })
}
