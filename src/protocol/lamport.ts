/**
 * A logical clock as Celery's `LamportClock`: forward before something is sent, set past what others show on receipt. It lies in shared
 * memory, since one worker has one clock: its main thread sends task events, its keeper's thread sends heartbeats and answers.
 */

/** What is read of others at most: from there one may still count for longer than any cluster lives. Beyond it is a mistake, or worse. */
const MAX_CLOCK = 2 ** 52

/** Whether another's clock may be believed. */
export function isClockValue(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_CLOCK
}

export class Lamport {
  /** To be handed to another thread, which makes its `Lamport` of it. */
  readonly buffer: SharedArrayBuffer
  /** 64 bits: with 32 a cluster of 10,000 events a second would wrap around in five days. A step costs 17 ns. */
  readonly #cell: BigInt64Array

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.buffer = shared
    this.#cell = new BigInt64Array(shared)
  }

  now(): number {
    return Number(Atomics.load(this.#cell, 0))
  }

  /** One forward; the value to be sent. */
  tick(): number {
    return Number(Atomics.add(this.#cell, 0, 1n)) + 1
  }

  /** Past what was received: `max(own, seen) + 1`. What is no clock value changes nothing. */
  adjust(seen: number): number {
    if (!isClockValue(seen)) return this.now()
    const other = BigInt(seen)
    for (;;) {
      const own = Atomics.load(this.#cell, 0)
      const next = (own > other ? own : other) + 1n
      if (Atomics.compareExchange(this.#cell, 0, own, next) === own) return Number(next)
    }
  }
}
