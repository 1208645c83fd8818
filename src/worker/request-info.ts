/** A request as `inspect` tells of it. */
import type { TaskMessage } from '../protocol/message.js'
import { reprArgs, reprKwargs } from '../protocol/python-repr.js'

/** The fields of Celery's `Request.info`, in their order. */
export interface RequestInfo {
  readonly id: string
  readonly name: string
  readonly args: unknown
  readonly kwargs: unknown
  readonly type: string
  readonly hostname: string
  /** Unix seconds; null: it does not run. */
  readonly time_start: number | null
  readonly acknowledged: boolean
  readonly delivery_info: {
    readonly exchange: string
    readonly routing_key: string
    readonly priority: number
    readonly redelivered: boolean
  }
  readonly worker_pid: number | null
}

export interface InfoOptions {
  readonly node: string
  /** Arguments as text that cannot be read back, instead of the values. */
  readonly safe: boolean
}

/** Of a request that does not run. */
export function messageInfo(message: TaskMessage, { node, safe }: InfoOptions): RequestInfo {
  const { args, kwargs, argsrepr, kwargsrepr, exchange, queue, priority, redelivered } = message
  return {
    id: message.id,
    name: message.task,
    args: safe ? (argsrepr ?? reprArgs(args)) : args,
    kwargs: safe ? (kwargsrepr ?? reprKwargs(kwargs)) : kwargs,
    type: message.task,
    hostname: node,
    time_start: null,
    acknowledged: false,
    delivery_info: { exchange, routing_key: queue, priority, redelivered },
    worker_pid: null,
  }
}
