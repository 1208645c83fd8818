/** What `import … from 'celerity'` gives: this list and nothing else. Its types are held by test/types/. */
import { Celerity as Application, type InProcessRunner } from './app/celerity.js'
import type { SettingsInput } from './config/schema.js'

/** Eager runs go over the worker's own path, which is loaded when one is asked for; so `app/` need not know the worker. */
const runInProcess: InProcessRunner = async (app, raw) => {
  const worker = await import('./worker/eager.js')
  return worker.runInProcess(app, raw)
}

/**
 * An application: the tasks it has, and what they are sent with.
 *
 * @example
 * const app = new Celerity('kuma')
 * export const add = app.task('kuma.add', async (x: number, y: number) => x + y)
 * const result = await add.delay(2, 3)
 * await result.get({ timeout: 10 }) // 5
 */
export class Celerity extends Application {
  /**
   * @param name     of the application
   * @param settings defaults of your own; a settings file, the environment and flags win over them
   */
  constructor(name: string, settings: SettingsInput = {}) {
    super(name, settings, { runInProcess })
  }
}

export { AsyncResult, type FinalState, type GetOptions, type TaskState, type WaitOptions } from './app/async-result.js'
export type { CallOptions, Moment } from './app/call-options.js'
export type { CompleteSignature, ResultsOf } from './app/celerity.js'
export type { RateLimitOption, RateLimitScope } from './app/rate-limit.js'
export type { ErrorClass, RetryPolicyOptions } from './app/retry-policy.js'
export type { ScheduleOptions } from './app/schedules.js'
export type { SchemaIssue, SchemaResult, StandardSchema } from './app/standard-schema.js'
export type { Task, TaskOf } from './app/task.js'
export type { RetryOptions, SentFrom, TaskContext } from './app/task-context.js'
export type { Compression, TaskOptions } from './app/task-options.js'
export { type ApplyParameters, TaskSignature } from './app/task-signature.js'
export {
  ArgumentsError,
  Ignore,
  MaxRetriesExceeded,
  Reject,
  Retry,
  SoftTimeLimitExceeded,
  TaskRevoked,
  TaskTerminated,
  TimeLimitExceeded,
} from './app/throwables.js'
export type { Settings, SettingsInput } from './config/schema.js'
export type { Route, RouteFunction, Router } from './config/task-kinds.js'
export type { Duration } from './duration.js'
export { CelerityError, type ErrorCode } from './errors.js'
export type { Log, LogFields, LogLevel } from './log.js'
export { RemoteTaskError } from './protocol/error-wire.js'
export {
  type CrontabInput,
  type CrontabSchedule,
  clocked,
  crontab,
  type EntryGiven,
  type Schedule,
  type ScheduleGiven,
  type SolarEvent,
  solar,
} from './protocol/schedule.js'
export type { Signature } from './protocol/signature.js'
export { CalendarDate, ClockTime, Decimal, Uuid } from './protocol/values.js'
