import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { redisUrl } from '../setup/servers.js'
import { aTaskProject, type TaskProject } from './a-project.js'
import type { RunningTasks } from './run-tasks.js'
import { SomeEvents } from './some-events.js'

const HOSTILE = 'x\x1b[2J\x1b]0;title\x07\u202e\ny'

for (const server of ['SQLite', 'Redis'] as const) {
  describe(`tasks events on ${server}`, function () {
    this.timeout(30_000)

    let project: TaskProject
    let events: SomeEvents
    before(async function () {
      project = aTaskProject(server === 'Redis' ? { brokerUrl: await redisUrl(this) } : {})
      events = new SomeEvents(await project.client.broker())
    })
    after(() => project.remove())

    /** The command, when it listens. */
    async function listening(line: string): Promise<RunningTasks> {
      const command = project.start(`events ${line}`)
      await eventually(async () => {
        if (command.child.exitCode !== null) throw new Error(`it ended: ${command.stderr}`)
        await events.send({ type: 'probe-probe' }, { type: 'worker-probe' })
        return command.stdout.includes('probe')
      }, 20)
      return command
    }

    it('prints a line an event until it is told to stop, and that is no failure', async () => {
      const command = await listening('')
      const id = await events.start('t.add')
      await events.send({ type: 'task-succeeded', uuid: id, result: '3', runtime: 0.015 })
      await command.said(/task-succeeded/)

      const { code, stdout, stderr } = await command.stop('SIGINT')

      expect(stdout).match(new RegExp(`w1@test task-received +t\\.add ${id} \\(1, 2\\) \\{\\}\n`))
      expect(stdout).match(new RegExp(`w1@test task-succeeded +t\\.add ${id} in 15ms: 3\n`))
      expect({ code, stderr }).deep.equal({ code: 0, stderr: '' })
    })

    it('is one document a line with --json, as it was sent and when it was heard', async () => {
      const command = await listening('--json')
      await events.send({ type: 'task-failed', uuid: randomUUID(), exception: 'E()', own: [1, null] })
      await command.said(/task-failed/)

      const { stdout } = await command.stop()

      const last = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>
      expect(last).deep.include({ type: 'task-failed', hostname: 'w1@test', pid: 1234, exception: 'E()', own: [1, null] })
      expect(last['timestamp']).closeTo(Date.now() / 1000, 30)
      expect(last['local_received']).closeTo(Date.now() / 1000, 30)
    })

    it('knows the names of tasks from events that --type leaves out, and ends after --limit', async () => {
      const command = await listening(`--type probe-*,task-fail* --limit 1000`)
      const id = await events.start('t.add')
      await events.send({ type: 'task-failed', uuid: id, exception: 'E()' })
      await command.said(/task-failed/)

      const { stdout } = await command.stop()

      expect(stdout)
        .match(new RegExp(`task-failed +t\\.add ${id}: E\\(\\)`))
        .not.contain('task-started')
      const limited = await listening('--limit 1')
      expect((await limited.ended).code).equal(0)
      expect(limited.stdout.trim().split('\n')).length(1)
    })

    it("has Celery's lines with --dump", async () => {
      const command = await listening('--dump')
      const id = await events.start('t.add')
      await command.said(/task started/)

      const { stdout } = await command.stop('SIGHUP')

      expect(stdout.split('\n')[0]).equal('-> evdump: starting capture...')
      expect(stdout).match(
        new RegExp(`^w1@test \\[[-\\d]{10} [:.\\d]+\\+00:00\\] task started: t\\.add\\(${id}\\) args=\\(1, 2\\) kwargs=\\{\\} clock=`, 'm'),
      )
    })

    it('does nothing to a terminal, whatever comes, and goes on after what is no event', async () => {
      const commands = await Promise.all(['', '--dump', '--json'].map(listening))
      const broker = await project.client.broker()
      for (const raw of ['no json', '{}', '[]', '{"body": 5}'])
        await broker.broadcast({ exchange: 'celeryev', routingKey: 'task.multi', raw })
      await events.send({
        type: 'task-failed',
        uuid: HOSTILE.replaceAll(/[^\w]/g, ''),
        exception: HOSTILE,
        traceback: HOSTILE,
        [HOSTILE]: HOSTILE,
      })
      await events.send({ type: 'worker-end' })

      for (const command of commands) {
        await command.said(/worker.end/)
        const { stdout, code } = await command.stop()
        expect(stdout).not.match(/[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
        expect(stdout).contain('[2J')
        expect(code).equal(0)
      }
    })
  })
}
