/**
 * What is known of one task, made of its events. It depends on which events it had, not on the order in which they came nor on how often:
 * each part is the greatest of its kind by a total order, so that two records of a task can be joined as well.
 *
 * SUCCESS, FAILURE and REVOKED stand by that precedence and for good. Below them the newest event says the state; at the same moment and
 * clock: one of the application's own, STARTED, RECEIVED, REJECTED, RETRY. `task-sent` says something only while nothing else does, for
 * clients keep a logical clock of their own.
 */
import type { ClusterEvent } from '../protocol/event.js'
import { isFinal } from '../protocol/result.js'
import { describe, newerDescription, type TaskDescription } from './task-description.js'
import { compareSteps, type Step, stepOf } from './task-step.js'
import { joinTries, type Try, triesOf } from './task-tries.js'

/** One task. Times are unix seconds. */
export interface TaskRecord {
  readonly id: string
  readonly name: string | null
  /** PENDING (sent), RECEIVED, STARTED, SUCCESS, FAILURE, RETRY, REVOKED, REJECTED, or an application's own. */
  readonly state: string
  /** The node whose event made the state; null: it was only sent. */
  readonly worker: string | null
  readonly queue: string | null
  readonly args: string | null
  readonly kwargs: string | null
  /** Its repr. */
  readonly result: string | null
  readonly exception: string | null
  readonly traceback: string | null
  readonly runtime: number | null
  readonly retries: number
  readonly eta: number | null
  readonly expires: number | null
  readonly rootId: string | null
  readonly parentId: string | null
  /** `<file>:<line>`, of our producers. */
  readonly sentFrom: string | null
  /** When it was sent, the last time. */
  readonly sentAt: number | null
  /** When it was last received, and when it last started: once per try. */
  readonly receivedAt: number | null
  readonly startedAt: number | null
  /** When it became final. */
  readonly endedAt: number | null
  /** When it came into its state. */
  readonly stateAt: number
  /** Logical clock of the event that made the state; 0: it was only sent. */
  readonly clock: number
  /** The last tries that did not succeed, oldest first. */
  readonly tries: readonly Try[]
  /** What all of it was made of. */
  readonly parts: TaskParts
}

/** What records are joined by; plain data, JSON keeps it as it is. */
export interface TaskParts {
  readonly sent: TaskDescription | null
  readonly received: TaskDescription | null
  readonly startedAt: number | null
  /** The event that says the state. */
  readonly step: Step
  readonly tries: readonly Try[]
}

export type TaskEvent = ClusterEvent & { readonly uuid: string }

export function isTaskEvent(event: ClusterEvent): event is TaskEvent {
  return event.uuid !== undefined
}

/** The record with one more event of its task; the same one when the event adds nothing. */
export function mergeTask(record: TaskRecord | undefined, event: TaskEvent): TaskRecord {
  const parts = partsOf(event)
  return record === undefined ? recordOf(event.uuid, parts) : joined(record, parts)
}

/** All that two records of one task know. */
export function joinTasks(one: TaskRecord, other: TaskRecord): TaskRecord {
  return joined(one, other.parts)
}

/** The record of a task whose parts were kept somewhere. */
export function recordOf(id: string, parts: TaskParts): TaskRecord {
  const { sent, received, startedAt, step, tries } = parts
  const isKnown = step.state !== 'PENDING'
  return {
    id,
    name: received?.name ?? sent?.name ?? null,
    state: step.state,
    worker: isKnown ? step.by : null,
    queue: received?.queue ?? sent?.queue ?? null,
    args: received?.args ?? sent?.args ?? null,
    kwargs: received?.kwargs ?? sent?.kwargs ?? null,
    result: step.result,
    exception: step.exception,
    traceback: step.traceback,
    runtime: step.runtime,
    retries: received?.retries ?? sent?.retries ?? 0,
    eta: received?.eta ?? sent?.eta ?? null,
    expires: received?.expires ?? sent?.expires ?? null,
    rootId: received?.rootId ?? sent?.rootId ?? null,
    parentId: received?.parentId ?? sent?.parentId ?? null,
    sentFrom: received?.sentFrom ?? sent?.sentFrom ?? null,
    sentAt: received?.sentAt ?? sent?.at ?? null,
    receivedAt: received?.at ?? null,
    startedAt,
    endedAt: isFinal(step.state) ? step.at : null,
    stateAt: step.at,
    clock: isKnown ? step.clock : 0,
    tries,
    parts,
  }
}

function partsOf(event: TaskEvent): TaskParts {
  return {
    sent: event.type === 'task-sent' ? describe(event) : null,
    received: event.type === 'task-received' ? describe(event) : null,
    startedAt: event.type === 'task-started' ? event.timestamp : null,
    step: stepOf(event),
    tries: triesOf(event),
  }
}

function joined(record: TaskRecord, other: TaskParts): TaskRecord {
  const own = record.parts
  const sent = newerDescription(own.sent, other.sent)
  const received = newerDescription(own.received, other.received)
  const startedAt = later(own.startedAt, other.startedAt)
  const step = compareSteps(own.step, other.step) >= 0 ? own.step : other.step
  const tries = joinTries(own.tries, other.tries)
  const isSame =
    sent === own.sent && received === own.received && startedAt === own.startedAt && step === own.step && tries.length === own.tries.length
  if (isSame && tries.every((one, index) => one === own.tries[index])) return record
  return recordOf(record.id, { sent, received, startedAt, step, tries })
}

function later(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other)
}
