/** BullMQ with its lock for a lease. */
import { fileURLToPath } from 'node:url'
import { Queue } from 'bullmq'
import type { Stand } from '../stage/brokers.js'
import type { Final } from '../stage/invariants.js'
import type { Call, Client, Peer } from './peer.js'

const APP = fileURLToPath(new URL('bullmq-app.js', import.meta.url))
const HELD = /^bull:chaos:(wait|active|delayed|paused)$/

export const bullmq: Peer = {
  name: 'BullMQ',
  ready: / ready\./,
  registers: false,
  patience: 120,
  worker: (_name, url, { concurrency = 4, lease = 2 }) => ({
    file: process.execPath,
    args: [APP, `${concurrency}`, `${lease}`],
    env: { CHAOS_URL: url },
  }),
  open: async (url) => new BullClient(url),
  residue: async (stand: Stand) => (await stand.residue()).filter((key) => HELD.test(key)),
}

class BullClient implements Client {
  readonly #queue: Queue

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.#queue = new Queue('chaos', { connection: { host: hostname, port: Number(port), maxRetriesPerRequest: null } })
  }

  async send({ id, task, args }: Call): Promise<void> {
    await this.#queue.add(task, { args }, { jobId: id })
  }

  /** A job says how it ended when it is asked. */
  async watch(): Promise<void> {}

  async finals(ids: readonly string[]): Promise<ReadonlyMap<string, Final>> {
    const found = await Promise.all(ids.map((id) => this.#final(id)))
    return new Map(ids.flatMap((id, at): [string, Final][] => (found[at] ? [[id, found[at]]] : [])))
  }

  async #final(id: string): Promise<Final | null> {
    const job = await this.#queue.getJob(id)
    if (job === undefined) return null
    if (job.finishedOn === undefined) return null
    if (job.failedReason) return { state: 'FAILURE', pid: null, error: job.failedReason }
    return { state: 'SUCCESS', pid: typeof job.returnvalue === 'number' ? job.returnvalue : null, error: null }
  }

  close(): Promise<void> {
    return this.#queue.close()
  }
}
