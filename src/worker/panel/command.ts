/** One method of remote control, as this worker serves it. */
import type { Registry } from '../../app/registry.js'
import type { Clock } from '../../clock.js'
import type { Settings } from '../../config/schema.js'
import type { Dispatcher } from '../../events/dispatcher.js'
import type { Log } from '../../log.js'
import type { Lamport } from '../../protocol/lamport.js'
import type { Arguments, Parameters } from './arguments.js'
import type { Subject } from './subject.js'

/** What the methods work with. */
export interface Desk {
  readonly worker: Subject
  readonly registry: Registry
  readonly settings: Settings
  readonly lamport: Lamport
  readonly events: Dispatcher
  readonly clock: Clock
  readonly log: Log
  /** Monotonic milliseconds. */
  readonly startedAt: number
}

export interface Command extends Parameters {
  /**
   * The value of the reply: plain data in the wire's names; undefined: nothing is replied.
   * @throws PythonError what the asker is told instead
   */
  run(desk: Desk, args: Arguments): unknown
}

/** By their wire names, aliases included. */
export type Commands = Readonly<Record<string, Command>>

/** What Celery answers when a command was carried out, */
export const ok = (text: string) => ({ ok: text })
/** and when it was understood and refused. */
export const refused = (text: string) => ({ error: text })
