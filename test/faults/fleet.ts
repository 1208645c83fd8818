/** Workers of poison-app.ts that are started again as soon as they die, as a supervisor does; their broker, and what they noted. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Celerity } from '../../src/index.js'
import { decodeResult } from '../../src/protocol/result.js'
import { GroupProcess } from '../chaos/stage/processes.js'

const BIN = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))
const APP = fileURLToPath(new URL('poison-app.ts', import.meta.url))
const CONCURRENCY = 4
const LEASE_SECONDS = 1

export class Fleet {
  readonly app: Celerity
  deaths = 0
  readonly #folder = mkdtempSync(join(tmpdir(), 'celerity-faults-'))
  readonly #env: NodeJS.ProcessEnv
  readonly #alive = new Map<string, GroupProcess>()
  #isOver = false

  /** @param url null: SQLite, in a file of its own */
  constructor(url: string | null) {
    const broker = url ?? `sqlite:${join(this.#folder, 'tasks.db')}`
    this.app = new Celerity('faults', { brokerUrl: broker, resultBackend: broker })
    const urls = { TASKS_BROKER_URL: broker, TASKS_RESULT_BACKEND: broker }
    this.#env = { PATH: process.env['PATH'], TASKS_WORKER_LEASE: `${LEASE_SECONDS}`, FAULTS_LEDGER: this.#ledger, ...urls }
  }

  get #ledger(): string {
    return join(this.#folder, 'ledger')
  }

  start(name: string): GroupProcess {
    const args = [BIN, 'worker', '-A', APP, '-n', `${name}@faults`, '-c', `${CONCURRENCY}`, '--log-level', 'info']
    const worker = new GroupProcess(name, process.execPath, args, { cwd: this.#folder, env: this.#env })
    this.#alive.set(name, worker)
    void worker.ended.then(async () => {
      await worker.end()
      if (this.#isOver) return
      this.deaths++
      this.start(name)
    })
    return worker
  }

  alive(name: string): GroupProcess {
    const worker = this.#alive.get(name)
    if (worker === undefined) throw new Error(`there is no worker ${name}`)
    return worker
  }

  /** Nothing waits or runs, and these have ended. The counts alone are not of one moment: a message may slip past them. */
  async isDone(ids: readonly string[]): Promise<boolean> {
    const [counts] = await (await this.app.broker()).queues.counts(['celery'])
    if (counts === undefined || counts.ready + counts.delayed + counts.suspects + counts.leased > 0) return false
    return !(await this.states(ids)).includes('nothing')
  }

  /** `success`, `FAILURE <type>`, or `nothing`, of each. */
  async states(ids: readonly string[]): Promise<readonly string[]> {
    const results = await (await this.app.results()).get(ids)
    return results.map((json) => {
      const decoded = decodeResult(json ?? '')
      if (!decoded.ok) return 'nothing'
      const { outcome } = decoded.result
      return outcome.kind === 'error' ? `${outcome.state} ${outcome.error.type}` : outcome.kind
    })
  }

  /** How often each task was started. */
  starts(): ReadonlyMap<string, number> {
    const starts = new Map<string, number>()
    if (!existsSync(this.#ledger)) return starts
    for (const line of readFileSync(this.#ledger, 'utf8').split('\n').slice(0, -1)) {
      const [id = ''] = line.split(' ')
      starts.set(id, (starts.get(id) ?? 0) + 1)
    }
    return starts
  }

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all([...this.#alive.values()].map((worker) => worker.end()))
    await this.app.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
