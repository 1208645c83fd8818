import type { Clock } from '../clock.js'

/**
 * The broker's wall clock, carried on by a clock that never jumps: what somebody does to the clock of this machine changes nothing. It may
 * be late by the way of an answer, and is never early.
 */
export class BrokerClock {
  readonly #clock: Clock
  #ahead: number

  /** @param now what the broker has just said */
  constructor(clock: Clock, now: number) {
    this.#clock = clock
    this.#ahead = now - clock.monotonic()
  }

  now(): number {
    return Math.floor(this.#ahead + this.#clock.monotonic())
  }

  set(now: number): void {
    this.#ahead = now - this.#clock.monotonic()
  }
}
