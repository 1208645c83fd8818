/** What is on record of a run before it ends: that it has started, and the states that it tells of itself. */
import type { Consumer } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import { reason } from '../errors.js'
import type { ResultStore } from '../results/store.js'
import { named } from './report.js'
import type { Run } from './run.js'
import type { Outcomes } from './settlement.js'
import type { Taker } from './taker.js'

export interface RecordsParts {
  readonly consumer: Consumer
  readonly outcomes: Outcomes
  readonly results: ResultStore | null
  /** Says each trouble once a minute. */
  readonly taker: Taker
  readonly clock: Clock
  /** Aborts with the session. */
  readonly ends: AbortSignal
  lost(): void
  /** Resolves when the broker knows what runs here, and when nobody will tell it any more. */
  announce(): Promise<void>
}

export class Records {
  readonly #parts: RecordsParts

  constructor(parts: RecordsParts) {
    this.#parts = parts
  }

  /** Records what must be known before the handler is called: nothing, for most. False: it must not be called any more. */
  start(run: Run): boolean | Promise<boolean> {
    const { message, definition } = run.request
    const { acks, trackStarted } = definition.policy
    // No promise for these: it would be one of four that a task costs, and each is seen by the hooks of AsyncLocalStorage.
    return acks === 'early' || message.redelivered || trackStarted ? this.#start(run) : !run.over
  }

  async #start(run: Run): Promise<boolean> {
    const { message, definition } = run.request
    const { policy } = definition
    if (policy.acks === 'early') await this.#early(run)
    // It was with a worker that vanished, and may be why: should this one vanish too, it must be known that it ran (judge.ts).
    else if (message.redelivered) await this.#parts.announce()
    if (policy.trackStarted && !run.over) await this.state(run, 'STARTED', null)
    return !run.over
  }

  /** Asked until it is answered: the step is safe to send twice, and at most once means never to run on an unknown record. */
  async #early(run: Run): Promise<void> {
    const { consumer, taker, clock, ends, lost } = this.#parts
    for (let tries = 0; !run.over; tries++) {
      try {
        if ((await consumer.start([run.request.delivery])) === 'lost') lost()
        return
      } catch (error) {
        taker.complain('start', `tasks that are acked early wait, for their start can't be recorded: ${reason(error)}`, named(run))
        await clock.sleep(Math.min(0.1 * 2 ** tries, 2), ends)
      }
    }
  }

  /** A state that does not end the task. Rejects when `meta` can't be sent: that is the handler's to know. */
  async state(run: Run, state: string, meta: unknown): Promise<void> {
    const { consumer, outcomes, results, taker, lost } = this.#parts
    const result = outcomes.state(run.request, state, meta)
    try {
      if (result === null || run.over) return
      // A late worker must not put its word in the place of what its successor has stored.
      if (!outcomes.joined) await results?.set([result])
      else if ((await consumer.tell(run.request.delivery, [outcomes.prepare(result)])) === 'lost') lost()
    } catch (error) {
      taker.complain('state', `state ${state} was not stored: ${reason(error)}`, named(run)) // news, not an outcome: the task goes on
    }
  }
}
