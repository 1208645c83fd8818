/**
 * What becomes of messages that were taken: accepted ones go to the workbench, at once, or after what must be asked before (is it done
 * already? may it start under its rate limit?); the rest is refused, or put aside until it is due.
 */
import type { Delivery } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import { reason } from '../errors.js'
import type { Dispatcher } from '../events/dispatcher.js'
import type { Log } from '../log.js'
import { hasWaited, type RateGate } from './rate-gate.js'
import { reportRefusal } from './report.js'
import { type Accepted, accept, type Intake, type Request } from './request.js'
import type { Scheduled } from './scheduled.js'
import type { Outcomes } from './settlement.js'
import type { Settler } from './settler.js'
import type { Taker } from './taker.js'
import { tellRefused } from './task-events.js'
import type { Workbench } from './workbench.js'

export interface ReceptionParts {
  readonly intake: Intake
  readonly rates: RateGate
  readonly outcomes: Outcomes
  readonly settler: Settler
  readonly workbench: Workbench
  readonly scheduled: Scheduled
  readonly events: Dispatcher
  /** The broker's time; says each trouble once a minute. */
  readonly taker: Taker
  readonly clock: Clock
  readonly log: Log
}

export class Reception {
  readonly #parts: ReceptionParts

  constructor(parts: ReceptionParts) {
    this.#parts = parts
  }

  async receive(deliveries: readonly Delivery[], ends: AbortSignal): Promise<void> {
    const { intake, rates, outcomes, workbench, taker } = this.#parts
    const limited: Request[] = []
    const seen: Request[] = []
    const now = taker.now()
    for (const delivery of deliveries) {
      const accepted = accept(delivery, intake, now)
      if (accepted.kind !== 'run') this.#refuse(delivery, accepted)
      else if (rates.applies(accepted.request)) limited.push(accepted.request)
      else if (accepted.request.message.redelivered && !outcomes.joined) seen.push(accepted.request)
      else this.#hold(accepted.request)
    }
    workbench.pump()
    if (seen.length > 0) await this.#orGiveBack(seen, ends, () => this.#unlessFinal(seen))
    if (limited.length > 0) await this.#orGiveBack(limited, ends, () => this.#throughGate(limited))
    workbench.pump()
  }

  #refuse(delivery: Delivery, refused: Exclude<Accepted, { readonly kind: 'run' }>): void {
    const { settler, outcomes, scheduled, events, log } = this.#parts
    settler.add(outcomes.ofRefused(delivery, refused))
    if (refused.kind === 'park') scheduled.add(refused.message, refused.due)
    if (events.isOn) tellRefused(events, delivery.lane.queue, refused)
    reportRefusal(log, delivery, refused)
  }

  #hold(request: Request): void {
    const { workbench, scheduled, events } = this.#parts
    const { message, delivery } = request
    const isNews = !scheduled.forget(message.id) // a retry was received once, and comes again under the same id
    if (workbench.hold(request) && events.isOn && (isNews || message.retries > 0)) events.received(message, delivery.lane.queue)
  }

  /** What depends on an answer that does not come goes back, and is asked again with a later take. */
  async #orGiveBack(requests: readonly Request[], ends: AbortSignal, step: () => Promise<void>): Promise<void> {
    const { taker, settler, clock } = this.#parts
    try {
      await step()
    } catch (error) {
      taker.complain('back', `messages go back: ${reason(error)}`, { messages: requests.length })
      for (const { delivery } of requests) settler.giveBack(delivery)
      await clock.sleep(1, ends) // they are at the front of their queue: not a busy loop
    }
  }

  /** With results on another server an ack may have been lost after its result was stored: then the task is done already. */
  async #unlessFinal(requests: readonly Request[]): Promise<void> {
    const { outcomes, settler } = this.#parts
    const final = await outcomes.final(requests)
    for (const request of requests) {
      const stored = final.get(request.message.id)
      if (stored === undefined) this.#hold(request)
      else settler.add(outcomes.ofSettled(request, stored))
    }
  }

  async #throughGate(limited: readonly Request[]): Promise<void> {
    const { rates, settler, scheduled, events } = this.#parts
    const { run, park } = await rates.pass(limited)
    for (const request of run) this.#hold(request)
    for (const { request, due, raw } of park) {
      const { delivery, message } = request
      settler.add({ settlement: { delivery, fate: { kind: 'park', due, raw } } })
      scheduled.add(message, due)
      if (events.isOn && !hasWaited(request)) events.received(message, delivery.lane.queue)
    }
  }
}
