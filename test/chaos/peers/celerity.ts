/** Ourselves: `tasks worker` as it is built, and the public API. */
import { fileURLToPath } from 'node:url'
import { type CallOptions, Celerity } from '../../../src/index.js'
import { decodeResult, isFinal, stateOf, type TaskResult } from '../../../src/protocol/result.js'
import type { Final } from '../stage/invariants.js'
import type { Call, Client, Peer } from './peer.js'

export const BIN = fileURLToPath(new URL('../../../bin/tasks.js', import.meta.url))
const APP = fileURLToPath(new URL('../stage/app.ts', import.meta.url))

export const celerity: Peer = {
  name: 'Celerity',
  ready: / ready\./,
  registers: true,
  patience: 60,
  worker: (name, url, { concurrency = 4, lease = 2, flags = [] }) => ({
    file: process.execPath,
    args: [BIN, 'worker', '-A', APP, '-n', `${name}@system`, '-c', `${concurrency}`, '--log-level', 'info', ...flags],
    env: {
      TASKS_BROKER_URL: url,
      TASKS_RESULT_BACKEND: url,
      TASKS_WORKER_LOG_FORMAT: 'json',
      TASKS_WORKER_LEASE: `${lease}`,
    },
  }),
  open: (url, results) => CelerityClient.open(url, results),
  residue: (stand) => stand.residue(),
}

export class CelerityClient implements Client {
  readonly app: Celerity

  static async open(url: string, results = url): Promise<CelerityClient> {
    const app = new Celerity('system', { brokerUrl: url, resultBackend: results })
    await app.broker() // makes the file, so that those who come later find it
    await app.results()
    return new CelerityClient(app)
  }

  private constructor(app: Celerity) {
    this.app = app
  }

  async send({ id, task, args, link, chain = [], priority, countdown, expires }: Call): Promise<void> {
    const links = link === undefined ? chain : [link, ...chain]
    await this.app.send(task, args, {
      taskId: id,
      ...this.#linked(links),
      ...(priority === undefined ? {} : { priority }),
      ...(countdown === undefined ? {} : { countdown }),
      ...(expires === undefined ? {} : { expires }),
    })
  }

  /** The options of who is followed by these, one after the other. */
  #linked([id, ...after]: readonly string[]): Pick<CallOptions, 'link'> {
    return id === undefined ? {} : { link: this.app.signature('system.after', [], { taskId: id, ...this.#linked(after) }) }
  }

  async watch(ids: readonly string[], hear: (id: string, final: Final) => void): Promise<void> {
    const results = await this.app.results()
    await results.watch(ids, (id, json) => {
      const final = finalOf(json)
      if (final !== null) hear(id, final)
    })
  }

  async finals(ids: readonly string[]): Promise<ReadonlyMap<string, Final>> {
    const found = await (await this.app.results()).get(ids)
    return new Map(
      ids.flatMap((id, index): [string, Final][] => {
        const final = finalOf(found[index] ?? '')
        return final === null ? [] : [[id, final]]
      }),
    )
  }

  async close(): Promise<void> {
    await this.app.close().catch(() => {}) // the broker may be gone for good
  }
}

function finalOf(json: string): Final | null {
  const decoded = json === '' ? null : decodeResult(json)
  if (decoded === null) return null
  if (!decoded.ok) throw new Error(`a result that can't be read: ${decoded.reason}`)
  const { outcome }: TaskResult = decoded.result
  const state = stateOf(outcome)
  if (!isFinal(state)) return null
  const pid = outcome.kind === 'success' && typeof outcome.value === 'number' ? outcome.value : null
  return { state, pid, error: outcome.kind === 'error' ? outcome.error.type : null }
}
