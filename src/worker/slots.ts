/**
 * What runs and what waits for a slot. Work that was taken ahead waits here, in order; how much is taken ahead follows the time tasks take:
 * twenty milliseconds of work, so that slots never idle between two takes, and other workers get their share of slow tasks.
 */
import type { Request } from './request.js'

/** Messages held at most, however fast the tasks are: two takes, one that runs while the other is on its way. */
const MAX_AHEAD = 300
/** Milliseconds of work taken ahead. */
const AHEAD_MS = 20
/** Weight of the newest run in the mean. */
const WEIGHT = 0.05

export class Slots {
  #concurrency: number
  /** Fixed number of messages held per slot, as Celery's prefetch multiplier; null: by the time tasks take. */
  readonly #multiplier: number | null
  readonly #waiting: { readonly request: Request; readonly since: number }[] = []
  #head = 0
  #meanMs: number | null = null
  /** Something waited too long: nothing is taken ahead until a run has ended. */
  #isStuck = false
  running = 0

  constructor(concurrency: number, multiplier: number | null) {
    this.#concurrency = concurrency
    this.#multiplier = multiplier
  }

  get concurrency(): number {
    return this.#concurrency
  }

  /** Fewer: what runs beyond it ends, and its slot is not used again. */
  resize(concurrency: number): void {
    this.#concurrency = concurrency
  }

  get waiting(): number {
    return this.#waiting.length - this.#head
  }

  /** What waits, in order. */
  get queue(): readonly Request[] {
    return this.#waiting.slice(this.#head).map(({ request }) => request)
  }

  /** How many messages are held at most, running ones included. */
  get capacity(): number {
    return this.#concurrency + this.#ahead
  }

  /** How many messages to take now; 0 also while enough waits that a larger batch is worth the patience. */
  get want(): number {
    const ahead = this.#ahead
    const room = this.#concurrency + ahead - this.running - this.waiting
    if (this.waiting > 0 && room < ahead / 2) return 0
    return Math.max(0, room)
  }

  get #ahead(): number {
    if (this.#isStuck) return 0
    if (this.#multiplier !== null) return this.#concurrency * (this.#multiplier - 1)
    if (this.#meanMs === null) return 0 // nothing is known yet: one message a slot
    return Math.min(MAX_AHEAD, Math.floor((this.#concurrency * AHEAD_MS) / Math.max(this.#meanMs, 0.001)))
  }

  /** @param now monotonic milliseconds */
  push(request: Request, now: number): void {
    this.#waiting.push({ request, since: now })
  }

  /** The next to run, when a slot is free. */
  next(): Request | undefined {
    if (this.running >= this.#concurrency || this.waiting === 0) return undefined
    const { request } = this.#waiting[this.#head++] as { request: Request }
    if (this.#head === this.#waiting.length || this.#head > 1024) {
      this.#waiting.splice(0, this.#head)
      this.#head = 0
    }
    this.running++
    return request
  }

  /** A run ended after `ms`; its slot is not free yet. */
  ended(ms: number): void {
    this.#isStuck = false
    this.#meanMs = this.#meanMs === null ? ms : this.#meanMs + WEIGHT * (ms - this.#meanMs)
  }

  /** What `next` gave a slot needs it no more. */
  free(): void {
    this.running--
  }

  /**
   * Takes out what has waited since before `limit`: it goes back to the broker, where an idle worker finds it. Nothing more is taken ahead
   * until a run has ended, else it would be taken again at once.
   */
  overdue(limit: number): Request[] {
    const stale = this.#waiting.slice(this.#head).filter(({ since }) => since < limit)
    if (stale.length === 0) return []
    const rest = this.#waiting.slice(this.#head).filter(({ since }) => since >= limit)
    this.#waiting.splice(0, this.#waiting.length, ...rest)
    this.#head = 0
    this.#meanMs = null
    this.#isStuck = true
    return stale.map(({ request }) => request)
  }

  /** Takes out everything that waits. */
  drain(): Request[] {
    return this.overdue(Number.POSITIVE_INFINITY)
  }
}
