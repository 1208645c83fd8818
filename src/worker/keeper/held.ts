/** What this worker holds, read where it is written down: at the broker, with the board for what runs. */
import type { Broker, InFlight } from '../../broker/broker.js'
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
  /** Null: it is not at the broker any more, it cannot be read, or it is too large for a keeper to read. */
  readonly message: TaskMessage | null
}

/** Messages asked for, beside those that run. */
const MAX_READ = 100
/** Bytes of messages that are decoded; what runs comes first. The thread's heap is small. */
const MAX_BYTES = 4_000_000
/** Milliseconds for which one reading answers all who ask. */
const FRESH_MS = 500

export class HeldMessages {
  readonly #broker: Broker
  readonly #board: Board
  readonly #incarnation: string
  #reading: Promise<Held> | undefined

  constructor(broker: Broker, board: Board, incarnation: string) {
    this.#broker = broker
    this.#board = board
    this.#incarnation = incarnation
  }

  /** Rejects when the broker does not answer. */
  read(): Promise<Held> {
    this.#reading ??= this.#read().finally(() => {
      setTimeout(() => {
        this.#reading = undefined
      }, FRESH_MS).unref()
    })
    return this.#reading
  }

  async #read(): Promise<Held> {
    const running = this.#board.started()
    const inFlight = await this.#broker.inFlight(this.#incarnation, running.length + MAX_READ)
    const places = new Set(running.map(placeOf))
    const decode = decoder()
    const active = new Map(inFlight.filter((one) => places.has(placeOf(one))).map((one) => [placeOf(one), decode(one)]))
    const reserved = inFlight.filter((one) => !places.has(placeOf(one))).map(decode)
    return {
      active: running.map((one) => ({ running: one, message: active.get(placeOf(one)) ?? null })),
      reserved: reserved.filter((message) => message !== null),
    }
  }
}

function placeOf({ lane, position }: { readonly lane: string; readonly position: number }): string {
  return `${lane}:${position}`
}

function decoder(): (one: InFlight) => TaskMessage | null {
  let left = MAX_BYTES
  return ({ raw }) => {
    if (raw.byteLength > left) return null
    left -= raw.byteLength
    const decoded = decodeMessage(raw)
    return decoded.ok ? decoded.message : null
  }
}
