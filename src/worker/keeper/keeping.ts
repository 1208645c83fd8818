/** What a keeper does beside the lease, in its thread or beside the tasks: remote control, heartbeats and notes. */
import type { Broker } from '../../broker/broker.js'
import type { Lamport } from '../../protocol/lamport.js'
import type { Board } from './board.js'
import { ControlDesk } from './control-desk.js'
import type { KnownState, MainThread } from './main-thread.js'
import { Notes } from './notes.js'
import type { RemoteControl } from './panel-port.js'
import { Pulse } from './pulse.js'
import { StandIn } from './stand-in.js'

export interface KeepingParts {
  /** The connection of the lease: nothing large goes over it. */
  readonly broker: Broker
  /** Another one, for what others ask for: an answer may be large, and a renewal must not wait behind it. */
  readonly control: Broker
  readonly board: Board
  readonly lamport: Lamport
  readonly main: MainThread
}

export interface KeepingOptions {
  readonly incarnation: string
  readonly node: string
  readonly remoteControl: RemoteControl
  /** Seconds between two heartbeats. */
  readonly heartbeat: number
  /** Since when the worker runs, in unix seconds. */
  readonly started: number
}

export class Keeping {
  readonly #pulse: Pulse
  readonly #notes: Notes
  readonly #desk: ControlDesk
  readonly #standIn: StandIn

  constructor({ broker, control, board, lamport, main }: KeepingParts, options: KeepingOptions) {
    this.#pulse = new Pulse({ broker, board, lamport, main }, options)
    this.#notes = new Notes({ broker, board }, options)
    this.#standIn = new StandIn({ broker: control, board, lamport, beat: () => this.#pulse.beat() }, options)
    const desk = { broker: control, board, lamport, main, standIn: this.#standIn }
    this.#desk = new ControlDesk(desk, options.node, options.remoteControl)
  }

  know(state: KnownState): void {
    this.#notes.know(state)
    this.#standIn.know(state)
  }

  /** A heartbeat now. */
  beat(): void {
    this.#pulse.beat().catch(() => {}) // the next one tells the same
  }

  /** Until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#desk.open(signal), this.#pulse.run(signal), this.#notes.run(signal)])
  }

  /** Says good-bye; rejects when nobody could be told. */
  async close(): Promise<void> {
    await Promise.all([this.#pulse.offline(), this.#desk.close()])
  }
}
