/** The changes of one result as an async iterable: the stored JSON now (null: none yet), then every other one, until it is closed. */
import type { ResultFeed } from './result-feed.js'

export interface Deadline {
  readonly seconds: number
  readonly error: () => Error
}

export class ResultChanges implements AsyncIterable<string | null> {
  readonly #queue: (string | null)[] = []
  readonly #stop: () => void
  readonly #timer: NodeJS.Timeout | undefined
  readonly #signal: AbortSignal | undefined
  readonly #aborted = () => this.#fail(this.#signal?.reason)
  #last: string | null | undefined
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(source: Pick<ResultFeed, 'listen'>, id: string, signal: AbortSignal | undefined, deadline: Deadline | undefined) {
    this.#signal = signal
    this.#stop = source.listen(id, { hear: (json) => this.#hear(json), fail: (error) => this.#fail(error) })
    if (deadline !== undefined) this.#timer = setTimeout(() => this.#fail(deadline.error()), deadline.seconds * 1000)
    if (signal?.aborted) this.#aborted()
    else signal?.addEventListener('abort', this.#aborted, { once: true })
  }

  /** @throws what the listener was told, the reason of the signal, or the deadline's error; after all that was heard before */
  async *[Symbol.asyncIterator](): AsyncGenerator<string | null, void, undefined> {
    for (;;) {
      while (this.#queue.length > 0) yield this.#queue.shift() as string | null
      if (this.#failure !== undefined) throw this.#failure.error
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  close(): void {
    this.#stop()
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#aborted)
  }

  /** A store may tell of one write twice. */
  #hear(json: string | null): void {
    if (json === this.#last) return
    this.#last = json
    this.#queue.push(json)
    this.#wake?.()
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake?.()
  }
}
