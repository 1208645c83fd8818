/** The result store of one process: for tests and eager runs, and the model for a new one. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.js'
import { CelerityError } from '../../errors.js'
import type { PreparedWrite } from '../../prepared-write.js'
import type { ResultOptions } from '../options.js'
import { standing } from '../standing.js'
import type { EncodedResult, ResultStore, Watch } from '../store.js'

/** `memory://name`: the same name in one process is the same store; `memory://` alone is one of its own. */
export async function openMemoryResults(url: string, options: ResultOptions): Promise<ResultStore> {
  return new MemoryResults(tableNamed(url.replace(/^memory:(\/\/)?/i, '')), options.clock)
}

interface Stored {
  readonly state: string
  readonly json: string
  /** Wall-clock milliseconds; infinite: for ever. */
  readonly until: number
}

interface Watcher {
  readonly ids: ReadonlySet<string>
  readonly changed: (id: string, json: string) => void
}

class Table {
  readonly results = new Map<string, Stored>()
  readonly watchers = new Set<Watcher>()

  constructor(readonly name: string) {}

  get(id: string, now: number): Stored | undefined {
    const stored = this.results.get(id)
    return stored !== undefined && stored.until > now ? stored : undefined
  }

  /** What stands in its place; null: nothing to speak of. */
  write({ id, state, json, ttl }: EncodedResult, now: number): string | null {
    const stored = this.get(id, now) ?? null
    const verdict = standing(stored, json)
    if (verdict !== 'gives way') return verdict === 'ended' && stored !== null ? stored.json : null
    this.results.set(id, { state, json, until: ttl === 0 ? Number.POSITIVE_INFINITY : now + ttl * 1000 })
    for (const { ids, changed } of [...this.watchers]) if (ids.has(id)) queueMicrotask(() => changed(id, json))
    return null
  }
}

/** On `globalThis`, not in this module: a task module loaded through another loader may hold a second copy of it. */
const TABLES = Symbol.for('celerity.results.memory')

function tableNamed(name: string): Table {
  if (name === '') return new Table(randomUUID())
  const shared = globalThis as { [TABLES]?: Map<string, Table> }
  shared[TABLES] ??= new Map()
  const known = shared[TABLES].get(name)
  if (known !== undefined) return known
  const table = new Table(name)
  shared[TABLES].set(name, table)
  return table
}

class MemoryResults implements ResultStore {
  readonly server: string
  readonly #table: Table
  readonly #clock: Clock
  readonly #watches = new Set<Watch>()
  #closed = false

  constructor(table: Table, clock: Clock) {
    this.server = `memory:${table.name}`
    this.#table = table
    this.#clock = clock
  }

  async set(results: readonly EncodedResult[]): Promise<readonly (string | null)[]> {
    this.#check()
    return results.map((result) => this.#table.write(result, this.#clock.now()))
  }

  prepare(result: EncodedResult): PreparedWrite {
    return { kind: 'memory', apply: () => void this.#table.write(result, this.#clock.now()) }
  }

  async get(ids: readonly string[]): Promise<readonly (string | null)[]> {
    this.#check()
    const now = this.#clock.now()
    return ids.map((id) => this.#table.get(id, now)?.json ?? null)
  }

  async watch(ids: readonly string[], changed: (id: string, json: string) => void): Promise<Watch> {
    this.#check()
    let open = true
    const watcher: Watcher = { ids: new Set(ids), changed: (id, json) => open && changed(id, json) }
    const watch: Watch = {
      close: async () => {
        open = false
        this.#table.watchers.delete(watcher)
        this.#watches.delete(watch)
      },
    }
    this.#table.watchers.add(watcher)
    this.#watches.add(watch)
    return watch
  }

  async forget(ids: readonly string[]): Promise<void> {
    this.#check()
    for (const id of ids) this.#table.results.delete(id)
  }

  async sweep(): Promise<number> {
    this.#check()
    const now = this.#clock.now()
    const expired = [...this.#table.results].filter(([, { until }]) => until <= now)
    for (const [id] of expired) this.#table.results.delete(id)
    return expired.length
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const watch of [...this.#watches]) await watch.close()
  }

  #check(): void {
    if (this.#closed) throw new CelerityError('E_RESULTS_UNREACHABLE', { message: 'This connection to the result store was closed' })
  }
}
