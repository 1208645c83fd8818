/** A SQLite file in whose place another one is put while workers, beats and monitors use it (S5): they end, and start again with the new one. */
import { readdirSync, renameSync } from 'node:fs'
import { expect } from 'chai'
import { Celerity } from '../../src/index.js'
import { loadBinding } from '../../src/sqlite/binding.js'
import { aTaskProject, type TaskProject } from '../commands/a-project.js'
import type { RunningTasks } from '../commands/run-tasks.js'
import { eventually } from '../eventually.js'

const TASKS = 20
const LINE = /Error: .*tasks\.db was deleted, or another file put in its place, while it was in use/

describe('a SQLite file in whose place another one is put', function () {
  this.timeout(60_000)

  let project: TaskProject
  let file: string
  beforeEach(() => {
    project = aTaskProject({ brokerDeadline: 2, workerLease: 2, beatSchedule: { often: { task: 't.add', args: [1, 1], schedule: 0.2 } } })
    file = project.path('.tasks/tasks.db')
  })
  afterEach(() => project.remove())

  const done = (stderr: string) => stderr.match(/succeeded/g)?.length ?? 0

  /** Another file with tasks that wait. */
  async function another(): Promise<string> {
    const path = project.path('another.db')
    const app = new Celerity('another', { brokerUrl: `sqlite:${path}` })
    for (let at = 0; at < TASKS; at++) await app.send('t.add', [at, 1])
    await app.close()
    return path
  }

  async function integrity(): Promise<unknown> {
    const handle = (await loadBinding())(file, { timeout: 1_000 })
    try {
      return handle.prepare('PRAGMA integrity_check').get()
    } finally {
      handle.close()
    }
  }

  it('ends worker, beat and monitor with 74, is not written by them, and its tasks are done after a start', async () => {
    const started = ['worker --log-format text', 'beat --log-format text', `monitor --log-format text --store sqlite:${file}`]
    const [worker, beat, monitor] = started.map((line) => project.start(line)) as [RunningTasks, RunningTasks, RunningTasks]
    await worker.said(/succeeded/, 5)
    await monitor.said(/writes to/)
    const path = await another()

    renameSync(path, file)

    for (const one of [worker, beat, monitor]) {
      const { code, stderr } = await one.ended
      expect(stderr).to.match(LINE)
      expect(code, stderr).to.equal(74)
    }
    expect(readdirSync(project.path('.tasks')).filter((name) => /-(wal|shm)$/.test(name))).to.deep.equal([])
    expect(await integrity()).to.deep.equal({ integrity_check: 'ok' })
    const { stderr } = await project.tasks('worker --once --log-format text')
    expect(done(stderr)).to.equal(TASKS)
    expect(await integrity()).to.deep.equal({ integrity_check: 'ok' })
  })

  it('ends a worker that is busy too, and --restart starts it again, with the new file', async () => {
    await project.client.send('t.until', [project.path('never')])
    const worker = project.start('worker --restart -c 1 --log-format text')
    await worker.said(/ ready\./)
    await eventually(async () => (await project.counts('celery')).leased === 1, 10)
    await project.client.close()
    const path = await another()

    renameSync(path, file)

    await worker.said(/ended by itself with exit code 74/)
    await worker.said(/succeeded/, TASKS)
    expect((await worker.stop()).code).to.equal(0)
    expect(await integrity()).to.deep.equal({ integrity_check: 'ok' })
  })
})
