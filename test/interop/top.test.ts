import { expect } from 'chai'
import type { TopDocument } from '../../src/cli/top-text.js'
import { Scene } from './scene.js'

describe('tasks top', function () {
  this.timeout(60_000)
  let scene: Scene

  before(async function () {
    scene = await Scene.open(this)
  })
  after(() => scene?.close())

  it('shows workers of ours and of Python, with their tasks', async () => {
    await Promise.all([scene.pythonWorker(['py'], { name: 'theirs', flags: ['-E'] }), scene.nodeWorker({ queues: ['node'] })])
    const top = scene.tasks(['top', '--no-ui', '--interval', '200ms'])
    await top.said(/^theirs@interop +online/)
    await scene.app.send('py.add', [2, 3], { queue: 'py' })

    // Of a pool that is one with its loop the events come when it turns again: when the task has ended.
    await top.said(/ 1 succeeded · /)
    const json = scene.tasks(['top', '--json'])
    await json.closed
    const { workers } = JSON.parse(json.lines.join('\n')) as TopDocument
    expect(workers.map(({ software }) => software?.split(' ')[0]).sort()).deep.equal(['celerity', 'py-celery'])
    expect(workers.map(({ status }) => status)).deep.equal(['online', 'online'])
  })
})
