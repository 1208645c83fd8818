/**
 * Reads and watches results for all who wait in this process. Whoever begins to wait in one turn of the event loop shares one watch and
 * one read: a thousand callers are two round trips. Nothing is polled; the store tells of changes.
 */
import { isCelerityError } from '../errors.js'
import type { ResultStore, Watch } from '../results/store.js'

/** Who waits for one id. Exactly one of them is called per change; nothing after `fail`. */
export interface Listener {
  /** The stored JSON; null, only at first: nothing is stored yet. */
  hear(json: string | null): void
  fail(error: unknown): void
}

export class ResultFeed {
  readonly #open: () => Promise<ResultStore>
  readonly #groups = new Set<WatchGroup>()
  #gathering: WatchGroup | undefined
  #reads: { readonly ids: Set<string>; readonly answer: Promise<ReadonlyMap<string, string | null>> } | undefined

  /** @param open the store, opened when first needed */
  constructor(open: () => Promise<ResultStore>) {
    this.#open = open
  }

  /** What is stored now. */
  async read(id: string): Promise<string | null> {
    this.#reads ??= this.#gatherReads()
    this.#reads.ids.add(id)
    return (await this.#reads.answer).get(id) ?? null
  }

  /** Tells `listener` what is stored now, then every change, until the returned function is called. */
  listen(id: string, listener: Listener): () => void {
    const group = this.#gathering ?? this.#gather()
    group.add(id, listener)
    return () => {
      group.remove(id, listener)
      if (group.isEmpty) void group.closed.then(() => this.#groups.delete(group))
    }
  }

  /** Ends every watch; who still waits gets `error`. */
  async close(error: unknown): Promise<void> {
    const groups = [...this.#groups]
    this.#groups.clear()
    for (const group of groups) group.fail(error)
    await Promise.all(groups.map((group) => group.closed))
  }

  #gather(): WatchGroup {
    const group = new WatchGroup()
    this.#gathering = group
    this.#groups.add(group)
    setImmediate(() => {
      this.#gathering = undefined
      void group.start(this.#open)
    })
    return group
  }

  #gatherReads() {
    const ids = new Set<string>()
    const answer = new Promise<void>((resolve) => setImmediate(resolve)).then(async () => {
      this.#reads = undefined
      const list = [...ids]
      const stored = await (await this.#open()).get(list)
      return new Map(list.map((id, index) => [id, stored[index] ?? null]))
    })
    return { ids, answer }
  }
}

/** The listeners of one turn, and their one watch. */
class WatchGroup {
  readonly #listeners = new Map<string, Set<Listener>>()
  /** Ids that the watch has spoken of: what it said is newer than what the first read says. */
  readonly #heard = new Set<string>()
  #watch: Watch | undefined
  #closed: Promise<void> = Promise.resolve()

  get isEmpty(): boolean {
    return this.#listeners.size === 0
  }

  get closed(): Promise<void> {
    return this.#closed
  }

  add(id: string, listener: Listener): void {
    const listeners = this.#listeners.get(id)
    if (listeners === undefined) this.#listeners.set(id, new Set([listener]))
    else listeners.add(listener)
  }

  remove(id: string, listener: Listener): void {
    const listeners = this.#listeners.get(id)
    if (listeners === undefined || !listeners.delete(listener) || listeners.size > 0) return
    this.#listeners.delete(id)
    if (this.isEmpty) this.#close()
  }

  /**
   * What an outage leaves behind, a connection on which nothing comes any more, is found out by whoever asks first, and takes all his time. The
   * server may be there again: it is asked once more, over a new one.
   */
  async start(open: () => Promise<ResultStore>): Promise<void> {
    for (let again = false; !this.isEmpty; again = true) {
      try {
        return await this.#begin(await open())
      } catch (error) {
        this.#close()
        if (again || !isCelerityError(error) || error.code !== 'E_RESULTS_UNREACHABLE') return this.fail(error)
      }
    }
  }

  /** Watches first and reads second, so that no change falls in between. */
  async #begin(store: ResultStore): Promise<void> {
    const ids = [...this.#listeners.keys()]
    this.#watch = await store.watch(ids, (id, json) => {
      this.#heard.add(id)
      this.#tell(id, json)
    })
    if (this.isEmpty) return this.#close()
    const stored = await store.get(ids)
    for (const [index, id] of ids.entries()) if (!this.#heard.has(id)) this.#tell(id, stored[index] ?? null)
  }

  fail(error: unknown): void {
    const listeners = [...this.#listeners.values()].flatMap((set) => [...set])
    this.#listeners.clear()
    this.#close()
    for (const listener of listeners) listener.fail(error)
  }

  #tell(id: string, json: string | null): void {
    for (const listener of [...(this.#listeners.get(id) ?? [])]) listener.hear(json)
  }

  #close(): void {
    const watch = this.#watch
    this.#watch = undefined
    if (watch === undefined) return
    // A watch that cannot be closed went with its connection; nobody waits for it.
    this.#closed = watch.close().catch(() => {})
  }
}
