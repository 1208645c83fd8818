/** Celery's result backend on Redis: `celery-task-meta-<id>`, JSON with an expiry, published on a channel named like the key. */
import type { Redis } from 'ioredis'
import type { PreparedWrite } from '../../prepared-write.js'
import { resultKey } from '../../protocol/result.js'
import { loadScript, RedisLink } from '../../redis/link.js'
import type { ResultOptions } from '../options.js'
import type { EncodedResult, ResultStore, Watch } from '../store.js'

const SET = loadScript(import.meta.url, 'set')

type Changed = (id: string, json: string) => void

export async function openRedisResults(url: string, options: ResultOptions): Promise<ResultStore> {
  return new RedisResults(url, options)
}

export class RedisResults implements ResultStore {
  readonly server: string
  readonly #link: RedisLink
  readonly #subscriber: RedisLink
  readonly #prefix: string
  /** Who listens, by id. */
  readonly #watchers = new Map<string, Set<Changed>>()
  #subscribed: Redis | undefined

  constructor(url: string, options: ResultOptions) {
    const { deadlineMs, log, outages, keyPrefix } = options
    const shared = { deadlineMs, log, outages, keyPrefix, unreachable: 'E_RESULTS_UNREACHABLE' } as const
    this.#link = new RedisLink(url, shared)
    this.#subscriber = new RedisLink(url, { ...shared, listens: true })
    this.#subscriber.whenReady((client) => this.#attach(client))
    this.server = this.#link.server
    this.#prefix = keyPrefix
  }

  async set(results: readonly EncodedResult[]): Promise<readonly (string | null)[]> {
    if (results.length === 0) return []
    const keys = results.map(({ id }) => resultKey(this.#prefix, id))
    const args = results.flatMap(({ json, ttl }) => [json, Math.ceil(ttl * 1000)])
    const standing = (await this.#link.script(SET, keys, args)) as Buffer[]
    return standing.map((json) => (json.length === 0 ? null : String(json)))
  }

  prepare(result: EncodedResult): PreparedWrite {
    return {
      kind: 'redis',
      db: this.#link.address.db,
      key: resultKey(this.#prefix, result.id),
      value: result.json,
      ttlMs: Math.ceil(result.ttl * 1000),
    }
  }

  async get(ids: readonly string[]): Promise<readonly (string | null)[]> {
    if (ids.length === 0) return []
    return this.#link.run((client) => client.mget(...ids.map((id) => resultKey(this.#prefix, id))))
  }

  async watch(ids: readonly string[], changed: Changed): Promise<Watch> {
    const fresh = ids.filter((id) => !this.#watchers.has(id))
    for (const id of ids) {
      const watchers = this.#watchers.get(id)
      if (watchers === undefined) this.#watchers.set(id, new Set([changed]))
      else watchers.add(changed)
    }
    // Also for ids that another caller watches already: its subscription may still be under way.
    try {
      if (ids.length > 0)
        await this.#subscriber.run((client) => client.subscribe(...(fresh.length > 0 ? fresh : ids).map((id) => this.#channel(id))))
    } catch (error) {
      this.#drop(ids, changed)
      throw error
    }
    return { close: () => this.#unwatch(ids, changed) }
  }

  /** Returns those that nobody watches any more. */
  #drop(ids: readonly string[], changed: Changed): readonly string[] {
    return ids.filter((id) => {
      const watchers = this.#watchers.get(id)
      if (watchers === undefined || !watchers.delete(changed) || watchers.size > 0) return false
      return this.#watchers.delete(id)
    })
  }

  async #unwatch(ids: readonly string[], changed: Changed): Promise<void> {
    const unused = this.#drop(ids, changed)
    if (unused.length === 0) return
    // A lost connection has unsubscribed by itself.
    await this.#subscriber.run((client) => client.unsubscribe(...unused.map((id) => this.#channel(id)))).catch(() => {})
  }

  /** A new connection subscribes again, and looks up what it may have missed in between. */
  #attach(client: Redis): void {
    if (client !== this.#subscribed) {
      client.on('messageBuffer', (channel: Buffer | string, json: Buffer) =>
        this.#tell(String(channel).slice(this.#channel('').length), String(json)),
      )
    }
    const again = this.#subscribed !== undefined
    this.#subscribed = client
    const ids = [...this.#watchers.keys()]
    if (!again || ids.length === 0) return
    client
      .subscribe(...ids.map((id) => this.#channel(id)))
      .then(() => this.get(ids))
      .then((found) => {
        for (const [index, json] of found.entries()) if (json !== null) this.#tell(ids[index] as string, json)
      })
      .catch(() => {}) // the connection broke again: the next one does all this anew
  }

  #tell(id: string, json: string): void {
    for (const changed of this.#watchers.get(id) ?? []) changed(id, json)
  }

  #channel(id: string): string {
    return resultKey(this.#prefix, id)
  }

  async forget(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#link.run((client) => client.del(...ids.map((id) => resultKey(this.#prefix, id))))
  }

  /** Redis expires them itself. */
  async sweep(): Promise<number> {
    return 0
  }

  async close(): Promise<void> {
    await Promise.all([this.#link.close(), this.#subscriber.close()])
  }
}
