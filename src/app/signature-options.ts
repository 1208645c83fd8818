/** The options of a call, as a signature carries them: Celery's names, plain JSON. */
import { parseSeconds } from '../duration.js'
import { parseIso } from '../protocol/dates.js'
import type { TaskCall } from '../protocol/message.js'
import type { Signature } from '../protocol/signature.js'
import { type CallOptions, moment, signaturesOf, span } from './call-options.js'
import type { Compression } from './task-options.js'

type WireOptions = Readonly<Record<string, unknown>>

/** @throws CelerityError E_ARGUMENTS for a moment or a span that is none */
export function toWireOptions(options: CallOptions): WireOptions {
  const { countdown, eta, expires, timeLimit, softTimeLimit } = options
  const entries: Readonly<Record<string, unknown>> = {
    task_id: options.taskId,
    countdown: countdown === undefined ? undefined : span('countdown', countdown),
    eta: eta === undefined ? undefined : new Date(moment('eta', eta)).toISOString(),
    expires: expires === undefined ? undefined : expires instanceof Date ? expires.toISOString() : wireExpiry(expires),
    priority: options.priority,
    queue: options.queue,
    headers: options.headers,
    link: signaturesOf('link', options.link),
    link_error: signaturesOf('linkError', options.linkError),
    time_limit: timeLimit === undefined ? undefined : span('timeLimit', timeLimit),
    soft_time_limit: softTimeLimit === undefined ? undefined : span('softTimeLimit', softTimeLimit),
    shadow: options.shadow,
    ignore_result: options.ignoreResult,
    compression: options.compression,
    retries: options.retries,
  }
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined))
}

/** A span stays one: it is counted from when the signature is sent. */
function wireExpiry(expires: NonNullable<CallOptions['expires']>): number | string {
  if (typeof expires === 'string' && parseSeconds(expires) === null) return new Date(moment('expires', expires)).toISOString()
  return expires instanceof Date ? expires.toISOString() : span('expires', expires)
}

/** What else a message carries for the workflow it is part of. */
export type Workflow = Pick<TaskCall, 'chain' | 'chord' | 'group' | 'groupIndex' | 'rootId' | 'parentId' | 'stamps'>

/**
 * Options as they were read from a message, perhaps Python's. What has not the right type is passed over, as are options that mean nothing
 * to us (`serializer`, `exchange`): the sender's worker did not check them either, and a follow-up is better sent than dropped.
 */
export function fromWireOptions(options: WireOptions): { readonly call: CallOptions; readonly workflow: Workflow } {
  if (isEmpty(options)) return NO_OPTIONS
  const read = new OptionReader(options)
  const call: { -readonly [K in keyof CallOptions]: CallOptions[K] | undefined } = {
    taskId: read.text('task_id'),
    countdown: read.span('countdown'),
    eta: read.moment('eta'),
    expires: read.span('expires') ?? read.moment('expires'),
    priority: read.number('priority'),
    queue: read.text('queue') ?? read.text('routing_key'),
    headers: read.object('headers'),
    link: read.signatures('link'),
    linkError: read.signatures('link_error'),
    timeLimit: read.span('time_limit'),
    softTimeLimit: read.span('soft_time_limit'),
    shadow: read.text('shadow'),
    ignoreResult: read.flag('ignore_result'),
    compression: read.compression(),
    retries: read.number('retries'),
  }
  const workflow: Workflow = {
    // The steps after this one: of a chain under way, and in the body of a chord that stands in a chain.
    chain: read.list('chain')?.filter(isSignature),
    chord: read.signatures('chord')?.[0],
    group: read.text('group_id'),
    groupIndex: read.number('group_index'),
    rootId: read.text('root_id'),
    parentId: read.text('parent_id'),
    stamps: read.stamps(),
  }
  return { call: call as CallOptions, workflow }
}

/** Most signatures have none; reading that out of them costs as much as writing half of the message. */
const NO_OPTIONS = { call: {}, workflow: {} }

function isEmpty(options: WireOptions): boolean {
  for (const _ in options) return false
  return true
}

class OptionReader {
  readonly #options: WireOptions

  constructor(options: WireOptions) {
    this.#options = options
  }

  text(key: string): string | undefined {
    const value = this.#options[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }

  number(key: string): number | undefined {
    const value = this.#options[key]
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined
  }

  flag(key: string): boolean | undefined {
    const value = this.#options[key]
    return typeof value === 'boolean' ? value : undefined
  }

  object(key: string): Readonly<Record<string, unknown>> | undefined {
    const value = this.#options[key]
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  }

  /** Seconds; what lies in the past is now. */
  span(key: string): number | undefined {
    const value = this.number(key)
    return value === undefined ? undefined : Math.max(0, value)
  }

  /** From a Date, where the message had a marker, or ISO text. */
  moment(key: string): Date | undefined {
    const value = this.#options[key]
    const at = value instanceof Date ? value.getTime() : typeof value === 'string' ? parseIso(value) : null
    return at === null || Number.isNaN(at) ? undefined : new Date(at)
  }

  list(key: string): readonly unknown[] | undefined {
    const value = this.#options[key]
    return Array.isArray(value) ? value : undefined
  }

  /** One or a list of them. */
  signatures(key: string): readonly Signature[] | undefined {
    const value = this.#options[key]
    const found = (Array.isArray(value) ? value : [value]).filter(isSignature)
    return found.length === 0 ? undefined : found
  }

  compression(): Compression | undefined {
    const name = this.text('compression')
    return name === 'zlib' || name === 'gzip' || name === 'brotli' ? name : undefined
  }

  stamps(): Readonly<Record<string, unknown>> | undefined {
    const names = this.#options['stamped_headers']
    if (!Array.isArray(names) || names.length === 0) return undefined
    return Object.fromEntries(names.filter((name) => typeof name === 'string').map((name) => [name, this.#options[name]]))
  }
}

function isSignature(value: unknown): value is Signature {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Signature>).task === 'string'
}
