/** Leaves word at the broker of what this worker does, for whoever asks when nobody answers. */
import type { Broker } from '../../broker/broker.js'
import type { WorkerState } from '../../control/worker-state.js'
import { VERSION } from '../../version.js'
import type { Board } from './board.js'
import type { KnownState } from './main-thread.js'
import { rest } from './rest.js'

export interface NotesParts {
  readonly broker: Broker
  readonly board: Board
}

export interface NotesOptions {
  readonly incarnation: string
  readonly node: string
  /** Since when the worker runs, in unix seconds. */
  readonly started: number
}

/** Milliseconds between two notes, and at least, where what they say has changed. */
const EVERY_MS = 5_000
const LEAST_MS = 50
/** Tasks named in a note, and characters of answers in it: it is read by whoever looks at all workers. */
const MAX_ACTIVE = 1_000
const MAX_ANSWERS = 250_000

export class Notes {
  readonly #parts: NotesParts
  readonly #options: NotesOptions
  #known: KnownState = { answers: {}, queues: [] }
  #due = new AbortController()

  constructor(parts: NotesParts, options: NotesOptions) {
    this.#parts = parts
    this.#options = options
  }

  /** What a note says from now on; the next one goes at once. */
  know(state: KnownState): void {
    this.#known = state
    this.#due.abort()
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#due.abort(), { once: true })
    while (!signal.aborted) {
      this.#due = new AbortController()
      await this.#leave().catch(() => {}) // the next one says what this one could not
      await rest(LEAST_MS, signal)
      await rest(EVERY_MS - LEAST_MS, this.#due.signal)
    }
  }

  #leave(): Promise<void> {
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
}
