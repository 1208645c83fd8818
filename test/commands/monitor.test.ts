import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { EXIT } from '../../src/errors.js'
import { eventually } from '../eventually.js'
import { aTaskProject, type TaskProject } from './a-project.js'
import { aTerminal } from './a-terminal.js'

describe('tasks monitor and tasks history', function () {
  this.timeout(60_000)
  let project: TaskProject
  beforeEach(() => {
    project = aTaskProject()
  })
  afterEach(() => project.remove())

  const lines = (text: string) =>
    text
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  /** A monitor, a worker, and what some tasks came to. */
  async function captured(): Promise<void> {
    const monitor = project.start('monitor --freq 0.1 --log-format json')
    await monitor.said(/writes to/)
    await eventually(async () => (await (await project.client.broker()).journal.readers()).length > 0)
    const sent = [
      await project.client.send('t.add', [1, 2]),
      await project.client.send('t.add', [3, 4]),
      await project.client.send('t.fail', ['too hot']),
    ]
    expect((await project.tasks('worker --once')).code).to.equal(0)
    await eventually(
      async () => lines((await project.tasks('history --json')).stdout).filter(({ ended }) => ended !== null).length === sent.length,
    )
    expect((await monitor.stop()).code).to.equal(0)
  }

  it('keep what became of tasks, and find it again', async () => {
    await captured()

    const all = await project.tasks('history --json')
    const failed = await project.tasks('history --state failure --since 1h')
    const added = lines((await project.tasks('history --task t.a* --limit 1 --json')).stdout)
    const errors = lines((await project.tasks('history --errors --json')).stdout)

    expect(lines(all.stdout).map(({ name, state }) => `${name} ${state}`).sort()).to.deep.equal([
      't.add SUCCESS',
      't.add SUCCESS',
      't.fail FAILURE',
    ]) // biome-ignore format: one list
    expect(failed.stdout).to.match(/^TASK +STATE +WHEN +WAIT +RUN +WORKER +TASK ID +CAME TO\nt\.fail +FAILURE +(now|\d+s ago) .*too hot/)
    expect(added).to.have.length(1)
    expect(added[0]).to.include({ name: 't.add', kwargs: '{}', queue: 'celery' })
    expect(added[0]!['sent']).to.match(/^\d{4}-\d\d-\d\dT/)
    expect(errors).to.have.length(1)
    expect(errors[0]).to.include({ name: 't.fail', failures: 1 })
  })

  it('end with 3 when nothing was captured, or nothing like it', async () => {
    const before = await project.tasks('history')
    const once = await project.tasks('monitor --once --freq 0.05')
    const after = await project.tasks('history --state FAILURE --json')

    expect(before).to.include({ code: EXIT.notFound, stdout: '' })
    expect(before.stderr).to.include('`tasks monitor` does that')
    expect(once.code).to.equal(0)
    expect(after).to.include({ code: EXIT.notFound, stdout: '' })
  })

  it('catch up, run once, with what happened since the last time', async () => {
    await project.tasks('monitor --once --freq 0.05')
    await project.client.send('t.add', [1, 2])
    await project.tasks('worker --once')

    await project.tasks('monitor --once --freq 0.05')

    const [task] = lines((await project.tasks('history --json')).stdout)
    expect(task).to.include({ name: 't.add', state: 'SUCCESS', result: '3' })
  })

  it("take Celery's spellings of frequency and rate", async () => {
    const run = await project.tasks('monitor --once --frequency 0.05 --maxrate 1000/s')

    expect(run.code).to.equal(0)
  })

  it('refuse a store that is none, is away, or is no database, in words', async () => {
    const unknown = await project.tasks('monitor --once --store mysql://db/monitor')
    const away = await project.tasks('monitor --once --store postgres://u:secret@127.0.0.1:1/monitor')
    writeFileSync(join(project.folder, 'text.db'), 'this is no database, by any means, whatever its name may say'.repeat(100))
    const damaged = await project.tasks('monitor --store sqlite:text.db')

    expect([unknown.code, away.code, damaged.code]).to.deep.equal([EXIT.usage, EXIT.unavailable, EXIT.failed])
    expect(unknown.stderr).to.include('Known schemes: sqlite, postgres')
    expect(away.stderr).to.include('a password on a command line').and.not.include('secret')
  })

  it('say what to install where the package for PostgreSQL is missing', async () => {
    const missing = "Object.assign(new Error('no pg'), { code: 'ERR_MODULE_NOT_FOUND' })"
    const hook = `export const resolve = (name, context, next) => { if (name === 'pg') throw ${missing}; return next(name, context) }`
    const data = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`
    const without = `import { register } from 'node:module'; register(${JSON.stringify(data(hook))})`

    const { code, stderr } = await project.tasks('monitor --once --store postgres://127.0.0.1/monitor', {
      env: { NODE_OPTIONS: `--import=${data(without)}` },
    })

    expect(code).to.equal(EXIT.usage)
    expect(stderr).to.include('npm install pg')
  })

  it('show, while it runs, its health, and leave no pidfile', async () => {
    const monitor = project.start('monitor --freq 0.1 --log-format json --pidfile monitor.pid --health-port 0')
    await monitor.said(/"port":\d+/)
    const port = /"port":(\d+)/.exec(monitor.stderr)?.[1]

    const health = await (await fetch(`http://127.0.0.1:${port}/ready`)).json()
    const pid = Number(readFileSync(join(project.folder, 'monitor.pid'), 'utf8'))
    const ended = await monitor.stop('SIGINT')

    expect(health).to.include({ ready: true, lag: 0, away: '' })
    expect(pid).to.equal(monitor.pid)
    expect(ended.code).to.equal(0)
    expect(() => rmSync(join(project.folder, 'monitor.pid'))).to.throw()
  })

  it('show one line that moves, on a terminal', async function () {
    const terminal = aTerminal(this, project.folder)
    try {
      terminal.tasks('monitor --freq 0.1')
      await terminal.shows(/tasks\/s · 0 done, 0 failed · 0 queued · 0 workers · lag 0/)
      await project.client.send('t.add', [1, 2])
      await terminal.shows(/1 queued/)
      await project.tasks('worker --once')
      const screen = await terminal.shows(/1 done, 0 failed/)
      expect(screen.match(/tasks\/s/g)).to.have.length(1)
      terminal.type('C-c')
      await terminal.shows(/exit code 0\./)
    } finally {
      terminal.close()
    }
  })
})
