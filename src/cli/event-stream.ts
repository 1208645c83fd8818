/** Events as they come, to whoever reads: no faster than they are read, and no more of them kept than fit. */
import { globMatches } from '../app/glob.js'
import type { ClusterEvent } from '../protocol/event.js'

export interface EventSink {
  /** Bytes that were written and not yet read. */
  readonly writableLength: number
  write(text: string): unknown
}

export interface EventStreamOptions {
  /** `*` and `?`; one of them must fit; empty: all events. */
  readonly types: readonly string[]
  /** The stream ends after so many. */
  readonly limit: number
  /** Sees every event before it is written or passed over. */
  readonly note?: (event: ClusterEvent) => void
  readonly line: (event: ClusterEvent) => string
}

/** As much as may wait for a reader, in bytes. Whoever broadcasts does not wait for us. */
const MOST_WAITING = 4 * 1024 * 1024

export class EventStream {
  readonly #sink: EventSink
  readonly #options: EventStreamOptions
  readonly #end: () => void
  #shown = 0
  #passedOver = 0

  /** @param end called once, when the limit is reached */
  constructor(sink: EventSink, options: EventStreamOptions, end: () => void) {
    this.#sink = sink
    this.#options = options
    this.#end = end
  }

  /** Events that were not shown because the reader was too slow. */
  get passedOver(): number {
    return this.#passedOver
  }

  hear(events: readonly ClusterEvent[]): void {
    const { types, limit, note, line } = this.#options
    const lines: string[] = []
    const isFull = this.#sink.writableLength > MOST_WAITING
    for (const event of events) {
      if (this.#shown >= limit) break
      note?.(event)
      if (types.length > 0 && !types.some((type) => globMatches(type, event.type))) continue
      if (isFull) {
        this.#passedOver++
        continue
      }
      lines.push(`${line(event)}\n`)
      if (++this.#shown === limit) this.#end()
    }
    if (lines.length > 0) this.#sink.write(lines.join(''))
  }
}
