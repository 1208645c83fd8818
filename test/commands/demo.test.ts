import { mkdirSync, readdirSync } from 'node:fs'
import { expect } from 'chai'
import { Celerity } from '../../src/index.js'
import { type AProject, aProject } from '../config/a-project.js'
import { eventually } from '../eventually.js'
import { commandsOf } from '../setup/process-group.js'
import { redisUrl } from '../setup/servers.js'
import { RunningTasks } from './run-tasks.js'

interface Report {
  readonly tasks: readonly { readonly task: string; readonly succeeded: number; readonly failed: number; readonly retries: number }[]
  readonly outcome: readonly string[]
}

describe('tasks demo', function () {
  this.timeout(60_000)

  let project: AProject
  beforeEach(() => {
    // Settings lying about are not the demo's.
    project = aProject({ '.taskrc': 'brokerUrl: redis://127.0.0.1:1\nworkerConcurrency: 1' })
    mkdirSync(project.path('tmp'))
  })
  afterEach(() => project.remove())

  const start = (line: string) =>
    new RunningTasks(line, {
      cwd: project.folder,
      env: { KUMA_PACE: '0', TMPDIR: project.path('tmp'), TASKS_BROKER_URL: 'redis://127.0.0.1:2' },
      isLeader: true,
    })
  const left = async (demo: RunningTasks) => {
    await eventually(() => commandsOf(demo.pid).length === 0)
    return readdirSync(project.path('tmp'))
  }

  it('runs to its summary, ends with 0, and leaves no process and no folder', async () => {
    const demo = start('demo')
    const { code, stdout, stderr } = await demo.ended

    expect(code).equal(0)
    expect(stdout)
      .match(/^TASK +SUCCEEDED +FAILED +RETRIES$/m)
      .match(/^kuma\.add +1 +0 +0$/m)
    expect(stdout)
      .match(/^kuma\.emails\.send +40 +1 +[1-9]\d*$/m)
      .match(/mails went out/)
      .match(/The worker has stopped; nothing is left\.\nNext: `tasks init`/)
    expect(stderr)
      .match(/^Starting a worker on examples\/kuma/)
      .match(/^\d+ of \d+ done/m)
    expect(await left(demo)).deep.equal([])
  })

  it('on a server of yours keeps apart from what waits there, and is a document for scripts', async function () {
    const brokerUrl = await redisUrl(this)
    const other = new Celerity('other', { brokerUrl })
    await other.send('other.task', [])

    const demo = start(`demo --json -q --broker ${brokerUrl}`)
    const { code, stdout, stderr } = await demo.ended
    const counts = await (await other.broker()).queues.counts(['celery'])
    await other.close()

    const report = JSON.parse(stdout) as Report
    expect({ code, stderr }).deep.equal({ code: 0, stderr: '' })
    expect(report.tasks.find(({ task }) => task === 'kuma.add')).deep.equal({ task: 'kuma.add', succeeded: 1, failed: 0, retries: 0 })
    expect(report.outcome).length(4)
    expect(counts[0]).include({ ready: 1, dead: 0 })
    expect(await left(demo)).deep.equal([])
  })

  it('refuses a file in which messages of somebody else wait', async () => {
    const brokerUrl = `sqlite:${project.path('other.db')}`
    const other = new Celerity('other', { brokerUrl })
    await other.send('other.task', [])

    const { code, stderr } = await start(`demo --broker ${brokerUrl}`).ended
    await other.close()

    expect(code).equal(2)
    expect(stderr).contain('Error: That broker holds messages already, in celery\n')
  })

  it('told to end, takes its worker and its folder along', async () => {
    const demo = start('demo')
    await demo.said(/\d+ of \d+ done/)
    demo.child.kill('SIGTERM')
    const { code, stdout } = await demo.stop('SIGTERM')

    expect({ code, stdout }).deep.equal({ code: 143, stdout: '' })
    expect(await left(demo)).deep.equal([])
  })
})
