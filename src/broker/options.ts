/** What every broker adapter is given. `openBroker` fills in what is left out. */
import { type Clock, systemClock } from '../clock.js'
import { type Log, silentLog } from '../log.js'
import { Outages } from '../redis/outages.js'

export interface BrokerOptions {
  /** Milliseconds a call may last before it fails with E_BROKER_UNREACHABLE. */
  readonly deadlineMs: number
  /** Put before every key on a server that is shared with others (`global_keyprefix`); where the store is ours alone it has no meaning. */
  readonly keyPrefix: string
  /** Replicas that must have a message before it counts as sent, and a settlement before it counts as done; 0: the primary alone. */
  readonly waitReplicas: number
  /** Seconds they have for it. */
  readonly waitReplicasTimeout: number
  /** Serve also where the server may evict keys, leases and queues among them; it is said in the log. */
  readonly allowEviction: boolean
  /** Seconds after which what a Python worker has not acked is given back, as its own fellows do. */
  readonly visibilityTimeout: number
  readonly log: Log
  /** What is said of a server that is away; handed to all connections of a process, it is said once and not by each. */
  readonly outages: Outages
  readonly clock: Clock
}

export function brokerOptions(given: Partial<BrokerOptions> = {}): BrokerOptions {
  return {
    deadlineMs: given.deadlineMs ?? 5_000,
    keyPrefix: given.keyPrefix ?? '',
    waitReplicas: given.waitReplicas ?? 0,
    waitReplicasTimeout: given.waitReplicasTimeout ?? 1,
    allowEviction: given.allowEviction ?? false,
    visibilityTimeout: given.visibilityTimeout ?? 3_600,
    log: given.log ?? silentLog,
    outages: given.outages ?? new Outages(),
    clock: given.clock ?? systemClock,
  }
}
