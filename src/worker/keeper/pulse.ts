/** Heartbeats: what a worker tells whoever watches without being asked. */
import { loadavg } from 'node:os'
import type { Broker } from '../../broker/broker.js'
import { workerEvent } from '../../protocol/event-encode.js'
import type { Lamport } from '../../protocol/lamport.js'
import { VERSION } from '../../version.js'
import type { Board } from './board.js'
import type { MainThread } from './main-thread.js'
import { rest } from './rest.js'

export interface PulseParts {
  readonly broker: Broker
  readonly board: Board
  readonly lamport: Lamport
  readonly main: MainThread
}

export interface PulseOptions {
  readonly node: string
  /** Seconds between two heartbeats. */
  readonly heartbeat: number
}

export class Pulse {
  readonly #parts: PulseParts
  readonly #options: PulseOptions
  #isOnline = false
  #readers = -1
  #beating: Promise<void> | undefined

  constructor(parts: PulseParts, options: PulseOptions) {
    this.#parts = parts
    this.#options = options
  }

  /** Until `signal` aborts. A broker that is away hears nothing, and is not complained of: the lease is. */
  async run(signal: AbortSignal): Promise<void> {
    const everyMs = this.#options.heartbeat * 1000
    while (!signal.aborted) {
      const began = performance.now()
      await this.beat().catch(() => {}) // the next one says what this one could not
      await rest(Math.max(everyMs - (performance.now() - began), 50), signal)
    }
  }

  /** A heartbeat now; asked for by many at once it is still one. */
  async beat(): Promise<void> {
    this.#beating ??= this.#send(this.#isOnline ? 'worker-heartbeat' : 'worker-online').finally(() => {
      this.#beating = undefined
    })
    await this.#beating
  }

  /** The last word. */
  async offline(): Promise<void> {
    if (this.#isOnline) await this.#send('worker-offline')
  }

  async #send(type: 'worker-online' | 'worker-heartbeat' | 'worker-offline'): Promise<void> {
    const { broker, board, lamport, main } = this.#parts
    const { node, heartbeat: freq } = this.#options
    const load = { active: board.active, processed: board.processed, average: loadavg() }
    const stamp = { clock: lamport.tick(), now: Date.now() }
    const event = workerEvent({ node, pid: process.pid }, type, { freq, version: VERSION, load }, stamp)
    const { readers } = await broker.broadcast(event)
    this.#isOnline = true
    if (readers !== this.#readers) main.readers(readers)
    this.#readers = readers
  }
}
