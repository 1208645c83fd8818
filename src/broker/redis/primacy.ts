/**
 * Since when the server that we talk to is the one that counts. A lease may have run out unheard while the server was away, or while another
 * one took its place: then nobody may be fenced before one full lease has passed.
 */
import { evaluate, type RedisLink, type Script } from '../../redis/link.js'

export class Primacy {
  readonly #link: RedisLink
  #reign = ''
  #since = Number.POSITIVE_INFINITY
  /** When the connection that was judged became ready. */
  #judged: number | null = null

  constructor(link: RedisLink) {
    this.#link = link
  }

  /**
   * Milliseconds since it began to serve, as the primary it is now, over the connection that we have now; to be asked at every round. A server
   * that was promoted under a standing connection, or exchanged behind a proxy, has another replication id: only from when it was first seen.
   */
  async ms(): Promise<number> {
    const [server, replication] = await this.#link.run((client) => Promise.all([client.info('server'), client.info('replication')]))
    this.#judged = this.#link.readySince
    const reign = [field(server, 'run_id'), field(replication, 'role'), field(replication, 'master_replid'), this.#judged].join(' ')
    if (reign !== this.#reign) {
      this.#reign = reign
      this.#since = performance.now()
    }
    const uptime = Number(field(server, 'uptime_in_seconds') ?? 0) * 1000
    return Math.min(uptime, performance.now() - this.#since)
  }

  /** Runs a script over the connection that `ms` has judged; null when that is lost: the next one may lead to another server. */
  script(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.#link.run(async (client) => (this.#link.readySince === this.#judged ? evaluate(client, script, keys, args) : null))
  }
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1]
}
