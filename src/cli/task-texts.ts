/** A text for each task, such as its name: most events of a task have its id alone. Bounded, for a stream has no end. */
import { LRUCache } from 'lru-cache'
import type { ClusterEvent } from '../protocol/event.js'

const MOST = 10_000
/** Characters of all of them, and of one: a longer one is not kept. */
const MOST_CHARACTERS = 8 * 1024 * 1024
const LONGEST = 64 * 1024

export class TaskTexts {
  readonly #texts = new LRUCache<string, string>({
    max: MOST,
    maxSize: MOST_CHARACTERS,
    maxEntrySize: LONGEST,
    sizeCalculation: (text) => text.length + 1,
  })
  readonly #textOf: (event: ClusterEvent) => string | null

  /** @param textOf the text that an event has for its task; null: this one has none */
  constructor(textOf: (event: ClusterEvent) => string | null) {
    this.#textOf = textOf
  }

  note(event: ClusterEvent): void {
    if (event.uuid === undefined) return
    const text = this.#textOf(event)
    if (text !== null) this.#texts.set(event.uuid, text)
  }

  /** The last text of the event's task; null: there was none yet. */
  of({ uuid }: ClusterEvent): string | null {
    return uuid === undefined ? null : (this.#texts.get(uuid) ?? null)
  }
}
