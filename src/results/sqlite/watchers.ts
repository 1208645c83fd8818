/** Those who wait for results: one loop for all of a connection, which reads what was written since it last looked. */
import type { Clock } from '../../clock.js'
import type { Log } from '../../log.js'
import type { Database } from '../../sqlite/database.js'
import type { Watch } from '../store.js'

type Changed = (id: string, json: string) => void

interface Watcher {
  readonly changed: Changed
  /** The last write before it watched. */
  readonly after: number
}

const NEWEST = "SELECT seq FROM sqlite_sequence WHERE name = 'result'"
/** Without the JSON: most results are none that anybody here waits for. */
const SINCE = 'SELECT change, id FROM result WHERE change > ? ORDER BY change LIMIT ?'
const JSON_OF = 'SELECT json FROM result WHERE change = ?'

const READ_AT_ONCE = 1_000
/** Without a change, how long until the loop looks all the same. */
const LOOK_S = 10

export class Watchers {
  readonly #database: Database
  readonly #clock: Clock
  readonly #log: Log
  readonly #byId = new Map<string, Set<Watcher>>()
  #read = 0
  #stop: AbortController | undefined

  constructor(database: Database, clock: Clock, log: Log) {
    this.#database = database
    this.#clock = clock
    this.#log = log
  }

  async add(ids: readonly string[], changed: Changed): Promise<Watch> {
    const after = await this.#database.read((transaction) => transaction.get<{ seq: number }>(NEWEST)?.seq ?? 0)
    const watcher: Watcher = { changed, after }
    for (const id of ids) {
      const watchers = this.#byId.get(id)
      if (watchers === undefined) this.#byId.set(id, new Set([watcher]))
      else watchers.add(watcher)
    }
    if (this.#stop === undefined && ids.length > 0) {
      this.#stop = new AbortController()
      this.#read = after
      void this.#run(this.#stop.signal)
    }
    return { close: async () => this.#remove(ids, watcher) }
  }

  close(): void {
    this.#byId.clear()
    this.#stop?.abort()
    this.#stop = undefined
  }

  #remove(ids: readonly string[], watcher: Watcher): void {
    for (const id of ids) {
      const watchers = this.#byId.get(id)
      watchers?.delete(watcher)
      if (watchers?.size === 0) this.#byId.delete(id)
    }
    if (this.#byId.size === 0) this.close()
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const mark = this.#database.mark()
        const more = await this.#look(signal)
        if (!more) await this.#database.changed(mark, LOOK_S, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#log.warning('cannot look for new results; trying again', { error })
        await this.#clock.sleep(1, signal)
      }
    }
  }

  async #look(signal: AbortSignal): Promise<boolean> {
    const { rows, written } = await this.#database.read((transaction) => {
      const rows = transaction.all<{ change: number; id: string }>(SINCE, this.#read, READ_AT_ONCE)
      const watched = rows.filter(({ id }) => this.#byId.has(id))
      return { rows, written: watched.map((row) => ({ ...row, json: transaction.get<{ json: string }>(JSON_OF, row.change)?.json ?? '' })) }
    })
    this.#read = rows.at(-1)?.change ?? this.#read
    for (const { change, id, json } of written) {
      for (const watcher of [...(this.#byId.get(id) ?? [])]) if (!signal.aborted && change > watcher.after) this.#tell(watcher, id, json)
    }
    return rows.length === READ_AT_ONCE
  }

  #tell({ changed }: Watcher, id: string, json: string): void {
    try {
      changed(id, json)
    } catch (error) {
      this.#log.error('a watcher failed on a result', { task: id, error })
    }
  }
}
