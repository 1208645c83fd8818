/**
 * What this worker holds: requests wait here for a slot, get one, run, and are settled. A run may be given up before it ends (terminated,
 * at the end of a stop's grace, with a lost lease); what its handler does from then on has no effect.
 */

import { TaskTerminated } from '../app/throwables.js'
import type { Clock } from '../clock.js'
import type { Dispatcher } from '../events/dispatcher.js'
import type { Log } from '../log.js'
import { celeryError } from '../protocol/error-wire.js'
import type { Board } from './keeper/board.js'
import type { Finished, Outcome } from './outcome.js'
import type { Records } from './records.js'
import { named, reportOutcome, reportOverrun, reportRefusal, reportStart } from './report.js'
import { type Intake, overtaken, type Request } from './request.js'
import { Run, WorkerStopped } from './run.js'
import type { Scheduled } from './scheduled.js'
import type { Outcomes } from './settlement.js'
import type { Settler } from './settler.js'
import type { Signal } from './signal.js'
import type { Slots } from './slots.js'
import { tellLost, tellOutcome, tellRefused } from './task-events.js'
import type { Totals } from './totals.js'
import { type Tracing, trace } from './trace.js'

export interface WorkbenchParts {
  readonly slots: Slots
  /** What the keeper's thread sees of all this. */
  readonly board: Board
  readonly intake: Intake
  readonly records: Records
  readonly tracing: Tracing
  readonly outcomes: Outcomes
  readonly settler: Settler
  readonly events: Dispatcher
  readonly totals: Totals
  readonly scheduled: Scheduled
  readonly clock: Clock
  readonly log: Log
  /** Hears how each run ended, after its settlement is on its way. */
  readonly ended?: ((run: Run, outcome: Outcome) => void) | undefined
  /** A run has ended, or a slot has become free. */
  changed(): void
}

/** Milliseconds that taken work may wait behind busy slots before it goes back. */
export const STALE_MS = 1_000
/**
 * A task that ran this long keeps its slot until its outcome is stored: so what a lost worker leaves to be done again is never more than its
 * concurrency. For shorter ones the wait would cost more than the repeat.
 */
const KEPT_MS = 20

export class Workbench {
  readonly #parts: WorkbenchParts
  readonly #runs = new Set<Run>()
  /** Nothing starts any more. */
  #halted = false
  #lost = false

  constructor(parts: WorkbenchParts) {
    this.#parts = parts
  }

  get runs(): ReadonlySet<Run> {
    return this.#runs
  }

