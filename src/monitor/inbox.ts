/**
 * Events heard on pub/sub that no snapshot holds yet: of workers that write no journal. Bounded: with the store away for long the oldest give
 * way, and are counted.
 */
import { randomUUID } from 'node:crypto'
import type { TaskEvent } from '../events/cluster.js'
import type { GapRow } from './tables.js'

/** About 50 MB. */
const INBOX_CAP = 50_000
/** Thrown away together: one by one each would move all the others. */
const SLACK = 1_000

export class Inbox {
  readonly #cap: number
  #events: TaskEvent[] = []
  /** How many came before the first of them. */
  #before = 0
  #dropped = 0
  #gap = randomUUID()

  constructor(cap = INBOX_CAP) {
    this.#cap = cap
  }

  get size(): number {
    return this.#events.length
  }

  add(events: readonly TaskEvent[]): void {
    for (const event of events) this.#events.push(event)
    if (this.#events.length < this.#cap + SLACK) return
    const excess = this.#events.length - this.#cap
    this.#events = this.#events.slice(excess)
    this.#before += excess
    this.#dropped += excess
  }

  /** The oldest, which stay until `release` is called after their commit. */
  peek(limit: number, now: number): Load {
    const events = this.#events.slice(0, limit)
    const detail = 'the store was away for longer than events of workers without a journal are kept'
    const gap = this.#dropped === 0 ? null : { id: this.#gap, at: now, cause: 'overflow' as const, events: this.#dropped, detail }
    return { events, gap, end: this.#before + events.length }
  }

  release({ end, gap }: Load): void {
    const done = Math.max(0, end - this.#before) // some of them may have given way meanwhile, and are counted as missed: rather too many
    this.#events = this.#events.slice(done)
    this.#before += done
    if (gap === null) return
    this.#dropped -= gap.events
    this.#gap = randomUUID()
  }
}

export interface Load {
  readonly events: readonly TaskEvent[]
  /** The same id until it is released: if nobody can tell whether it was stored, it comes again and is stored once. */
  readonly gap: (GapRow & { readonly events: number }) | null
  readonly end: number
}
