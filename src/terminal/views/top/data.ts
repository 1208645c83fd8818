/** What the view is given, four times a second: plain data, as it is known at one moment. */
import type { QueueCounts } from '../../../broker/broker.js'
import type { TaskRecord } from '../../../events/task-record.js'

export interface TopData {
  /** Unix seconds. */
  readonly now: number
  readonly tasks: readonly TopTask[]
  readonly workers: readonly TopWorker[]
  readonly queues: readonly QueueCounts[]
  /** Tasks that ended within the last seconds, per second. */
  readonly rate: number
  /** What is not as it should be, in a sentence: the broker is away, workers send no events. */
  readonly trouble: string | null
}

export type TopTask = Omit<TaskRecord, 'parts'>

export interface TopWorker {
  readonly node: string
  readonly isAlive: boolean
  /** Unix seconds; null: none was heard. */
  readonly heartbeatAt: number | null
  /** Tasks that run now, and runs that ended; null: it did not say. */
  readonly active: number | null
  readonly processed: number | null
  readonly loadavg: readonly number[] | null
  readonly pid: number | null
  readonly software: string | null
  /** Empty: not known, as of Python's workers. */
  readonly queues: readonly string[]
}

/** What a person asks for; the shell around the view carries it out. */
export type Intent =
  | { readonly kind: 'quit' }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'events' }
  | { readonly kind: 'revoke'; readonly id: string; readonly terminate: boolean }
  | { readonly kind: 'rate-limit'; readonly name: string; readonly rate: string }

export const TABS = ['tasks', 'workers', 'queues'] as const
export type Tab = (typeof TABS)[number]

/** One line of a list. */
export type Item =
  | { readonly tab: 'tasks'; readonly key: string; readonly task: TopTask }
  | { readonly tab: 'workers'; readonly key: string; readonly worker: TopWorker }
  | { readonly tab: 'queues'; readonly key: string; readonly queue: QueueCounts }
