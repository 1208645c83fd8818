/** Tasks that take their process down, among good ones, with real workers that are started again whenever they die. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Celerity } from '../../src/index.js'
import { decodeResult } from '../../src/protocol/result.js'
import { eventually } from '../eventually.js'
import { redisUrl } from '../setup/servers.js'
import { GroupProcess } from '../system/processes.js'
import { tell } from '../system/scenario.js'

const BIN = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))
const APP = fileURLToPath(new URL('poison-app.ts', import.meta.url))
const POISON = ['faults.exit', 'faults.abort', 'faults.kill']
const GOOD = Number(process.env['FAULTS_GOOD'] ?? 200)
const CONCURRENCY = 4
const LEASE_SECONDS = 1

describe('poison among good tasks (T3, G6)', function () {
  this.timeout(120_000)
  let folder: string
  let app: Celerity
  let fleet: Fleet
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'celerity-faults-'))
  })
  afterEach(async () => {
    await fleet.end()
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('on Redis: is dead-lettered after three deaths, and nobody else is condemned or lost', async function () {
    await play(await redisUrl(this))
  })

  it('on SQLite: is dead-lettered after three deaths, and nobody else is condemned or lost', async () => {
    await play(`sqlite:${join(folder, 'tasks.db')}`)
  })

  async function play(url: string): Promise<void> {
    app = new Celerity('faults', { brokerUrl: url, resultBackend: url })
    const broker = await app.broker()
    const ledger = join(folder, 'ledger')
    fleet = new Fleet(folder, { TASKS_BROKER_URL: url, TASKS_RESULT_BACKEND: url, FAULTS_LEDGER: ledger })
    const began = performance.now()

    const good = Array.from({ length: GOOD }, (_, at) => `good-${at}`)
    const calls = good.map((id, at) => app.send('faults.good', [[0, 5, 20, 100][at % 4] as number], { taskId: id }))
    for (const [at, task] of POISON.entries()) {
      calls.splice(Math.floor((at + 0.5) * (GOOD / 3)), 0, app.send(task, [], { taskId: task }))
    }
    await Promise.all(calls)
    fleet.start('first')
    fleet.start('second')

    const letters = await eventually(async () => {
      const [counts] = await broker.queues.counts(['celery'])
      if (counts === undefined || counts.ready + counts.delayed + counts.suspects + counts.leased > 0) return false
      return broker.queues.dead('celery', 0, 1_000)
    }, 100)
    const seconds = (performance.now() - began) / 1000

    const states = await statesOf([...good, ...POISON])
    expect(letters.map(({ reason }) => reason)).to.deep.equal(POISON.map(() => 'delivery-limit'))
    expect(POISON.map((id) => states.get(id))).to.deep.equal(POISON.map(() => 'FAILURE WorkerLostError'))
    expect(good.filter((id) => states.get(id) !== 'success')).to.deep.equal([])
    const starts = startsIn(ledger)
    for (const id of POISON) expect(starts.get(id), id).to.be.within(1, 3)
    expect(fleet.deaths).to.be.at.most(3 * POISON.length)
    const again = good.reduce((sum, id) => sum + (starts.get(id) ?? 0) - 1, 0)
    tell(`${GOOD} good tasks, ${fleet.deaths} deaths, ${again} good ones started again; ${seconds.toFixed(0)} s`)
  }

  async function statesOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const results = await (await app.results()).get(ids)
    return new Map(
      ids.map((id, at) => {
        const decoded = decodeResult(results[at] ?? '')
        if (!decoded.ok) return [id, 'nothing']
        const { outcome } = decoded.result
        return [id, outcome.kind === 'error' ? `${outcome.state} ${outcome.error.type}` : outcome.kind]
      }),
    )
  }
})

/** How often each task was started. */
function startsIn(ledger: string): ReadonlyMap<string, number> {
  const starts = new Map<string, number>()
  for (const line of readFileSync(ledger, 'utf8')
    .split('\n')
    .filter((text) => text !== '')) {
    const [id = ''] = line.split(' ')
    starts.set(id, (starts.get(id) ?? 0) + 1)
  }
  return starts
}

/** Workers that are started again as soon as they die, as a supervisor does. */
class Fleet {
  deaths = 0
  readonly #folder: string
  readonly #env: NodeJS.ProcessEnv
  readonly #alive = new Set<GroupProcess>()
  #isOver = false

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.#folder = folder
    this.#env = { PATH: process.env['PATH'], TASKS_WORKER_LEASE: `${LEASE_SECONDS}`, ...env }
  }

  start(name: string): void {
    const args = [BIN, 'worker', '-A', APP, '-n', `${name}@faults`, '-c', `${CONCURRENCY}`, '--log-level', 'info']
    const worker = new GroupProcess(name, process.execPath, args, { cwd: this.#folder, env: this.#env })
    this.#alive.add(worker)
    void worker.ended.then(async () => {
      this.#alive.delete(worker)
      await worker.end()
      if (this.#isOver) return
      this.deaths++
      this.start(name)
    })
  }

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all([...this.#alive].map((worker) => worker.end()))
  }
}
