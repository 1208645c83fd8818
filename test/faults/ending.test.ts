/** How a worker ends when code of a task has a say in it (U4, I10): never as if all were well, unless it is. */
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

describe('the end of a worker', function () {
  this.timeout(60_000)
  let folder: string
  let app: Celerity
  let worker: GroupProcess

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'celerity-faults-'))
    writeFileSync(join(folder, 'ledger'), '')
    app = new Celerity('faults', { brokerUrl: url(), resultBackend: url() })
    worker = new GroupProcess('worker', process.execPath, [BIN, ...args()], { cwd: folder, env: environment() })
    await worker.said(/ ready\./)
  })
  afterEach(async () => {
    await worker.end()
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const url = () => `sqlite:${join(folder, 'tasks.db')}`
  const args = () => ['worker', '-A', APP, '--log-format', 'text', '--pidfile', 'pid']
  const ledger = () => readFileSync(join(folder, 'ledger'), 'utf8')
  const environment = () => {
    const { PATH, HOME } = process.env
    return { PATH, HOME, TASKS_BROKER_URL: url(), FAULTS_LEDGER: join(folder, 'ledger') }
  }

  for (const code of [0, 3, 143]) {
    it(`is exit code 70 when a task calls process.exit(${code}), with a line that names it and what ran beside it`, async () => {
      await app.send('faults.nap', [60_000], { taskId: 'nap' })
      await eventually(() => ledger().includes('start nap'), 30)

      await app.send('faults.exit', [code], { taskId: 'last' })

      expect(await worker.ended).to.deep.equal({ code: 70, signal: null })
      const lines = worker.output.match(/^.*CRITICAL.*$/gm) ?? []
      expect(lines).to.have.length(1)
      expect(lines[0]).to.contain(`process.exit(${code}) in task faults.exit[last] ends this process, and with it faults.nap[nap]`)
    })
  }

  it('is its own exit code, whatever a task has left in process.exitCode', async () => {
    await (await app.send('faults.code', [5], { taskId: 'code' })).get({ timeout: 20 })

    worker.signal('SIGTERM')

    expect(await worker.ended).to.deep.equal({ code: 0, signal: null })
    expect(ledger()).to.contain('end code') // the application's own exit handlers run
  })

  it('is its own exit code when it is to end now with a task under way; no exit handler or pidfile is forgotten', async () => {
    await (await app.send('faults.code', [5], { taskId: 'code' })).get({ timeout: 20 })
    await app.send('faults.nap', [60_000], { taskId: 'nap' })
    await eventually(() => ledger().includes('start nap'), 30)

    worker.signal('SIGQUIT')

    expect(await worker.ended).to.deep.equal({ code: 143, signal: null })
    expect(worker.output).to.contain('it goes back')
    expect(ledger()).to.contain('end code')
    expect(() => readFileSync(join(folder, 'pid'))).to.throw('ENOENT')
    const [counts] = await (await app.broker()).queues.counts(['celery'])
    expect(counts).to.include({ ready: 1, leased: 0, consumers: 0 })
  })
})
