/**
 * Flower and a worker of ours. Flower itself is not run: Debian has no package of it, and the tests install nothing but Debian's packages.
 * `python/flower.py` stands for it: it sends the requests that Flower 2.1.0 was seen to send (test/fixtures/redis/flower-requests.json),
 * in their order, by Celery's `app.control`, and keeps what it hears in Celery's own state of events, as Flower does.
 */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { eventually } from '../eventually.js'
import type { Process } from './process.js'
import { Remote } from './remote.js'
import { Scene } from './scene.js'
import { expectShape } from './shape.js'

/** The name that the captured requests call their worker by. */
const NODE = 'w1@host1'

interface FlowerRequest {
  readonly method: string
  readonly ticket?: string
}

type Answers = readonly (Readonly<Record<string, unknown>> | null)[]

describe('Flower and a worker of ours', function () {
  this.timeout(60_000)
  const requests = captured()
  let scene: Scene
  let flower: Remote
  let worker: Process
  /** Runs until its gate opens. */
  let running: string
  let answers: Answers

  before(async function () {
    scene = await Scene.open(this)
    flower = new Remote(scene.python('flower.py'))
    ;[worker] = await Promise.all([scene.nodeWorker({ queues: ['node'], concurrency: 2, name: NODE }), flower.ready()])
    await eventually(async () => NODE in (await workers()), 20)
    ;({ id: running } = await scene.app.send('kuma.hold', ['gate'], { queue: 'node' }))
    await scene.noted('node gate begins')
    await scene.app.send('kuma.add', [1, 2], { queue: 'node', countdown: 600 })
    answers = (await flower.ask('replay', { requests })) as Answers
  })
  after(() => scene?.close())

  const workers = async () => (await flower.ask('workers')) as Readonly<Record<string, Readonly<Record<string, unknown>>>>
  const task = async (id: string) => (await flower.ask('task', { id })) as Readonly<Record<string, unknown>> | null

  it('every request that wants an answer has one, in the shape of the captured answer', () => {
    const shapes: Readonly<Record<string, string>> = {
      active: 'active-safe',
      stats: 'stats',
      registered: 'registered',
      active_queues: 'active_queues',
      scheduled: 'scheduled',
    }
    requests.forEach(({ method, ticket }, at) => {
      const answer = answers[at]?.[NODE]
      if (ticket === undefined) expect(answers[at], method).to.equal(null)
      else if (method in shapes) expectShape(answer, shapes[method] ?? '', ['celerity'])
      else if (method === 'conf') expect(answer).to.deep.include({ broker_url: scene.url })
      else expect(answer, method).to.deep.equal([]) // reserved, revoked: nothing is
    })
  })

  it('the worker is online, with what its page shows', async () => {
    const stats = answers[requests.findLastIndex(({ method }) => method === 'stats')]?.[NODE]
    const { [NODE]: known } = await workers()

    expect(known).to.include({ alive: true, active: 1, sw_ident: 'celerity', pid: worker.pid })
    expect(known?.['loadavg']).to.have.length(3)
    expect(stats).to.have.nested.property('pool.max-concurrency', 2)
    expect(stats).to.have.nested.property('pool.processes').that.is.an('array')
    expect(stats).to.have.nested.property('broker.transport', 'redis')
    expect(stats).to.have.nested.property('broker.hostname', '127.0.0.1')
    const queues = answers[requests.findLastIndex(({ method }) => method === 'active_queues')]?.[NODE]
    expect(queues).to.have.nested.property('[0].name', 'node')
  })

  it('a task has its name, arguments, times, run time and result once its events are enabled', async () => {
    const { id } = await scene.app.send('kuma.add', [20, 22], { queue: 'node' })
    const good = await eventually(async () => {
      const found = await task(id)
      return found?.['state'] === 'SUCCESS' && found
    }, 20)
    const failed = await scene.app.send('kuma.fail', ['ValueError', 'no'], { queue: 'node' })
    const bad = await eventually(async () => {
      const found = await task(failed.id)
      return found?.['state'] === 'FAILURE' && found
    }, 20)

    expect(good).to.include({ uuid: id, name: 'kuma.add', args: '(20, 22)', kwargs: '{}', result: '42', worker: NODE, retries: 0 })
    for (const moment of ['received', 'started', 'succeeded', 'timestamp']) {
      expect(good[moment], moment).to.be.closeTo(Date.now() / 1000, 30)
    }
    expect(good['runtime']).to.be.a('number').greaterThanOrEqual(0).lessThan(5)
    expect(bad).to.include({ name: 'kuma.fail', worker: NODE, exception: "ValueError('no')" })
    expect(bad['traceback'])
      .to.be.a('string')
      .that.matches(/no\n +at /)
    expect(await flower.ask('counts')).to.include({ 'task-received': 2, 'task-started': 2, 'task-succeeded': 1, 'task-failed': 1 })
  })

  it('its buttons change the worker', async () => {
    const asked = async (command: string, args: object) => (await flower.ask(command, { node: NODE, ...args })) as object

    expect(await asked('grow', { n: 1 })).to.deep.equal([{ [NODE]: { ok: 'pool will grow' } }])
    expect(await asked('consume', { queue: 'more' })).to.deep.equal([{ [NODE]: { ok: 'add consumer more' } }])
    const limits = await asked('time_limit', { name: 'kuma.add', hard: 60, soft: 50 })
    expect(limits).to.deep.equal([{ [NODE]: { ok: 'time limits set successfully' } }])
    const rates = await asked('rate_limit', { name: 'kuma.add', rate: '100/s' })
    expect(rates).to.deep.equal([{ [NODE]: { ok: 'new rate limit set successfully' } }])
  })

  it('its revoke with terminate ends a task that runs, and shows it as revoked', async () => {
    await flower.ask('revoke', { id: running, terminate: true, signal: 'SIGTERM' })

    expect(await scene.app.result(running).wait({ timeout: 10 })).to.equal('REVOKED')
    await eventually(async () => (await task(running))?.['state'] === 'REVOKED', 20)
    await eventually(async () => (await workers())[NODE]?.['active'] === 0, 20)
  })

  it('its shutdown ends the worker, which is offline then', async () => {
    await flower.ask('shut_down', { node: NODE })

    expect(await worker.closed, worker.lines.join('\n')).to.equal(0)
    await eventually(async () => (await workers())[NODE]?.['alive'] === false, 20)
  })
})

function captured(): readonly FlowerRequest[] {
  const file = new URL('../fixtures/redis/flower-requests.json', import.meta.url)
  const { requests } = JSON.parse(readFileSync(file, 'utf8')) as { readonly requests: readonly { readonly body: FlowerRequest }[] }
  return requests.map(({ body }) => body)
}
