/** What a worker is made of, and how it is to work: settings become this in create.ts. */
import type { Registry } from '../app/registry.js'
import type { Broker } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import type { Settings } from '../config/schema.js'
import type { Dispatcher } from '../events/dispatcher.js'
import type { Log } from '../log.js'
import type { Lamport } from '../protocol/lamport.js'
import type { DecodeLimits } from '../protocol/message.js'
import type { ResultStore } from '../results/store.js'
import type { ScaleBounds } from './autoscaler.js'
import type { RemoteControl } from './keeper/panel-port.js'
import type { Outcome } from './outcome.js'
import type { Run } from './run.js'
import type { Outcomes } from './settlement.js'

export interface WorkerOptions {
  /** `celery@host`. */
  readonly node: string
  readonly queues: readonly string[]
  /** Tasks that run at once; with `autoscale`, in the beginning. */
  readonly concurrency: number
  /** Absent or null: it stays as it is. */
  readonly autoscale?: ScaleBounds | null | undefined
  /** Messages held per slot; null: by the time tasks take. */
  readonly prefetchMultiplier: number | null
  /** Milliseconds. */
  readonly leaseMs: number
  /** Seconds that running tasks may go on after a stop. */
  readonly grace: number
  /** Seconds that the last settlements may take at the end, with a broker that is away. */
  readonly stopSeconds: number
  readonly remoteControl: RemoteControl
  /** Seconds between two heartbeats. */
  readonly heartbeat: number
  /** Seconds that a task without a time limit of its own may block the event loop; 0: for ever. */
  readonly blockedLimit: number
  /** Seconds that a suspect may wait for an idle worker before this one lets itself run empty for it; up to twice as many, at random. */
  readonly suspectPatience: number
  /** Names this process (process-mark.ts); null: nobody can tell from outside whether it lives. */
  readonly process: string | null
  /** Run until the queues are empty. */
  readonly once: boolean
  /** How the keeper's thread reaches the broker. */
  readonly brokerUrl: string
  readonly keyPrefix: string
  readonly deadlineMs: number
  readonly limits: DecodeLimits
}

export interface WorkerParts {
  /** What `inspect conf` and `report` show. */
  readonly settings: Settings
  readonly registry: Registry
  readonly broker: Broker
  readonly results: ResultStore | null
  readonly outcomes: Outcomes
  readonly lamport: Lamport
  readonly events: Dispatcher
  readonly clock: Clock
  readonly log: Log
  /** Evenly from [0, 1): for the jitter of retries. */
  random(): number
  /** Hears how each run ended, after its settlement is on its way. */
  readonly ended?: ((run: Run, outcome: Outcome) => void) | undefined
}
