/**
 * What a handler throws to say something else than "I failed", and what the worker throws into it. They are told apart by a mark, not by
 * `instanceof`: a task module loaded through another loader may hold a second copy of these classes.
 *
 * `celeryModule`, `name` and `args` are what Python sees (protocol/result.ts).
 */
import { CelerityError } from '../errors.js'
import type { RetryOptions } from './task-context.js'

const KIND = Symbol.for('celerity.throwable')

type Kind = 'retry' | 'ignore' | 'reject'

abstract class Throwable extends Error {
  static readonly celeryModule: string = 'celery.exceptions'
  /** What the Python exception is constructed with. */
  readonly args: readonly unknown[]

  constructor(name: string, message: string, args: readonly unknown[], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = name
    this.args = args
  }

  protected mark(kind: Kind): void {
    Object.defineProperty(this, KIND, { value: kind })
  }
}

/** Run this task again later. `task.retry(options)` throws it; a handler may throw it itself. */
export class Retry extends Throwable {
  readonly options: RetryOptions

  constructor(options: RetryOptions = {}) {
    const { countdown } = options
    const text = countdown === undefined ? 'Retry' : `Retry in ${typeof countdown === 'number' ? `${countdown}s` : countdown}`
    super('Retry', text, [text, null, null], options.cause)
    this.options = options
    this.mark('retry')
  }
}

/** The task is done and stores nothing: its state stays what the handler made it. */
export class Ignore extends Throwable {
  constructor(reason = 'the task asked to be ignored') {
    super('Ignore', reason, [reason])
    this.mark('ignore')
  }
}

/** Nothing is stored and the message goes to the dead letters, or back to its queue with `requeue`. */
export class Reject extends Throwable {
  readonly requeue: boolean

  constructor(reason = 'the task rejected its message', options: { readonly requeue?: boolean } = {}) {
    const requeue = options.requeue ?? false
    super('Reject', reason, [reason, requeue])
    this.requeue = requeue
    this.mark('reject')
  }
}

/** The reason of `task.signal` at the soft time limit; a handler may catch it and end in its own way. */
export class SoftTimeLimitExceeded extends Throwable {
  static override readonly celeryModule = 'billiard.exceptions'
  readonly seconds: number

  constructor(seconds: number) {
    super('SoftTimeLimitExceeded', `the soft time limit of ${seconds} s was exceeded`, [])
    this.seconds = seconds
  }
}

/** The outcome at the hard time limit: whatever the handler still does has no effect on it. */
export class TimeLimitExceeded extends Throwable {
  static override readonly celeryModule = 'billiard.exceptions'
  readonly seconds: number

  constructor(seconds: number) {
    super('TimeLimitExceeded', `the time limit of ${seconds} s was exceeded`, [seconds])
    this.seconds = seconds
  }
}

/** The reason of `task.signal` when somebody terminated the task: its state is REVOKED, whatever the handler still does. */
export class TaskTerminated extends Throwable {
  constructor(signal: string) {
    super('TaskTerminated', `the task was terminated (${signal})`, [signal])
  }
}

/** `retry()` beyond the most tries allowed, without an error of the task's own to fail with. */
export class MaxRetriesExceeded extends Error {
  static readonly celeryModule = 'celery.exceptions'
  readonly args: readonly unknown[]

  constructor(task: string, id: string, retries: number) {
    super(`Can't retry ${task}[${id}]: it was retried ${retries} times already`)
    this.name = 'MaxRetriesExceededError'
    this.args = [this.message]
  }
}

/** Arguments that do not fit the task. Python sees a TypeError with the words it would use itself. */
export class ArgumentsError extends TypeError {
  readonly args: readonly unknown[]

  constructor(message: string) {
    super(message)
    this.name = 'TypeError'
    this.args = [message]
  }
}

/** `AsyncResult.get` of a task that was revoked, terminated or had expired. */
export class TaskRevoked extends CelerityError {
  constructor(id: string, why: string) {
    super('E_TASK_REVOKED', { message: `task ${id} ${why === 'terminated' ? 'was' : 'did not run:'} ${why}` })
  }
}

const isKind = (error: unknown, kind: Kind): boolean =>
  typeof error === 'object' && error !== null && (error as { readonly [KIND]?: unknown })[KIND] === kind

export const isRetry = (error: unknown): error is Retry => isKind(error, 'retry')
export const isIgnore = (error: unknown): error is Ignore => isKind(error, 'ignore')
export const isReject = (error: unknown): error is Reject => isKind(error, 'reject')
