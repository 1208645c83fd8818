import { expect } from 'chai'
import { Celerity } from '../../src/index.js'
import { createWorker } from '../../src/worker/create.js'
import { eventually } from '../eventually.js'
import { Scene } from './scene.js'

const QUEUE = 'left'

describe('what a Python worker held when it was killed', function () {
  this.timeout(60_000)
  let scene: Scene

  before(async function () {
    scene = await Scene.open(this)
  })
  after(() => scene?.close())

  it('is given back by ours after the visibility timeout and not before, and done once', async () => {
    const python = await scene.pythonWorker([QUEUE], { flags: ['-P', 'prefork', '-c', '1'] })
    await scene.app.send('both.hold', ['held'], { queue: QUEUE })
    await scene.noted('python held begins')
    const names = ['one', 'two', 'three']
    for (const name of names) await scene.app.send('both.record', [name], { queue: QUEUE })
    await eventually(async () => (await scene.redis.hlen('unacked')) === names.length)
    process.kill(python.pid, 'SIGKILL')
    await python.closed
    scene.openGate('held')
    const scores = (await scene.redis.zrange('unacked_index', '0', '-1', 'WITHSCORES')).filter((_, at) => at % 2 === 1).map(Number)
    await scene.redis.hset('unacked', 'bad', '["no envelope"]')
    await scene.redis.zadd('unacked_index', '1', 'bad', '2', 'nothing')

    const done: { readonly name: string; readonly at: number; readonly redelivered: boolean }[] = []
    const visibilityTimeout = 6
    const app = new Celerity('interop', {
      brokerUrl: scene.url,
      brokerTransportOptions: { visibilityTimeout },
      workerLease: 1.5,
    })
    app.task('both.record', { bind: true }, (task, name: string) => {
      done.push({ name, at: Date.now() / 1000, redelivered: task.redelivered })
    })
    const { worker } = await createWorker(app, { queues: [QUEUE] })
    const ended = worker.run()
    await eventually(() => done.length === names.length, 30)
    await eventually(async () => (await scene.redis.exists('unacked', 'unacked_index', 'unacked_mutex')) === 0)
    worker.stopNow()
    await ended

    expect(done.map(({ name }) => name)).to.have.members(names)
    expect(done.every(({ redelivered }) => redelivered)).to.equal(true)
    expect(Math.min(...done.map(({ at }) => at)) - Math.min(...scores)).to.be.at.least(visibilityTimeout)
    const dead = await (await app.broker()).queues.dead('unacked.malformed', 0, 9)
    expect(dead.map(({ reason, raw }) => [reason, String(raw)])).to.deep.equal([['malformed-envelope', '["no envelope"]']])
    await app.close()
  })
})
