/**
 * Since when the server that we talk to is the one that counts. A lease may have run out unheard while the server was away, while it took no
 * writes (a full disk, a long script), or while another one took its place: then nobody may be fenced before one full lease has passed.
 */
import type { Redis } from 'ioredis'
import { evaluate, type RedisLink, type Script } from '../../redis/link.js'

export class Primacy {
  readonly #link: RedisLink
  readonly #scratch: string
  #reign = ''
  #since = Number.POSITIVE_INFINITY
  /** The connection that was judged, and what it had been refused. */
  #judged = ''

  /** @param scratch a key that is nobody's */
  constructor(link: RedisLink, scratch: string) {
    this.#link = link
    this.#scratch = scratch
  }

  /**
   * Milliseconds since it began to serve, as the primary it is now, over the connection that we have now; to be asked at every round. A server
   * that was promoted under a standing connection, or exchanged behind a proxy, has another replication id: only from when it was first seen.
   * Something is written too, what passes without memory: a server that reads and does not write has renewed nobody's lease.
   */
  async ms(): Promise<number> {
    const asked = (client: Redis) => Promise.all([client.info('server'), client.info('replication'), client.del(this.#scratch)])
    const [server, replication] = await this.#link.run(asked)
    this.#judged = this.#connection
    const reign = [field(server, 'run_id'), field(replication, 'role'), field(replication, 'master_replid'), this.#judged].join(' ')
    if (reign !== this.#reign) {
      this.#reign = reign
      this.#since = performance.now()
    }
    const uptime = Number(field(server, 'uptime_in_seconds') ?? 0) * 1000
    return Math.min(uptime, performance.now() - this.#since)
  }

  /** Runs a script over the connection that `ms` has judged; null when that is lost, or was refused something since. */
  script(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.#link.run(async (client) => (this.#connection === this.#judged ? evaluate(client, script, keys, args) : null))
  }

  get #connection(): string {
    return `${this.#link.readySince} ${this.#link.refusals}`
  }
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1]
}
