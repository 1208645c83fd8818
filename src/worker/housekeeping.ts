/** What any process may do for all, and every worker does now and then: due messages, dead workers, expired results. */
import type { Broker } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import { isCelerityError, reason } from '../errors.js'
import type { Dispatcher } from '../events/dispatcher.js'
import type { Log } from '../log.js'
import type { WireError } from '../protocol/error-wire.js'
import type { TaskMessage } from '../protocol/message.js'
import type { ResultStore } from '../results/store.js'
import { createJudge } from './judge.js'
import { LateOutcomes } from './late-outcomes.js'
import type { Outcomes } from './settlement.js'
import { tellLost } from './task-events.js'

export interface HousekeepingParts {
  readonly broker: Broker
  readonly results: ResultStore | null
  readonly outcomes: Outcomes
  readonly events: Dispatcher
  readonly clock: Clock
  readonly log: Log
  /** Evenly from [0, 1): not all workers do it at the same moment. */
  random(): number
}

/** Seconds between two sweeps of expired results. */
const SWEEP_SECONDS = 60

/** Milliseconds between two lines about the same trouble. */
const SILENCE_MS = 60_000

/** @param seconds between two rounds, about */
export async function keepHouse(parts: HousekeepingParts, seconds: number, signal: AbortSignal): Promise<void> {
  const { broker, results, outcomes, events, clock } = parts
  const attempt = attempts(parts)
  let lastSweep = clock.monotonic()
  const late = new LateOutcomes(results)
  while (!signal.aborted) {
    await clock.sleep(seconds * (0.75 + 0.5 * parts.random()), signal)
    if (signal.aborted) return
    const failed: { readonly message: TaskMessage; readonly error: WireError }[] = []
    const judge = createJudge(outcomes, late, (message, error) => failed.push({ message, error }))
    const tend = () => attempt('what is due and what dead workers held', () => broker.tend(judge))
    await tend()
    // Their messages end when they are stored; until then with each round again, whatever else fails.
    if (late.size > 0 && (await attempt('results of tasks that were lost', () => late.store()))) await tend()
    if (events.isOn) for (const { message, error } of failed) tellLost(events, message.id, error)
    if (clock.monotonic() - lastSweep > SWEEP_SECONDS * 1000) {
      lastSweep = clock.monotonic()
      await attempt('expired results', async () => results?.sweep())
    }
  }
}

/**
 * Carries out a duty; false: it failed, and is tried again with the next round. A server that is away is complained of by others; one that
 * refuses may refuse for ever, and nobody else would notice.
 */
function attempts({ clock, log }: HousekeepingParts): (duty: string, step: () => Promise<unknown>) => Promise<boolean> {
  const complained = new Map<string, number>()
  return async (duty, step) => {
    try {
      await step()
      return true
    } catch (error) {
      const now = clock.monotonic()
      const isAway = isCelerityError(error) && (error.code === 'E_BROKER_UNREACHABLE' || error.code === 'E_RESULTS_UNREACHABLE')
      const isSilent = isAway || now - (complained.get(duty) ?? Number.NEGATIVE_INFINITY) < SILENCE_MS
      if (!isSilent) complained.set(duty, now)
      log[isSilent ? 'debug' : 'warning'](`housekeeping (${duty}) will be tried again: ${reason(error)}`)
      return false
    }
  }
}
