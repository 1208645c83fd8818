/** What any process may do for all, and every worker does now and then: due messages, dead workers, expired results. */
import type { Broker } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import { reason } from '../errors.js'
import type { Dispatcher } from '../events/dispatcher.js'
import type { Log } from '../log.js'
import type { WireError } from '../protocol/error-wire.js'
import type { TaskMessage } from '../protocol/message.js'
import type { EncodedResult, ResultStore } from '../results/store.js'
import { createJudge } from './judge.js'
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

/** @param seconds between two rounds, about */
export async function keepHouse(parts: HousekeepingParts, seconds: number, signal: AbortSignal): Promise<void> {
  const { broker, results, outcomes, events, clock, log } = parts
  let lastSweep = clock.monotonic()
  let late: EncodedResult[] = []
  while (!signal.aborted) {
    await clock.sleep(seconds * (0.75 + 0.5 * parts.random()), signal)
    if (signal.aborted) return
    try {
      const failed: { readonly message: TaskMessage; readonly error: WireError }[] = []
      await broker.tend(
        createJudge(
          outcomes,
          (result) => late.push(result),
          (message, error) => failed.push({ message, error }),
        ),
      )
      if (events.isOn) for (const { message, error } of failed) tellLost(events, message.id, error)
      if (late.length > 0) await results?.set(late) // again with the next round, until they are stored
      late = []
      if (clock.monotonic() - lastSweep > SWEEP_SECONDS * 1000) {
        lastSweep = clock.monotonic()
        await results?.sweep()
      }
    } catch (error) {
      log.debug(`housekeeping will be tried again: ${reason(error)}`)
    }
  }
}
