/** graphile-worker on PostgreSQL, with its local queue: the fastest of the peers. It keeps no results: what is done is deleted. */
import pg from 'pg'
import { Program } from '../program.js'
import { node, versionOf } from './bullmq.js'
import type { Peer, Sending, Site } from './peer.js'
import { type PostgresServer, startPostgres } from './postgres-server.js'

const COUNT = `SELECT extract(epoch FROM clock_timestamp()) * 1000 AS at, count(*) AS left FROM graphile_worker._private_jobs`

export function graphile(bin: string): Peer {
  return {
    name: `graphile-worker ${versionOf('graphile-worker')}`,
    async open() {
      const server = await startPostgres(bin)
      const probe = new pg.Client(server.url)
      await probe.connect()
      return new GraphileSite(server, probe)
    },
  }
}

class GraphileSite implements Site {
  readonly #server: PostgresServer
  readonly #probe: pg.Client
  readonly #programs: Program[] = []
  #sent = 0

  constructor(server: PostgresServer, probe: pg.Client) {
    this.#server = server
    this.#probe = probe
  }

  send(how: Sending, count: number): Promise<number> {
    this.#sent += count
    return this.#start('graphile-producer.js', [how, `${count}`]).result('took')
  }

  startWorker(concurrency: number): Program {
    return this.#start('graphile-worker.js', [`${concurrency}`])
  }

  async progress() {
    const { rows } = await this.#probe.query<{ at: string; left: string }>(COUNT)
    const [{ at, left } = { at: '0', left: '0' }] = rows
    return { at: Number(at), done: this.#sent - Number(left) }
  }

  async serverCpu(): Promise<number> {
    return this.#server.cpuSeconds()
  }

  async close(): Promise<void> {
    await this.#probe.end()
    await Promise.all(this.#programs.map((program) => program.stop()))
    await this.#server.stop()
  }

  #start(name: string, args: readonly string[]): Program {
    const program = new Program(node(name, args, this.#server.url))
    this.#programs.push(program)
    return program
  }
}
