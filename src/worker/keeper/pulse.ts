/** What a worker tells without being asked: heartbeats for whoever watches, and at the broker a note of what it does. */
import { loadavg } from 'node:os'
import type { Broker } from '../../broker/broker.js'
import type { WorkerState } from '../../control/worker-state.js'
import { workerEvent } from '../../protocol/event-encode.js'
import type { Lamport } from '../../protocol/lamport.js'
import { VERSION } from '../../version.js'
import type { Board } from './board.js'
import { culprit } from './culprit.js'
import type { KnownState, MainThread } from './main-thread.js'
import { rest } from './rest.js'

export interface PulseParts {
  readonly broker: Broker
  readonly board: Board
  readonly lamport: Lamport
  readonly main: MainThread
}

export interface PulseOptions {
  readonly incarnation: string
  readonly node: string
  /** Seconds between two heartbeats. */
  readonly heartbeat: number
  /** Since when the worker runs, in unix seconds. */
  readonly started: number
}

/** Milliseconds between two notes. */
const NOTE_MS = 5_000
/** Tasks named in a note, and characters of answers in it: a note is read by whoever looks at all workers. */
const MAX_ACTIVE = 1_000
const MAX_ANSWERS = 250_000

/** From here a blocked event loop is worth a line, one a minute. Milliseconds. */
const LONG_BLOCK_MS = 10_000
const COMPLAINT_MS = 60_000

export class Pulse {
  readonly #parts: PulseParts
  readonly #options: PulseOptions
  #known: KnownState = { answers: {}, queues: [] }
  #isOnline = false
  #readers = -1
  #beating: Promise<void> | undefined
  #wasBlocked = false
  #complained = Number.NEGATIVE_INFINITY

  constructor(parts: PulseParts, options: PulseOptions) {
    this.#parts = parts
    this.#options = options
  }

  know(state: KnownState): void {
    this.#known = state
  }

  /** Until `signal` aborts. A broker that is away hears nothing, and is not complained of: the lease is. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      repeat(this.#options.heartbeat * 1000, signal, () => this.#regularBeat()),
      repeat(NOTE_MS, signal, () => this.#note()),
    ])
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

  async #regularBeat(): Promise<void> {
    this.#complain()
    await this.beat()
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

  #note(): Promise<void> {
    const { broker, board } = this.#parts
    const { incarnation, node, started } = this.#options
    const active = board.started().slice(0, MAX_ACTIVE)
    const state: Omit<WorkerState, 'answers'> = {
      node,
      pid: process.pid,
      version: VERSION,
      started,
      concurrency: board.concurrency,
      queues: this.#known.queues,
      active: active.map(({ id, name, since }) => ({ id, name, since: since / 1000 })),
      processed: board.processed,
      blockedMs: Math.round(board.blockedMs),
    }
    return broker.note(incarnation, `${JSON.stringify(state).slice(0, -1)},"answers":{${this.#answers()}}}`)
  }

  #answers(): string {
    const texts: string[] = []
    let length = 0
    for (const [method, json] of Object.entries(this.#known.answers)) {
      if (length + json.length > MAX_ANSWERS) continue
      length += json.length
      texts.push(`${JSON.stringify(method)}:${json}`)
    }
    return texts.join(',')
  }

  /** Seen blocked twice: after the whole process was stopped for a while, the keeper may run before the event loop does. */
  #complain(): void {
    const { board, main } = this.#parts
    const { blockedMs } = board
    if (this.#wasBlocked && blockedMs > LONG_BLOCK_MS && performance.now() - this.#complained > COMPLAINT_MS) {
      this.#complained = performance.now()
      main.say('blocked', `${culprit(board)}; the lease is renewed all the same, but nothing else runs here`)
    }
    this.#wasBlocked = blockedMs > 0
  }
}

async function repeat(everyMs: number, signal: AbortSignal, step: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    const began = performance.now()
    // The next one says what this one could not; there is nobody to tell.
    await step().catch(() => {})
    await rest(Math.max(everyMs - (performance.now() - began), 50), signal)
  }
}
