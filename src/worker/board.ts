/**
 * What the worker tells its keeper without a message, through shared memory: a thread whose event loop is blocked can answer nothing, but
 * what it wrote before can be read. Per slot the lane and position of the message that runs there.
 */
import type { StartedPosition } from '../broker/broker.js'

/** Bytes of a slot: length of the lane's name (0: free), position (4), then the name. */
const SLOT = 48
const NAME_AT = 5
const MAX_NAME = SLOT - NAME_AT

export class Board {
  readonly buffer: SharedArrayBuffer
  readonly #bytes: Buffer
  readonly #free: number[] = []

  constructor(slots: number | SharedArrayBuffer) {
    this.buffer = typeof slots === 'number' ? new SharedArrayBuffer(slots * SLOT) : slots
    this.#bytes = Buffer.from(this.buffer)
    if (typeof slots === 'number') for (let slot = slots - 1; slot >= 0; slot--) this.#free.push(slot)
  }

  /** Notes that a message runs; returns its slot, -1 when the board is full or the name too long (it is then only not suspected). */
  start(lane: string, position: number): number {
    const slot = lane.length <= MAX_NAME ? this.#free.pop() : undefined
    if (slot === undefined) return -1
    const at = slot * SLOT
    this.#bytes.write(lane, at + NAME_AT, 'latin1')
    this.#bytes.writeInt32LE(position, at + 1)
    this.#bytes[at] = lane.length
    return slot
  }

  end(slot: number): void {
    if (slot < 0) return
    this.#bytes[slot * SLOT] = 0
    this.#free.push(slot)
  }

  /** What runs; read by the keeper while the worker may be writing, so an entry may be of a moment ago. */
  started(): StartedPosition[] {
    const started: StartedPosition[] = []
    for (let at = 0; at < this.#bytes.length; at += SLOT) {
      const length = this.#bytes[at] as number
      if (length === 0) continue
      started.push({ lane: this.#bytes.toString('latin1', at + NAME_AT, at + NAME_AT + length), position: this.#bytes.readInt32LE(at + 1) })
    }
    return started
  }
}
