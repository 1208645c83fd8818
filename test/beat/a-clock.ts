import type { Clock } from '../../src/clock.js'

/** Time that stands still until it is turned. */
export class TestClock implements Clock {
  #wall: number
  #monotonic = 0
  #sleepers: { readonly at: number; readonly wake: () => void }[] = []

  constructor(wall: number) {
    this.#wall = wall
  }

  now(): number {
    return this.#wall
  }

  monotonic(): number {
    return this.#monotonic
  }

  sleep(seconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        signal?.removeEventListener('abort', wake)
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        resolve()
      }
      const sleeper = { at: this.#monotonic + seconds * 1000, wake }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', wake)
    })
  }

  /** Lets time pass; whoever sleeps wakes in turn, and does what there is to do before time goes on. */
  async pass(seconds: number): Promise<void> {
    const end = this.#monotonic + seconds * 1000
    for (;;) {
      await settled()
      const [first] = this.#sleepers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
      if (first === undefined) break
      this.#move(Math.max(first.at, this.#monotonic))
      first.wake()
    }
    this.#move(end)
    await settled()
  }

  /** Somebody sets the wall clock. */
  jump(seconds: number): void {
    this.#wall += seconds * 1000
  }

  /** A clock that runs as this one, and whose wall clock is another. */
  beside(ahead: number): Clock & { ahead: number } {
    const clock = { ahead, now: () => this.#wall + clock.ahead * 1000, monotonic: () => this.#monotonic, sleep: this.sleep.bind(this) }
    return clock
  }

  #move(monotonic: number): void {
    this.#wall += monotonic - this.#monotonic
    this.#monotonic = monotonic
  }
}

/** Until nobody has anything to do but to sleep: a memory broker answers within a turn. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
}
