/** The worker as its panel sees and changes it. */
import type { ScaleBounds } from '../autoscaler.js'
import type { Request } from '../request.js'
import type { Run } from '../run.js'
import type { ScheduledTask } from '../scheduled.js'
import type { Signal } from '../signal.js'

export interface Subject {
  /** `celery@host` */
  readonly node: string
  readonly queues: readonly string[]
  /** Tasks that run at once. */
  readonly concurrency: number
  /** Messages it holds at most, running ones included. */
  readonly prefetch: number
  readonly runs: Iterable<Run>
  /** Accepted, and waiting for a slot. */
  readonly reserved: readonly Request[]
  /** Put aside at the broker until later. */
  readonly scheduled: readonly ScheduledTask[]
  /** Runs that began, by task. */
  readonly totals: ReadonlyMap<string, number>
  /** Ids that must not run any more. */
  readonly revoked: readonly string[]
  /** What its keeper counts. */
  readonly keeping: Readonly<Record<string, number>>
  /** Null: it does not scale by itself. */
  readonly bounds: ScaleBounds | null

  /** Takes from other queues from now on: what `change` makes of those it takes from. @throws when the broker can't be told: nothing has changed */
  consume(change: (queues: readonly string[]) => readonly string[]): Promise<void>
  resize(concurrency: number): void
  rescale(bounds: ScaleBounds): void
  /** Ids, and marks of stamps (`stampMark`), for `ttl` seconds. @throws when they can't be recorded: then they hold here alone */
  revoke(marks: readonly string[], ttl: number): Promise<void>
  /** Its state is REVOKED at once, whatever its handler still does. */
  terminate(run: Run, signal: Signal): void
  /** Tells monitors now that it lives. */
  heartbeat(): void
  /** Ends its session in order, and opens another. */
  startAnew(): void
  /** Takes nothing more, and ends when what runs has ended. */
  stop(): void
  /** What it answers to `inspect` has changed. */
  changed(): void
}
