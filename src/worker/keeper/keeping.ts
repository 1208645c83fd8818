/** What a keeper does, in its thread or beside the tasks: the lease, remote control, heartbeats and notes. */
import type { Broker } from '../../broker/broker.js'
import type { Lamport } from '../../protocol/lamport.js'
import type { Board } from './board.js'
import { ControlDesk } from './control-desk.js'
import { keepLease } from './lease.js'
import type { KnownState, MainThread } from './main-thread.js'
import { Notes } from './notes.js'
import type { RemoteControl } from './panel-port.js'
import { Pulse } from './pulse.js'
import { StandIn } from './stand-in.js'

export interface KeepingParts {
  readonly broker: Broker
  readonly board: Board
  readonly lamport: Lamport
  readonly main: MainThread
}

export interface KeepingOptions {
  readonly incarnation: string
  readonly node: string
  readonly leaseMs: number
  readonly remoteControl: RemoteControl
  /** Seconds between two heartbeats. */
  readonly heartbeat: number
  /** Since when the worker runs, in unix seconds. */
  readonly started: number
}

export class Keeping {
  readonly #parts: KeepingParts
  readonly #options: KeepingOptions
  readonly #ends = new AbortController()
  readonly #pulse: Pulse
  readonly #notes: Notes
  readonly #standIn: StandIn
  readonly #desk: ControlDesk

  constructor(parts: KeepingParts, options: KeepingOptions) {
    this.#parts = parts
    this.#options = options
    this.#pulse = new Pulse(parts, options)
    this.#notes = new Notes(parts, options)
    this.#standIn = new StandIn({ ...parts, beat: () => this.#pulse.beat() }, options)
    this.#desk = new ControlDesk({ ...parts, standIn: this.#standIn }, options.node, options.remoteControl)
  }

  know(state: KnownState): void {
    this.#notes.know(state)
    this.#standIn.know(state)
  }

  /** A heartbeat now. */
  beat(): void {
    this.#pulse.beat().catch(() => {}) // the next one tells the same
  }

  /** Until the lease is lost, or `close`. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#ends
    const { incarnation, leaseMs } = this.#options
    const lease = keepLease(this.#parts, incarnation, leaseMs, signal).finally(() => this.#ends.abort())
    await Promise.all([lease, this.#desk.open(signal), this.#pulse.run(signal), this.#notes.run(signal)])
  }

  /** Says good-bye, and rejects when nobody could be told. */
  async close(): Promise<void> {
    if (this.#ends.signal.aborted) return
    this.#ends.abort()
    await Promise.all([this.#pulse.offline(), this.#desk.close()])
  }
}
