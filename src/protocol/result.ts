/**
 * Results as Celery's backends keep them: one JSON object per task id. Field order and content are Celery's; the fixtures `result-*`
 * hold them. See docs/protocol.md.
 */
import { formatIso, isMoment, parseIso } from './dates.js'
import { readWireError, type WireError } from './error-wire.js'
import { isObject, type JsonObject } from './fields.js'
import { encodeJson, parseJson } from './json.js'
import { repr } from './python-repr.js'
import { type ResultTuple, readTuples, toTuple } from './result-tuple.js'
import { readTry, type Try, tryField } from './try.js'

export type ErrorState = 'FAILURE' | 'RETRY' | 'REVOKED'

/** What a result says. PENDING is never stored: it is the absence of a result. */
export type Outcome =
  | { readonly kind: 'success'; readonly value: unknown }
  | { readonly kind: 'error'; readonly state: ErrorState; readonly error: WireError }
  /** STARTED with `{ pid, hostname }`, PROGRESS, or any state of the user's own with its data. */
  | { readonly kind: 'meta'; readonly state: string; readonly meta: unknown }

/** What `resultExtended` adds. */
export interface ExtendedResult {
  readonly name: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  /** Node name. */
  readonly worker: string
  readonly retries: number
  readonly queue: string
  readonly stamps: Readonly<Record<string, unknown>>
}

export interface ResultInput {
  readonly id: string
  readonly outcome: Outcome
  /** When it was done, in milliseconds since 1970; only final states have one. */
  readonly dateDone: number
  /** What the task sent while it ran; absent: nothing. Null: nobody could know. */
  readonly children?: readonly ResultTuple[] | null | undefined
  readonly groupId?: string | null | undefined
  readonly parentId?: string | null | undefined
  readonly extended?: ExtendedResult | undefined
  /** Where no fence keeps a late worker out. */
  readonly try?: Try | null | undefined
  /** Python values as markers (kombu 5.3 and later), or as plain strings. */
  readonly markers: boolean
}

/** A result from the store. */
export interface TaskResult {
  readonly id: string
  readonly outcome: Outcome
  readonly dateDone: number | null
  /** Null when it was written by someone who could not know. */
  readonly children: readonly ResultTuple[] | null
  readonly groupId: string | null
  readonly parentId: string | null
  readonly extended: ExtendedResult | null
  /** Null when it does not say. */
  readonly try: Try | null
}

export function stateOf(outcome: Outcome): string {
  return outcome.kind === 'success' ? 'SUCCESS' : outcome.state
}

/** Whether nothing comes after this state. */
export function isFinal(state: string): boolean {
  return state === 'SUCCESS' || state === 'FAILURE' || state === 'REVOKED'
}

/** The key of a task's result, and the channel on which its changes are told. The prefix gets a `_` unless it ends in `: _ - .`, as in Celery. */
export function resultKey(prefix: string, id: string): string {
  return `${prefix === '' || /[:_.-]$/.test(prefix) ? prefix : `${prefix}_`}celery-task-meta-${id}`
}

/** @throws CelerityError E_ENCODE when a value, a meta or the extended arguments cannot be sent (`value.x: a function …`) */
export function encodeResult(input: ResultInput): string {
  const { outcome, id, children, groupId, parentId } = input
  const state = stateOf(outcome)
  const traceback = outcome.kind === 'error' && outcome.error.traceback !== null ? JSON.stringify(outcome.error.traceback) : 'null'
  const kin = children === null ? 'null' : children === undefined || children.length === 0 ? '[]' : JSON.stringify(children.map(toTuple))
  const done = isFinal(state) && isMoment(input.dateDone) ? `"${formatIso(input.dateDone)}"` : 'null'
  const more =
    (groupId ? `, "group_id": ${JSON.stringify(groupId)}` : '') +
    (parentId ? `, "parent_id": ${JSON.stringify(parentId)}` : '') +
    (input.extended === undefined ? '' : extended(input.extended, input.markers))
  return (
    `{"status": ${JSON.stringify(state)}, "result": ${encodeOutcome(outcome, input.markers)}, "traceback": ${traceback}, ` +
    `"children": ${kin}, "date_done": ${done}${more}, "task_id": ${JSON.stringify(id)}${tryField(input.try)}}`
  )
}

