import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import type { AsyncResult } from '../../src/index.js'
import { redisUrl } from '../setup/servers.js'
import { aTaskProject, type TaskProject } from './a-project.js'

interface Letter {
  readonly id: string
  readonly queue: string
  readonly reason: string
  readonly task: string
  readonly taskId: string
}

for (const server of ['SQLite', 'Redis'] as const) {
  describe(`tasks dead, on ${server}`, function () {
    this.timeout(30_000)

    let project: TaskProject
    let sent: readonly AsyncResult[]
    let letters: readonly Letter[]
    beforeEach(async function () {
      project = aTaskProject(server === 'Redis' ? { brokerUrl: await redisUrl(this) } : {})
      sent = [
        await project.client.send('t.missing', []),
        await project.client.send('t.missing', []),
        await project.client.send('t.gone', [], { queue: 'slow' }),
      ]
      await project.tasks('worker --once -q')
      letters = JSON.parse((await project.tasks('dead list --json')).stdout) as Letter[]
    })
    afterEach(() => project.remove())

    const dead = async () => [(await project.counts('celery')).dead, (await project.counts('slow')).dead]

    it('retry of a task that is there now runs it', async () => {
      writeFileSync(project.path('mended'), '')

      const { code, stdout } = await project.tasks('dead retry --all --yes -Q celery --reason unregistered')
      const worker = await project.tasks('worker --once --log-format text')

      expect({ code, stdout }).deep.equal({ code: 0, stdout: '2 put back\n' })
      expect(worker.stderr.match(/t\.missing\[.*\] succeeded/g)).length(2)
      expect(await dead()).deep.equal([0, 1])
      // On Redis the results are elsewhere: there their former failure would stay.
      expect(await Promise.all([sent[0]!, sent[1]!].map((result) => result.state()))).deep.equal(['SUCCESS', 'SUCCESS'])
    })

    it('drop by id asks nothing, removes that one, and knows it no more', async () => {
      const { id } = letters.find(({ queue }) => queue === 'slow')!

      const first = await project.tasks(`dead drop ${id.slice(0, 8)} --json`)
      const again = await project.tasks(`dead drop ${id.slice(0, 8)}`)

      expect(JSON.parse(first.stdout)).deep.equal({ done: 1, ids: [id] })
      expect(again).include({ code: 3, stdout: '' })
      expect(again.stderr).match(/^Error: There is no dead letter \S+\nHint: {2}`tasks dead list` lists them/)
      expect(await dead()).deep.equal([2, 0])
    })

    // What does not depend on the server is shown on one of them.
    if (server !== 'SQLite') return

    it('list names task and reason, show has the bytes and the next command', async () => {
      const { id } = letters.find(({ queue }) => queue === 'slow')!

      const [list, show, byTask, json] = await Promise.all([
        project.tasks('dead list --limit 1'),
        project.tasks(`dead show ${id.slice(0, 8)}`),
        project.tasks(`dead show ${sent[2]!.id}`),
        project.tasks(`dead show ${id} --json`),
      ])

      expect(letters.map(({ reason }) => reason)).deep.equal(['unregistered', 'unregistered', 'unregistered'])
      expect(list.code).equal(0)
      expect(list.stdout).match(/^ID +QUEUE +WHEN +TASK +REASON +DETAIL\n\S+ +celery +.* t\.missing +unregistered +\S/)
      expect(list.stderr).contain('celery: the newest 1 of 2')
      expect(show.stdout)
        .contain('"task": "t.gone"')
        .contain(`Next: tasks dead retry ${id.slice(0, 8)}`)
      expect(byTask.stdout).equal(show.stdout)
      const shown = JSON.parse(json.stdout) as Letter & { raw: { base64: string } }
      expect(shown).include({ id, task: 't.gone', taskId: sent[2]!.id })
      expect(Buffer.from(shown.raw.base64, 'base64').toString()).contain('t.gone')
    })

    it('all of them go only when somebody agreed', async () => {
      const ids = letters.map(({ id }) => id)

      const [unasked, dry, both, neither, short] = await Promise.all([
        project.tasks('dead drop --all', { input: 'y\n' }),
        project.tasks('dead drop --all --dry-run'),
        project.tasks(`dead drop ${ids[0]} --all --yes`),
        project.tasks('dead retry'),
        project.tasks(['dead', 'drop', '']),
      ])
      const left = await dead()
      const agreed = await project.tasks('dead drop --all -f')
      const none = await project.tasks('dead list')

      expect(unasked).include({ code: 2, stdout: '' })
      expect(unasked.stderr).match(/^Error: Drop 2 dead letters of celery, 1 of slow\? There is nobody to ask\nHint:.*--yes/)
      expect(dry).include({ code: 0, stderr: 'Would drop 2 dead letters of celery, 1 of slow:\n' })
      expect(dry.stdout.trim().split('\n').sort()).deep.equal([...ids].sort())
      expect([both.code, neither.code, short.code]).deep.equal([2, 2, 3])
      expect(left).deep.equal([2, 1])
      expect(agreed).include({ code: 0, stdout: '3 dropped\n' })
      expect(none).include({ code: 3, stdout: '', stderr: 'There are no dead letters.\n' })
    })
  })
}
