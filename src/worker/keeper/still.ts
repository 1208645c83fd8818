/**
 * How a thread is ended without harm. One that is ended inside SQLite's code takes the process down with it: the binding throws what nobody
 * can catch any more (SIGABRT in place of the exit code). So it is asked to stand still first, where nothing but its own JavaScript runs.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds to wait for that, at most: it has a turn of its own event loop to come to, on a machine that may be busy. */
const PATIENCE_MS = 2_000
const LOOK_MS = 5

export class Stillness {
  readonly buffer: SharedArrayBuffer
  readonly #cell: Int32Array

  /** @param buffer of the other thread's; else a new one */
  constructor(buffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer
    this.#cell = new Int32Array(buffer)
  }

  /** For the thread that is to be ended. Never returns. */
  keep(): void {
    Atomics.store(this.#cell, 0, 1)
    Atomics.notify(this.#cell, 0)
    for (;;) Atomics.wait(this.#cell, 0, 1)
  }

  /** Blocks until it stands still. */
  wait(): void {
    Atomics.wait(this.#cell, 0, 0, PATIENCE_MS)
  }

  /** Resolves when it stands still, or has ended by itself. */
  async come(ended: () => boolean): Promise<void> {
    const end = performance.now() + PATIENCE_MS
    while (Atomics.load(this.#cell, 0) === 0 && !ended() && performance.now() < end) await sleep(LOOK_MS)
  }
}