  /** To a slot. False: nothing starts any more, and it goes back. */
  hold(request: Request): boolean {
    if (this.#halted) this.#parts.settler.giveBack(request.delivery)
    else this.#parts.slots.push(request, this.#parts.clock.monotonic())
    return !this.#halted
  }

  /** Starts what waits, as far as there are slots. */
  pump(): void {
    const { slots } = this.#parts
    for (let request = slots.next(); request !== undefined; request = slots.next()) void this.#work(request)
  }

  /** One request, from its slot to its settlement. Never rejects. */
  async #work(request: Request): Promise<void> {
    const { clock, log, board, records, totals, events, tracing } = this.#parts
    const { delivery, message } = request
    const why = overtaken(request, this.#parts.intake, tracing.brokerNow)
    if (why !== null) return this.#drop(request, why)

    const run = new Run(request, clock.monotonic())
    run.since = clock.now()
    const { name, size } = delivery.lane
    run.place = board.start(name, delivery.position, run.id, message.task, run.since, size)
    this.#runs.add(run)
    let finished: Finished | null = null
    const recorded = records.start(run)
    if (typeof recorded === 'boolean' ? recorded : await recorded) {
      run.begun = true
      totals.started(run.task)
      reportStart(log, run)
      if (events.isOn) events.started(run.id)
      board.enter(run.place, run.timeLimit)
      const tracked = trace(run, tracing)
      board.left()
      run.ended = tracked
      finished = await tracked
    }
    if (!this.#leave(run)) return // it was given up before, and its slot with it
    if (finished !== null && !this.#lost) return this.#finish(run, finished)
    if (run.begun && !this.#lost) this.#giveBack(run)
    this.#free()
  }

  /** It ends without a run, though it was accepted. */
  #drop({ delivery, message }: Request, why: 'revoked' | 'expired'): void {
    const { outcomes, settler, events, log, slots } = this.#parts
    const refused = { kind: 'revoked', message, why } as const
    settler.add(outcomes.ofRefused(delivery, refused))
    if (events.isOn) tellRefused(events, delivery.lane.queue, refused)
    reportRefusal(log, delivery, refused)
    slots.free()
  }

  /** False: it has left before. */
  #leave(run: Run): boolean {
    if (!this.#runs.delete(run)) return false
    const { board, slots, clock } = this.#parts
    board.end(run.place)
    slots.ended(clock.monotonic() - run.startedAt)
    return true
  }

  #finish(run: Run, finished: Finished): void {
    const { outcomes, settler, scheduled } = this.#parts
    const { settling, outcome } = outcomes.of(run, finished)
    const keepsSlot = finished.runtime * 1000 >= KEPT_MS
    settler.add(keepsSlot ? { ...settling, over: () => this.#free() } : settling)
    if (!keepsSlot) this.#free()
    if (outcome.kind === 'retry') scheduled.retried(run.request.message, outcome)
    this.#tell(run, { ...finished, outcome })
  }

  #tell(run: Run, finished: Finished): void {
    const { totals, board, log, events, tracing, ended, changed } = this.#parts
    board.processed = ++totals.processed
    reportOutcome(log, run, finished, tracing.brokerNow)
    if (events.isOn) tellOutcome(events, run, finished)
    ended?.(run, finished.outcome)
    changed() // a stop waits for the last run, not for its slot
  }

  #free(): void {
    this.#parts.slots.free()
    this.pump()
    this.#parts.changed()
  }

  /** As many run at once from now on; what runs beyond it may end. */
  resize(concurrency: number): void {
    this.#parts.slots.resize(concurrency)
    this.#parts.board.concurrency = concurrency
    this.pump()
    this.#parts.changed()
  }

  /** Its handler's signal fires, and it has ended: REVOKED, acked, its slot free, whatever the handler still does. */
  async terminate(run: Run, { name, number }: Signal): Promise<void> {
    if (this.#lost || !this.#leave(run)) return
    const { outcomes, settler, tracing, log } = this.#parts
    run.over = true
    run.cancel(new TaskTerminated(name))
    if (run.begun) reportOverrun(log, run, 'it was terminated', run.ended)
    if (run.pending !== null) await Promise.allSettled(run.pending) // its own words before the last one
    const runtime = (tracing.monotonic() - run.startedAt) / 1000
    const finished: Finished = { outcome: { kind: 'terminated', signal: number }, runtime, children: run.children }
    settler.add(outcomes.of(run, finished).settling)
    this.#free()
    this.#tell(run, finished)
  }

  /** What waited too long behind busy slots goes back to the broker, where an idle worker finds it. */
  giveBackStale(): void {
    const { slots, settler, clock } = this.#parts
    if (slots.waiting === 0) return
    for (const { delivery } of slots.overdue(clock.monotonic() - STALE_MS)) settler.giveBack(delivery)
  }

  /** From now on nothing starts: what waits for a slot goes back at once. */
  halt(): void {
    this.#halted = true
    for (const { delivery } of this.#parts.slots.drain()) this.#parts.settler.giveBack(delivery)
  }

  /**
   * The end of the grace: each handler's signal fires. Who ends now has ended, but for those that fail because of it: they go back (`trace`).
   * What has not begun never will.
   */
  interrupt(): void {
    const why = new WorkerStopped()
    for (const run of this.#runs) {
      if (run.begun) run.cancel(why)
      else if (this.#giveUp(run)) this.#giveBack(run)
    }
  }

  /** At most once: what was acked when it started and still runs has failed, for nobody will run it again. */
  failEarly(): void {
    const { log, outcomes, settler, events } = this.#parts
    const { message: why } = new WorkerStopped()
    for (const run of this.#runs) {
      const { delivery, message, definition } = run.request
      if (definition.policy.acks !== 'early' || !this.#giveUp(run)) continue
      log.warning(`${why}: it has failed`, named(run))
      const error = celeryError('WorkerLostError', [why])
      settler.add(outcomes.failed(delivery, message, error))
      if (events.isOn) tellLost(events, run.id, error)
    }
  }

  /** What still runs counts no more: the broker is about to give it back, with all else that is held here. False: nothing did. */
  abandon(): boolean {
    const runs = [...this.#runs].filter((run) => this.#giveUp(run))
    for (const run of runs) this.#sayThatItGoesBack(run)
    return runs.length > 0
  }

  /** False: it has ended, or its handler has. */
  #giveUp(run: Run): boolean {
    if (run.over || !this.#leave(run)) return false
    run.over = true
    return true
  }

  #giveBack(run: Run): void {
    this.#sayThatItGoesBack(run)
    this.#parts.settler.giveBack(run.request.delivery)
  }

  #sayThatItGoesBack(run: Run): void {
    this.#parts.log.warning(`${new WorkerStopped().message}: it goes back`, named(run))
  }

  /** The lease is lost: nothing that runs here counts any more. */
  lose(): void {
    this.#lost = true
    const ids = [...this.#runs].map((run) => run.id)
    this.#parts.log.error('lease lost: the broker gave our tasks to others; what runs here no longer counts', { running: ids.length, ids })
    for (const run of this.#runs) {
      run.over = true
      run.cancel(new Error('the lease was lost'))
    }
  }
}
