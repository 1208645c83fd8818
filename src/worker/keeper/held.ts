/** What this worker holds, read where it is written down: at the broker, with the board for what runs. */
import type { Broker } from '../../broker/broker.js'
import { decodeMessage } from '../../protocol/message.js'
import type { TaskMessage } from '../../protocol/task-message.js'
import type { Board, OnBoard } from './board.js'

export interface Held {
  readonly active: readonly ActiveMessage[]
  /** Taken and not begun. */
  readonly reserved: readonly TaskMessage[]
}

export interface ActiveMessage {
  readonly running: OnBoard
  /** Null: it could not be found at the broker, or not be read. */
  readonly message: TaskMessage | null
}

/** Messages read at most: more would be no answer for people, and take memory that a keeper does not have. */
const MAX_READ = 500
/** Milliseconds for which one reading answers all who ask. */
const FRESH_MS = 500

export class HeldMessages {
  readonly #broker: Broker
  readonly #board: Board
  readonly #incarnation: string
  #reading: Promise<Held> | undefined
  #readAt = Number.NEGATIVE_INFINITY

  constructor(broker: Broker, board: Board, incarnation: string) {
    this.#broker = broker
    this.#board = board
    this.#incarnation = incarnation
  }

  /** Rejects when the broker does not answer. */
  read(): Promise<Held> {
    const now = performance.now()
    if (this.#reading === undefined || now - this.#readAt > FRESH_MS) {
      this.#readAt = now
      const reading = this.#read()
      this.#reading = reading
      reading.catch(() => {
        if (this.#reading === reading) this.#reading = undefined
      })
    }
    return this.#reading
  }

  async #read(): Promise<Held> {
    const running = this.#board.started()
    const inFlight = await this.#broker.inFlight(this.#incarnation, Math.max(MAX_READ, running.length))
    const active = new Map<string, TaskMessage>()
    const reserved: TaskMessage[] = []
    const places = new Set(running.map(placeOf))
    for (const one of inFlight) {
      const decoded = decodeMessage(one.raw)
      if (!decoded.ok) continue
      const place = placeOf(one)
      if (places.has(place)) active.set(place, decoded.message)
      else reserved.push(decoded.message)
    }
    return { active: running.map((one) => ({ running: one, message: active.get(placeOf(one)) ?? null })), reserved }
  }
}

function placeOf({ lane, position }: { readonly lane: string; readonly position: number }): string {
  return `${lane}:${position}`
}
