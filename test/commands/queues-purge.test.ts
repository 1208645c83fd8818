import { expect } from 'chai'
import { openBroker } from '../../src/broker/open.js'
import { eventually } from '../eventually.js'
import { messageOf } from '../protocol/fixtures.js'
import { redisUrl } from '../setup/servers.js'
import { aTaskProject, type TaskProject } from './a-project.js'

for (const server of ['SQLite', 'Redis'] as const) {
  describe(`tasks queues and purge, on ${server}`, function () {
    this.timeout(30_000)

    let project: TaskProject
    beforeEach(async function () {
      project = aTaskProject(server === 'Redis' ? { brokerUrl: await redisUrl(this) } : {})
      await project.client.send('t.add', [1, 1])
      await project.client.send('t.add', [1, 1], { priority: 9 })
      await project.client.send('t.add', [1, 1], { countdown: 3600 })
      await project.client.send('t.steps', [1], { queue: 'slow' })
    })
    afterEach(() => project.remove())

    const waiting = async () => {
      const [celery, slow] = [await project.counts('celery'), await project.counts('slow')]
      return [celery.ready, celery.delayed, slow.ready]
    }

    it('shows what waits, and that nobody takes it', async () => {
      const [text, json] = await Promise.all([project.tasks('queues'), project.tasks('queues -Q celery --json')])

      expect(text.code).equal(0)
      expect(text.stdout).match(
        /^QUEUE +READY +BY PRIORITY +OLDEST +DELAYED +RUNNING +DEAD +WORKERS\ncelery +3 +2 0 0 1 +\d+s +0 +0 +0 +0\nslow +1 +- +\d+s /,
      )
      expect(text.stderr).contain('slow: 1 ready, and none of our workers consumes it')
      const [{ oldest, ...celery }] = JSON.parse(json.stdout) as [{ oldest: number }]
      expect(celery).deep.equal({
        queue: 'celery',
        ready: 3,
        steps: [2, 0, 0, 1],
        delayed: 0,
        suspects: 0,
        leased: 0,
        dead: 0,
        consumers: 0,
      })
      expect(oldest).within(0, 30)
    })

    it('shows what waits to be run alone, when there is any, and removes that too', async () => {
      const broker = await project.client.broker()
      const other = await openBroker((await project.client.runtime()).settings.brokerUrl)
      const dies = await other.register({ incarnation: 'gone', node: 'celery@gone', leaseMs: 1, queues: ['slow'] })
      await dies.take(1, ['slow'], 1)
      await eventually(async () => (await broker.tend(() => ({ fate: { kind: 'requeue', to: 'suspects' } }))).reaped.length > 0)

      await other.close()
      expect((await project.tasks('queues -Q slow')).stdout).match(/ DELAYED +SUSPECTS +RUNNING .*\nslow +0 +- +- +0 +1 +0 /)
      expect((await project.tasks('purge -Q slow -y')).stdout).match(/ REMOVED: SUSPECTS .*\nslow +0 +0 +1 /)
      expect(await project.counts('slow')).include({ suspects: 0, ready: 0 })
    })

    it('says that the age of a message of a Python producer is unknown', async () => {
      const raw = messageOf('task-simple')
      await (await project.client.broker()).publish([{ queue: 'python', priority: 0, raw }])

      const [text, json] = await Promise.all([project.tasks('queues -Q python'), project.tasks('queues -Q python --json')])

      expect(text.stdout).match(/\npython +1 +- +unknown /)
      const [python] = JSON.parse(json.stdout) as readonly object[]
      expect(python).include({ ready: 1, oldest: null })
    })

    it('removes what it was told to, and says how many of each', async () => {
      const one = await project.tasks('purge -Q celery,celery -y --json')
      const rest = await project.tasks('purge -f')
      const none = await project.tasks('purge --force')

      expect(JSON.parse(one.stdout)).deep.equal({
        purged: true,
        queues: [{ queue: 'celery', ready: 3, delayed: 0, suspects: 0, leased: 0, dead: 0 }],
      })
      expect(one.stderr).equal('')
      expect(rest.stdout).match(/^QUEUE +REMOVED: READY +REMOVED: DELAYED .*\ncelery +0 .*\nslow +1 +0 /)
      expect(none).include({ code: 0, stderr: 'Nothing waits there.\n' })
      expect(await waiting()).deep.equal([0, 0, 0])
    })

    // What does not depend on the server is shown on one of them.
    if (server !== 'SQLite') return

    it('takes a misspelt queue for a mistake and not for an empty one: 3, and nothing is removed', async () => {
      const ends = await Promise.all(
        ['queues -Q celry', 'purge --yes -Q celry', 'purge --yes -X celry', 'dead list -Q celry', 'dead drop --all --yes -Q celry'].map(
          (line) => project.tasks(line),
        ),
      )

      for (const { code, stdout, stderr } of ends) {
        expect({ code, stdout, stderr }).deep.equal({
          code: 3,
          stdout: '',
          stderr: 'Error: There is no queue celry\nHint:  Did you mean celery?\n',
        })
      }
      expect(await waiting()).deep.equal([3, 0, 1])
    })

    it('shows what would go with --dry-run, and removes nothing', async () => {
      const [text, json] = await Promise.all([project.tasks('purge --dry-run -X slow'), project.tasks('purge --dry-run --json')])

      expect(text).include({ code: 0, stderr: '' })
      expect(text.stdout).match(/^QUEUE +READY +DELAYED +KEPT: RUNNING +KEPT: DEAD\ncelery +3 +0 +0 +0\n$/)
      expect(JSON.parse(json.stdout)).deep.include({ purged: false })
      expect(await waiting()).deep.equal([3, 0, 1])
    })

    it('refuses with exit code 2 when there is nobody to ask, after it has shown what there is', async () => {
      const [text, json] = await Promise.all([project.tasks('purge', { input: 'y\n' }), project.tasks('purge --json -q')])

      expect(text).include({ code: 2, stdout: '' })
      expect(text.stderr)
        .match(/^celery +3 +0 /m)
        .match(/^Error: Remove 4 waiting messages from celery, slow\? There is nobody to ask\nHint:.*--yes/m)
      expect(json).include({ code: 2, stderr: '' })
      expect(JSON.parse(json.stdout)).nested.include({ 'error.code': 'E_USAGE' })
      expect(await waiting()).deep.equal([3, 0, 1])
    })
  })
}
