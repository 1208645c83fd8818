/** `tasks worker --restart`: a launcher that starts its worker again, with a task in each that tears the worker out of its work (P6, U4). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Celerity } from '../../src/index.js'
import { GroupProcess } from '../chaos/stage/processes.js'
import { eventually } from '../eventually.js'

const BIN = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))
const APP = fileURLToPath(new URL('blocked-app.ts', import.meta.url))

describe('a launched worker', function () {
  this.timeout(60_000)
  let folder: string
  let app: Celerity
  let launcher: GroupProcess
  let pids: Set<number>

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'celerity-faults-'))
    writeFileSync(join(folder, 'ledger'), '')
    const url = `sqlite:${join(folder, 'tasks.db')}`
    app = new Celerity('faults', { brokerUrl: url, resultBackend: url })
    pids = new Set()
  })
  afterEach(async () => {
    await launcher.end()
    for (const pid of [...pids].filter(isAlive)) process.kill(pid, 'SIGKILL')
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function launch(flags: readonly string[], settings: NodeJS.ProcessEnv = {}): void {
    const { PATH, HOME } = process.env
    const url = `sqlite:${join(folder, 'tasks.db')}`
    const env = { PATH, HOME, TASKS_BROKER_URL: url, TASKS_WORKER_LEASE: '1', FAULTS_LEDGER: join(folder, 'ledger'), ...settings }
    const args = [BIN, 'worker', '-A', APP, '--log-format', 'text', ...flags]
    launcher = new GroupProcess('launcher', process.execPath, args, { cwd: folder, env })
  }

  /** The process number of the worker that is the `nth` to be ready; it is not the launcher's. */
  async function workerOf(nth: number): Promise<number> {
    const pid = await eventually(
      () => (launcher.output.match(/ ready\./g)?.length ?? 0) >= nth && Number(readFileSync(join(folder, 'pid'), 'utf8')),
      30,
    )
    expect(pid).to.not.equal(launcher.pid)
    pids.add(pid)
    return pid
  }
  const restarts = () => launcher.output.match(/The worker .* it is started again .*/g) ?? []

  it('starts again whatever tears it out of its work, and ends with it when it is told to', async () => {
    launch(['--restart', '--pidfile', 'pid'])
    const first = await workerOf(1)

    const result = await app.send('faults.exit', [0])
    const second = await workerOf(2)
    process.kill(second, 'SIGKILL')
    const third = await workerOf(3)

    expect(new Set([first, second, third]).size).to.equal(3)
    expect(await result.get({ timeout: 20 })).to.equal(third)
    expect(restarts().map((line) => line.replace(/[\d.]+ s:/, 'n s:'))).to.deep.equal([
      'The worker ended by itself with exit code 70 after n s: it is started again at once',
      'The worker was ended by SIGKILL after n s: it is started again in 1 s',
    ])
    launcher.signal('SIGTERM')
    expect(await launcher.ended).to.deep.equal({ code: 0, signal: null })
    expect(launcher.output.match(/SIGTERM: stopping/g)).to.have.length(1)
    expect(isAlive(third)).to.equal(false)
  })

  it('passes each signal on, and ends with the code of a worker that was told twice', async () => {
    launch(['--pidfile', 'pid'], { TASKS_WORKER_RESTART: 'true' })
    await workerOf(1)
    await app.send('faults.nap', [60_000], { taskId: 'nap' })
    await eventually(() => readFileSync(join(folder, 'ledger'), 'utf8').includes('start nap'), 30)

    launcher.signal('SIGINT')
    await launcher.said(/SIGINT: stopping; once more/)
    launcher.signal('SIGINT')

    expect(await launcher.ended).to.deep.equal({ code: 130, signal: null })
    expect(restarts()).to.deep.equal([])
  })

  it('ends in order when it is told to by itself, and its launcher with it', async () => {
    launch(['--restart', '--pidfile', 'pid'])
    process.kill(await workerOf(1), 'SIGTERM')

    expect(await launcher.ended).to.deep.equal({ code: 0, signal: null })
    expect(restarts()).to.deep.equal([])
  })

  it('stops in order when its launcher is killed', async () => {
    launch(['--restart', '--pidfile', 'pid'])
    const pid = await workerOf(1)

    process.kill(launcher.pid, 'SIGKILL')
    await eventually(() => !isAlive(pid), 20)

    expect(launcher.output).to.match(/the launcher is gone: stopping/)
    expect(await (await app.broker()).workers()).to.deep.equal([])
  })

  it('is not started again when it refuses to start (P6)', async () => {
    writeFileSync(join(folder, 'broken.mjs'), 'no JavaScript')
    launch(['--restart', '-A', 'broken.mjs'])

    expect(await launcher.ended).to.deep.equal({ code: 2, signal: null })
    expect(launcher.output.match(/^Error: /gm)).to.have.length(1)
    expect(restarts()).to.deep.equal([])
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
