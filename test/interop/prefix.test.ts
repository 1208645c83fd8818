import { expect } from 'chai'
import type { Driver } from './driver.js'
import { Scene } from './scene.js'

describe('a global_keyprefix of the broker', function () {
  this.timeout(30_000)
  let scene: Scene
  let python: Driver

  before(async function () {
    scene = await Scene.open(this, { prefix: '{kuma}:' })
    ;[python] = await Promise.all([scene.driver(), scene.nodeWorker({ queues: ['node'] }), scene.pythonWorker(['python'])])
  })
  after(() => scene?.close())

  it('is shared by all: tasks, results and callbacks find their way in both directions', async () => {
    const link = { task: 'py.add', args: [10], options: { queue: 'python', task_id: 'behind-the-prefix' } }

    const id = await python.send({ task: 'kuma.add', args: [2, 3], options: { queue: 'node', priority: 6 }, link })

    expect(await python.get(id)).to.deep.equal({ value: 5 })
    expect(await python.get('behind-the-prefix')).to.deep.equal({ value: 15 })
    expect(await (await scene.app.send('py.add', [1, 2], { queue: 'python' })).get({ timeout: 10 })).to.equal(3)
  })

  it('is before every key of ours but results, as before those of Python', async () => {
    const keys = await scene.redis.keys('*')

    const others = keys.filter((key) => !key.startsWith('{kuma}:'))
    expect(others.filter((key) => !key.startsWith('celery-task-meta-'))).to.deep.equal([])
  })

  it('is before the channel on which Python hears what is revoked', async () => {
    const result = await scene.app.send('py.record', ['revoked'], { queue: 'python', countdown: 0.5 })

    await result.revoke()

    expect(await result.wait({ timeout: 10 })).to.equal('REVOKED')
  })
})
