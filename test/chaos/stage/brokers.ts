/** The brokers a scenario is played on: how to reach them, how to put them out of reach, and what is left in them. */
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type Handle, loadBinding, type OpenHandle } from '../../../src/sqlite/binding.js'
import { type RedisServer, startRedisServer } from '../../setup/redis-server.js'

export type BrokerKind = 'redis' | 'sqlite'

/** How it goes away: at once, or in order. A file is locked by somebody else, either way. */
export type Leaving = 'kill' | 'term'

export interface Stand {
  readonly kind: BrokerKind
  readonly url: string
  /** Puts it out of reach; `back` ends that. */
  away(how?: Leaving): Promise<{ back(): Promise<void> }>
  /** Whether somebody else could write to it now. */
  isWritable(): Promise<boolean>
  /** How many workers it knows, dead ones that nobody has found yet included. */
  registered(): Promise<number>
  /** What the broker still holds and should not when everything is done: one line each, empty when all is well. */
  residue(): Promise<readonly string[]>
  close(): Promise<void>
}

/** A server of its own, which keeps what it has acknowledged when it is killed. */
export class RedisStand implements Stand {
  readonly kind = 'redis'
  readonly server: RedisServer
  readonly #probe: Redis

  /** The program, for a scenario that needs more servers. */
  readonly binary: string

  static async open(binary: string): Promise<RedisStand> {
    return new RedisStand(binary, await startRedisServer(binary, { durable: true }))
  }

  protected constructor(binary: string, server: RedisServer) {
    this.binary = binary
    this.server = server
    this.#probe = new Redis(server.url, { retryStrategy: () => 100, maxRetriesPerRequest: null })
    this.#probe.on('error', () => {}) // it is put out of reach on purpose
  }

  get url(): string {
    return this.server.url
  }

  async away(how: Leaving = 'kill'): Promise<{ back(): Promise<void> }> {
    if (how === 'term') process.kill(this.server.pid, 'SIGTERM')
    else await this.server.kill()
    return { back: () => this.server.restart() }
  }

  isWritable(): Promise<boolean> {
    return Promise.resolve(true)
  }

  registered(): Promise<number> {
    return this.#probe.hlen('celerity:workers')
  }

  /** Asks the server itself, past any wire. */
  ask<T>(question: (client: Redis) => Promise<T>): Promise<T> {
    return question(this.#probe)
  }

  residue(): Promise<readonly string[]> {
    return residueOf(this.#probe)
  }

  async close(): Promise<void> {
    this.#probe.disconnect()
    await this.server.stop()
  }
}

/** Results, kombu's bindings, the names of queues, what a revocation leaves behind, and periodic tasks with their histories. */
const STAYS = /^(celery-task-meta-.*|_kombu\.binding\..*|celerity:(queues|revoked|revocations|generation|schedule(:.*)?))$/
/** What is remembered for a while on purpose: producers' marks, how often a task was found with a dead worker, last words of the killed, who reaps, slots. */
const EXPIRES = /^celerity:((producer|deliveries|rate|slots|reaper):|note[ds]$)/

async function residueOf(client: Redis): Promise<readonly string[]> {
  const keys = (await client.keys('*')).filter((key) => !STAYS.test(key))
  const found = await Promise.all(keys.map(async (key) => ({ key, ttl: await client.ttl(key) })))
  // A second of life that is not whole is 0, and what has run out meanwhile is -2.
  return found.filter(({ key, ttl }) => ttl !== -2 && !(EXPIRES.test(key) && ttl >= 0)).map(({ key }) => key)
}

/** Without those whose rows run out by themselves: a worker that was killed is taken for a listener for half a minute more. */
const TABLES = ['message', 'ready', 'delayed', 'held', 'lane', 'worker', 'dead'] as const

/** A file. Out of reach: somebody holds its lock, as a person with a shell and an open transaction would. */
export class SqliteStand implements Stand {
  readonly kind = 'sqlite'
  readonly url: string
  readonly path: string
  readonly #open: OpenHandle

  static async open(folder: string): Promise<SqliteStand> {
    return new SqliteStand(folder, await loadBinding()) // ours: two SQLites in one process would drop each other's locks
  }

  protected constructor(folder: string, open: OpenHandle) {
    this.path = join(folder, 'tasks.db')
    this.url = `sqlite:${this.path}`
    this.#open = open
  }

  async away(): Promise<{ back(): Promise<void> }> {
    const file = this.#open(this.path, { timeout: 10_000 })
    file.exec('BEGIN IMMEDIATE')
    return {
      async back() {
        file.exec('ROLLBACK')
        file.close()
      },
    }
  }

  async isWritable(): Promise<boolean> {
    try {
      this.#ask(200, (file) => file.exec('BEGIN IMMEDIATE; ROLLBACK'))
      return true
    } catch {
      return false // busy
    }
  }

  async registered(): Promise<number> {
    return this.#ask(10_000, (file) => count(file, 'worker'))
  }

  async residue(): Promise<readonly string[]> {
    return this.#ask(10_000, (file) =>
      TABLES.map((table) => [table, count(file, table)] as const)
        .filter(([, rows]) => rows > 0)
        .map(([table, rows]) => `${rows} rows in broker_${table}`),
    )
  }

  /** What SQLite itself thinks of the file: `['ok']` when all is well. */
  async integrity(): Promise<readonly string[]> {
    const rows = this.#ask(10_000, (file) => file.prepare('PRAGMA integrity_check').all())
    return rows.map((row) => String((row as { readonly integrity_check: unknown }).integrity_check))
  }

  async close(): Promise<void> {}

  #ask<T>(timeout: number, question: (file: Handle) => T): T {
    const file = this.#open(this.path, { timeout })
    try {
      return question(file)
    } finally {
      file.close()
    }
  }
}

function count(file: Handle, table: string): number {
  return Number((file.prepare(`SELECT count(*) AS count FROM broker_${table}`).get() as { readonly count: number }).count)
}
