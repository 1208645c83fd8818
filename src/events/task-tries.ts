/** The tries of a task that did not succeed. */
import type { ClusterEvent } from '../protocol/event.js'
import { readNumber, readText } from './event-fields.js'
import { compareData } from './task-step.js'

export interface Try {
  /** Unix seconds: when it ended. */
  readonly at: number
  readonly clock: number
  readonly outcome: 'retried' | 'failed'
  readonly exception: string | null
  readonly traceback: string | null
  readonly worker: string
  /** Seconds; null: not told, as by Python's workers. */
  readonly runtime: number | null
}

/** How many are kept: the last. */
const MAX_TRIES = 20
/** Longest texts that are kept of each, in characters; the last one's are in the task itself. */
const MAX_EXCEPTION = 1_024
const MAX_TRACEBACK = 4_096

const NONE: readonly Try[] = []

export function triesOf({ type, timestamp, clock, hostname, fields }: ClusterEvent): readonly Try[] {
  if (type !== 'task-retried' && type !== 'task-failed') return NONE
  const one: Try = {
    at: timestamp,
    clock,
    outcome: type === 'task-retried' ? 'retried' : 'failed',
    exception: readText(fields, 'exception', MAX_EXCEPTION),
    traceback: readText(fields, 'traceback', MAX_TRACEBACK),
    worker: hostname,
    runtime: readNumber(fields, 'runtime'),
  }
  return [one]
}

/** All of both, each once, oldest first; the last of them when there are too many. */
export function joinTries(some: readonly Try[], others: readonly Try[]): readonly Try[] {
  if (some.length === 0 || others.length === 0) return some.length === 0 ? others : some
  const sorted = [...some, ...others].sort(compareTries)
  const once = sorted.filter((one, index) => {
    const before = sorted[index - 1]
    return before === undefined || compareTries(before, one) !== 0
  })
  return once.slice(-MAX_TRIES)
}

function compareTries(one: Try, other: Try): number {
  return one.at - other.at || one.clock - other.clock || compareData(one, other)
}
