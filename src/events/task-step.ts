/** The states of a task as its events make them, and which of two events has the say. */
import type { ClusterEvent } from '../protocol/event.js'
import { readNumber, readText } from './event-fields.js'

/** The event that says the state. Times are unix seconds. */
export interface Step {
  readonly state: string
  readonly at: number
  readonly clock: number
  /** The node that sent it. */
  readonly by: string
  readonly result: string | null
  readonly exception: string | null
  readonly traceback: string | null
  readonly runtime: number | null
}

/** Longest traceback that is kept, in characters. */
const MAX_TRACEBACK = 16_384

const STATES: Readonly<Record<string, string>> = {
  'task-sent': 'PENDING',
  'task-received': 'RECEIVED',
  'task-started': 'STARTED',
  'task-succeeded': 'SUCCESS',
  'task-failed': 'FAILURE',
  'task-retried': 'RETRY',
  'task-rejected': 'REJECTED',
  'task-revoked': 'REVOKED',
}

/** Final states stand whenever they came; what is only sent gives way to everything else. */
const FINALITY: Readonly<Record<string, number>> = { SUCCESS: 3, FAILURE: 2, REVOKED: 1, PENDING: -1 }

/** At one moment and one clock: the greater is the later in a task's life. An application's own states come after all of them. */
const PRECEDENCE: Readonly<Record<string, number>> = { RETRY: 0, REJECTED: 1, RECEIVED: 2, STARTED: 3 }
const OWN_STATE = 4

/** An application's own event, such as `task-progress`, makes the state PROGRESS, as in Celery's monitors. */
export function stepOf({ type, timestamp, clock, hostname, fields }: ClusterEvent): Step {
  return {
    state: STATES[type] ?? type.slice('task-'.length).toUpperCase(),
    at: timestamp,
    clock: type === 'task-sent' ? 0 : clock,
    by: hostname,
    result: readText(fields, 'result'),
    exception: readText(fields, 'exception'),
    traceback: readText(fields, 'traceback', MAX_TRACEBACK),
    runtime: readNumber(fields, 'runtime'),
  }
}

/** A total order: 0 only for equal steps. */
export function compareSteps(one: Step, other: Step): number {
  return (
    finality(one.state) - finality(other.state) ||
    one.at - other.at ||
    one.clock - other.clock ||
    precedence(one.state) - precedence(other.state) ||
    compareData(one, other)
  )
}

/** For what nothing else tells apart: some order, always the same. Both have their fields in the same order. */
export function compareData(one: object, other: object): number {
  if (one === other) return 0
  const [text, otherText] = [JSON.stringify(one), JSON.stringify(other)]
  return text < otherText ? -1 : text > otherText ? 1 : 0
}

function finality(state: string): number {
  return FINALITY[state] ?? 0
}

function precedence(state: string): number {
  return PRECEDENCE[state] ?? OWN_STATE
}