function encodeOutcome(outcome: Outcome, markers: boolean): string {
  switch (outcome.kind) {
    case 'success':
      return encodeJson(outcome.value, { markers })
    case 'meta':
      return encodeJson(outcome.meta, { markers, name: 'meta' })
    case 'error':
      return encodeError(outcome.error, markers)
  }
}

function encodeError(error: WireError, markers: boolean): string {
  const message = error.message.map((argument) => encodeArgument(argument, markers)).join(', ')
  return `{"exc_type": ${JSON.stringify(error.type)}, "exc_message": [${message}], "exc_module": ${JSON.stringify(error.module)}}`
}

/** An argument that cannot be sent becomes text: a failure is stored in any case. */
function encodeArgument(argument: unknown, markers: boolean): string {
  try {
    return encodeJson(argument, { markers })
  } catch {
    return JSON.stringify(repr(argument))
  }
}

function extended(fields: ExtendedResult, markers: boolean): string {
  const json = (value: unknown, name: string) => encodeJson(value, { markers, name })
  const names = Object.keys(fields.stamps)
  const stamps = names.map((name) => `, ${JSON.stringify(name)}: ${json(fields.stamps[name], `stamps.${name}`)}`).join('')
  return (
    `, "name": ${JSON.stringify(fields.name)}, "args": ${json(fields.args, 'args')}, "kwargs": ${json(fields.kwargs, 'kwargs')}, ` +
    `"worker": ${JSON.stringify(fields.worker)}, "retries": ${fields.retries}, "queue": ${JSON.stringify(fields.queue)}` +
    (names.length === 0 ? '' : `, "stamped_headers": ${JSON.stringify(names)}${stamps}`)
  )
}

/** Never throws: what the store holds may be anything. Unknown fields are passed over. */
export function decodeResult(
  json: string,
): { readonly ok: true; readonly result: TaskResult } | { readonly ok: false; readonly reason: string } {
  let meta: unknown
  try {
    meta = parseJson(json)
  } catch {
    return { ok: false, reason: 'not JSON' }
  }
  if (!isObject(meta)) return { ok: false, reason: 'not an object' }
  const id = meta['task_id']
  if (typeof id !== 'string') return { ok: false, reason: 'task_id: expected a string' }
  const outcome = readOutcome(meta)
  if (typeof outcome === 'string') return { ok: false, reason: outcome }
  return {
    ok: true,
    result: {
      id,
      outcome,
      dateDone: readDate(meta['date_done']),
      children: readTuples(meta['children']),
      groupId: textOrNull(meta['group_id']),
      parentId: textOrNull(meta['parent_id']),
      extended: readExtended(meta),
      try: readTry(json),
    },
  }
}

/** The outcome, or why there is none. */
function readOutcome(meta: JsonObject): Outcome | string {
  const state = meta['status']
  if (typeof state !== 'string' || state === '') return 'status: expected a state'
  const result = meta['result'] ?? null
  if (state === 'SUCCESS') return { kind: 'success', value: result }
  if (state !== 'FAILURE' && state !== 'RETRY' && state !== 'REVOKED') return { kind: 'meta', state, meta: result }
  const error = readWireError(result, textOrNull(meta['traceback']))
  return error === null ? 'result: expected an exception' : { kind: 'error', state, error }
}

function readExtended(meta: JsonObject): ExtendedResult | null {
  const { name, args, kwargs } = meta
  if (typeof name !== 'string' || !Array.isArray(args) || !isObject(kwargs)) return null
  const retries = meta['retries']
  return {
    name,
    args,
    kwargs,
    worker: textOrNull(meta['worker']) ?? '',
    retries: typeof retries === 'number' ? retries : 0,
    queue: textOrNull(meta['queue']) ?? '',
    stamps: readStamps(meta),
  }
}

function readStamps(meta: JsonObject): JsonObject {
  const names = meta['stamped_headers']
  const stamps: Record<string, unknown> = {}
  if (!Array.isArray(names)) return stamps
  for (const name of names) if (typeof name === 'string' && name !== '__proto__' && Object.hasOwn(meta, name)) stamps[name] = meta[name]
  return stamps
}

function readDate(value: unknown): number | null {
  return typeof value === 'string' ? parseIso(value) : value instanceof Date ? value.getTime() : null
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
