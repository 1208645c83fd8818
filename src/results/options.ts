/** What every result store is given. `openResults` fills in what is left out. */
import { type Clock, systemClock } from '../clock.js'
import { type Log, silentLog } from '../log.js'
import { Outages } from '../redis/outages.js'

export interface ResultOptions {
  /** Milliseconds a call may last before it fails with E_RESULTS_UNREACHABLE. */
  readonly deadlineMs: number
  /** Put before every key on a server that is shared with others; where the store is ours alone it has no meaning. */
  readonly keyPrefix: string
  readonly log: Log
  /** What is said of a server that is away; handed to all connections of a process, it is said once and not by each. */
  readonly outages: Outages
  readonly clock: Clock
}

export function resultOptions(given: Partial<ResultOptions> = {}): ResultOptions {
  return {
    deadlineMs: given.deadlineMs ?? 5_000,
    keyPrefix: given.keyPrefix ?? '',
    log: given.log ?? silentLog,
    outages: given.outages ?? new Outages(),
    clock: given.clock ?? systemClock,
  }
}
