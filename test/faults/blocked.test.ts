/** Handlers that never let go of the event loop, with real workers (T7; U1, U2 of the list of faults). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Context } from 'mocha'
import type { Broker } from '../../src/broker/broker.js'
import { Celerity } from '../../src/index.js'
import { decodeMessage } from '../../src/protocol/message.js'
import { decodeResult, type TaskResult } from '../../src/protocol/result.js'
import { GroupProcess } from '../chaos/stage/processes.js'
import { eventually } from '../eventually.js'
import { redisUrl } from '../setup/servers.js'

const BIN = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))
const APP = fileURLToPath(new URL('blocked-app.ts', import.meta.url))
/** Longer than any test: it never ends by itself. */
const FOR_EVER = 300_000

interface LogLine {
  readonly level: string
  readonly msg: string
  readonly task?: string
  readonly id?: string
  readonly stack?: string
}

describe('a handler that blocks its process (G9)', function () {
  this.timeout(90_000)
  let folder: string
  let app: Celerity
  let broker: Broker
  let url: string
  const workers: GroupProcess[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'celerity-faults-'))
    writeFileSync(join(folder, 'ledger'), '')
  })
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.end()))
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const onRedis = async (context: Context) => open(await redisUrl(context))
  const onSqlite = () => open(`sqlite:${join(folder, 'tasks.db')}`)

  async function open(at: string): Promise<void> {
    url = at
    app = new Celerity('faults', { brokerUrl: url, resultBackend: url })
    broker = await app.broker()
  }

  async function start(name: string, settings: NodeJS.ProcessEnv = {}): Promise<GroupProcess> {
    const { PATH, HOME } = process.env
    const env = { PATH, HOME, TASKS_BROKER_URL: url, TASKS_RESULT_BACKEND: url, FAULTS_LEDGER: join(folder, 'ledger'), ...settings }
    const args = [BIN, 'worker', '-A', APP, '-n', `${name}@faults`, '-c', '3', '--log-level', 'info', '--log-format', 'json']
    const worker = new GroupProcess(name, process.execPath, args, { cwd: folder, env: { ...env, TASKS_WORKER_LEASE: '1' } })
    workers.push(worker)
    await worker.said(/ ready\./)
    return worker
  }

  const result = (id: string): Promise<TaskResult> =>
    eventually(async () => {
      const [json] = await (await app.results()).get([id])
      const decoded = decodeResult(json ?? 'null')
      return decoded.ok && decoded.result
    }, 30)
  /** What became of a task, start by start. */
  const ledger = (id: string): string[] => {
    const lines = readFileSync(join(folder, 'ledger'), 'utf8').trim().split('\n')
    return lines.map((line) => line.split(' ')).flatMap(([what = '', of]) => (of === id ? [what] : []))
  }
  const begun = (id: string) => eventually(() => ledger(id).includes('start'), 30)
  const lines = (worker: GroupProcess): LogLine[] =>
    worker.output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine)
  const nap = (id: string) => app.send('faults.nap', [FOR_EVER], { taskId: id })

  async function failsBeyondItsLimit(task: string): Promise<{ readonly worker: GroupProcess; readonly last: LogLine | undefined }> {
    const worker = await start('first')
    await Promise.all([nap('nap-1'), nap('nap-2')])
    await Promise.all(['nap-1', 'nap-2'].map(begun))
    const linkError = app.signature('faults.mourn', [], { taskId: 'mourner' })
    await app.send(task, [FOR_EVER], { taskId: 'blocker', timeLimit: 2, linkError })
    await begun('blocker')
    const began = performance.now()

    const { outcome } = await result('blocker')
    const seconds = (performance.now() - began) / 1000
    await worker.ended

    expect(outcome).to.deep.include({ kind: 'error', state: 'FAILURE' })
    expect(outcome.kind === 'error' && outcome.error).to.include({ type: 'TimeLimitExceeded', module: 'billiard.exceptions' })
    expect(seconds).to.be.within(1.5, 12)
    expect(ledger('blocker')).to.deep.equal(['start'])
    const said = lines(worker)
    const last = said.at(-1)
    expect(said.filter(({ level }) => level === 'error' || level === 'critical')).to.deep.equal([last])
    expect(last).to.deep.include({ level: 'critical', task, id: 'blocker' })
    expect(last?.msg).to.equal(
      `Task ${task}[blocker] blocks the event loop beyond its time limit of 2 s: it has failed, and 2 others go back; this process ends`,
    )
    return { worker, last }
  }

  /** What the worker that has ended was not to blame for runs elsewhere, as if it had never been taken. */
  async function leavesTheRest(): Promise<void> {
    const waiting = (await broker.queues.peek('celery', 10)).map((raw) => {
      const decoded = decodeMessage(raw)
      return decoded.ok ? [decoded.message.id, decoded.message.redelivered] : null
    })
    expect(waiting).to.have.deep.members([
      ['nap-1', false],
      ['nap-2', false],
      ['mourner', false],
    ])
    expect(await broker.workers()).to.deep.equal([])
    await start('second')
    expect((await result('mourner')).outcome).to.include({ kind: 'success', value: 'blocker' })
    await Promise.all(['nap-1', 'nap-2'].map((id) => eventually(() => ledger(id).length === 2, 30)))
    expect(ledger('blocker')).to.deep.equal(['start'])
    expect(ledger('mourner')).to.deep.equal(['start'])
  }

  for (const [name, openIt] of Object.entries({ Redis: onRedis, SQLite: onSqlite })) {
    it(`beyond its time limit has failed, its neighbours go back, and the process ends with code 70: ${name}`, async function () {
      await openIt(this)
      const { worker, last } = await failsBeyondItsLimit('faults.spin')

      expect(await worker.ended).to.deep.equal({ code: 70, signal: null })
      expect(last?.stack).to.match(/^ +at spin \(.*blocked-app\.ts:\d+:\d+\)/m)
      const { outcome } = await result('blocker')
      expect(outcome.kind === 'error' && outcome.error.traceback).to.match(
        /^TimeLimitExceeded: the time limit of 2 s was exceeded\n +at (.*\n +at )?spin /,
      )
      await leavesTheRest()
    })
  }

  it('the same where it waits in native code, which nothing interrupts: the process is killed', async () => {
    await onSqlite()
    const { worker } = await failsBeyondItsLimit('faults.native')

    expect(await worker.ended).to.deep.equal({ code: null, signal: 'SIGKILL' })
    await leavesTheRest()
  })

  it('without a limit of its own has failed beyond workerBlockedLimit', async function () {
    await onRedis(this)
    const worker = await start('first', { TASKS_WORKER_BLOCKED_LIMIT: '3' })
    await nap('nap-1')
    await app.send('faults.spin', [2_000], { taskId: 'long' })
    await eventually(() => ledger('long').includes('end'), 30)
    expect(worker.isAlive).to.equal(true)

    await app.send('faults.spin', [FOR_EVER], { taskId: 'blocker' })
    const { outcome } = await result('blocker')

    expect(outcome.kind === 'error' && outcome.error).to.deep.include({ type: 'TimeLimitExceeded', message: [3] })
    expect(await worker.ended).to.deep.equal({ code: 70, signal: null })
    expect((await result('long')).outcome.kind).to.equal('success')
    expect(lines(worker).at(-1)?.msg).to.match(/^Task faults\.spin\[blocker\] .* limit of 3 s: it has failed, and 1 other goes back; this/)
  })

  it('is not ended for a neighbour that is overdue: it is named on stderr meanwhile, with the place where it is, and runs to its end, once', async () => {
    await onSqlite()
    const worker = await start('first')
    await app.send('faults.nap', [FOR_EVER], { taskId: 'overdue', timeLimit: 1 })
    await begun('overdue')
    await app.send('faults.spin', [12_000], { taskId: 'blocker' }) // twelve leases

    const line = await eventually(() => lines(worker).find(({ level }) => level === 'warning'), 40)
    const before = ledger('blocker')
    const { outcome } = await result('blocker')

    expect(line?.msg).to.match(/^keeper: the event loop is blocked by task faults\.spin\[blocker\] for 1\d s, at .*; the lease is renewed/)
    expect(before).to.deep.equal(['start'])
    expect(outcome.kind).to.equal('success')
    expect(ledger('blocker')).to.deep.equal(['start', 'end'])
    expect(worker.isAlive).to.equal(true)
    const overdue = (await result('overdue')).outcome
    expect(overdue.kind === 'error' && overdue.error.type).to.equal('TimeLimitExceeded')
    expect(ledger('overdue')).to.deep.equal(['start'])
  })
})
