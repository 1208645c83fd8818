import { expect } from 'chai'
import type { TaskStory } from '../../src/cli/story/task-story.js'
import { aTaskProject, type TaskProject } from './a-project.js'

describe('tasks show', function () {
  this.timeout(30_000)

  let project: TaskProject
  beforeEach(() => {
    project = aTaskProject()
  })
  afterEach(() => project.remove())

  const story = async (id: string) => JSON.parse((await project.tasks(`show ${id} --json`)).stdout) as TaskStory

  it('of a task that waits says where, who sent it from where, and what to do', async () => {
    const sent = await project.client.send('t.add', [2, 3])

    const { code, stdout } = await project.tasks(`show ${sent.id}`)

    expect(code).equal(0)
    expect(stdout).match(new RegExp(`^t\\.add ${sent.id} {2}PENDING\n\nsent from +test/commands/show\\.test\\.ts:\\d+ by \\d+@`))
    expect(stdout).match(/^args +\(2, 3\)\nqueue +celery\nmessage +waiting in celery: the next to be taken$/m)
    expect(stdout).match(/^sent +(now|\d+s ago) /m)
    expect(stdout).match(/^Next: who could run it +tasks queues$/m)
  })

  it('tells value, times and every try from what the monitor captured, and what to run next', async () => {
    const monitor = project.start('monitor --freq 0.2')
    await monitor.said(/the monitor of/)
    const added = await project.client.send('t.add', [2, 3])
    const failed = await project.client.send('t.fail', ['no'])
    await project.tasks('worker --once -q')
    await monitor.stop()

    const [success, failure] = [await story(added.id), await story(failed.id)]
    const text = await project.tasks(`show ${failed.id}`)

    expect(success).include({ name: 't.add', state: 'SUCCESS', value: 5, retries: 0 })
    expect(success.sources).deep.equal(['result', 'snapshot'])
    expect(success.worker).match(/^celery@/)
    expect(success.queueWait).a('number')
    expect(success.runTime).a('number')
    expect(failure.tries.map(({ outcome, error }) => `${outcome} ${error}`)).deep.equal(["failed RangeError('no')"])
    expect(text.stdout).match(/^RangeError: no\n {2}RangeError: no\n/m)
    expect(text.stdout).contain('run it here, to debug it  TASKS_TASK_ALWAYS_EAGER=1 tasks call t.fail')
  })

  it('of a dead letter says why it died and how to put it back', async () => {
    const sent = await project.client.send('t.missing', [])
    await project.tasks('worker --once -q')

    const told = await story(sent.id)

    expect(told.place).include({ kind: 'dead', queue: 'celery' })
    expect(told.place?.detail).match(/^unregistered: /)
    expect(told.next.map(({ command }) => command.replace(/\S+$/, 'ID'))).include.members(['tasks dead show ID', 'tasks dead retry ID'])
  })

  it('of a task that nobody knows says so, exit code 3', async () => {
    const { code, stderr } = await project.tasks('show no-such-task')

    expect(code).equal(3)
    expect(stderr).match(/^Error: Nobody knows a task no-such-task\nHint: /)
  })

  it('what it proposes to debug a failure runs it here, and shows where it failed', async () => {
    const { code, stderr } = await project.tasks(['call', 't.fail', '--args', '["no"]', '--wait'], {
      env: { TASKS_TASK_ALWAYS_EAGER: '1' },
    })

    expect(code).equal(1)
    expect(stderr).match(/^ {4}at .*fixtures\/app\.mjs:\d+/m)
  })
})
