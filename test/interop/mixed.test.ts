import { expect } from 'chai'
import type { AsyncResult } from '../../src/index.js'
import { eventually } from '../eventually.js'
import type { Driver } from './driver.js'
import { Scene } from './scene.js'

const QUEUE = 'shared'
const TASKS = 200

describe('Python and Node workers on one queue', function () {
  this.timeout(30_000)
  let scene: Scene
  let driver: Driver
  let ledger: readonly string[]
  /** The state of the long task when all the others were done. */
  let meanwhile: string

  before(async function () {
    scene = await Scene.open(this)
    const [node] = await Promise.all([scene.nodeWorker({ queues: [QUEUE] }), scene.driver().then((started) => (driver = started))])
    const long = await scene.app.send('both.hold', ['long'], { queue: QUEUE })
    await scene.noted('node long begins')
    // What other Python workers hold it would take for lost after a second.
    const python = await scene.pythonWorker([QUEUE], { visibilityTimeout: 1 })

    const results = await sendAll()
    await Promise.all(results.map((result) => result.get({ timeout: 20 })))
    meanwhile = await long.state()
    scene.openGate('long')
    await long.get({ timeout: 10 })

    await Promise.all([python.stop(), node.stop()])
    ledger = scene.ledger()
  })
  after(() => scene?.close())

  it('do each task once, whoever sent it', () => {
    expect(countByName(ledger)).to.deep.include(Object.fromEntries(names().map((name) => [name, 1])))
  })

  it('have a share of the work each', () => {
    expect(ledger.filter((line) => line.startsWith('node task'))).not.to.deep.equal([])
    expect(ledger.filter((line) => line.startsWith('python task'))).not.to.deep.equal([])
  })

  it('leave a long task to the worker that runs it', () => {
    expect(meanwhile).to.equal('STARTED')
    expect(ledger.filter((line) => line.endsWith('long begins'))).to.deep.equal(['node long begins'])
  })

  it('leave results behind, and the names of their queue', async () => {
    const keys = (await scene.redis.keys('*')).filter((key) => !key.startsWith('celery-task-meta-'))
    const ttls = await Promise.all(keys.map((key) => scene.redis.pttl(key))) // what runs out by itself is no litter

    expect(keys.filter((_, at) => ttls[at] === -1).sort()).to.deep.equal([
      `_kombu.binding.${QUEUE}`,
      'celerity:generation',
      'celerity:queues',
    ])
  })

  it('share what waits for its time: Python gets it when the last Node worker leaves', async () => {
    const queue = 'leaving'
    const node = await scene.nodeWorker({ queues: [queue] })
    const due = Date.now() + 2_000
    const result = await scene.app.send('both.now', [], { queue, eta: due })
    await eventually(async () => (await (await scene.broker()).queues.counts([queue]))[0]?.delayed === 1)

    await node.stop()
    await scene.pythonWorker([queue], { name: 'heir' })

    const { by, at } = (await result.get({ timeout: 15 })) as { by: string; at: number }
    expect(by).to.equal('python')
    expect(at).to.be.at.least(due - 1) // Python's timer fires up to a millisecond early
  })

  /** Half of them by each of the two producers; the tasks have the same names in both languages. */
  function sendAll(): Promise<AsyncResult[]> {
    return Promise.all(
      names().map(async (name, at) => {
        if (at % 2 === 0) return scene.app.send('both.record', [name], { queue: QUEUE })
        return scene.app.result(await driver.send({ task: 'both.record', args: [name], options: { queue: QUEUE } }))
      }),
    )
  }
})

function names(): readonly string[] {
  return Array.from({ length: TASKS }, (_, at) => `task ${at}`)
}

/** How often each line was noted, by whichever worker. */
function countByName(ledger: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const line of ledger) {
    const name = line.slice(line.indexOf(' ') + 1)
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
