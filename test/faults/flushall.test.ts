import { expect } from 'chai'
import { Redis } from 'ioredis'
import { settingsOf } from '../../src/config/load.js'
import { Celerity } from '../../src/index.js'
import { createLog } from '../../src/log.js'
import { createWorker } from '../../src/worker/create.js'
import { eventually } from '../eventually.js'
import { type RedisServer, startRedis } from '../setup/servers.js'
import { gate } from '../worker/a-worker.js'

describe('a Redis that loses all its keys under a worker', function () {
  this.timeout(30_000)
  let server: RedisServer
  let redis: Redis
  let app: Celerity
  let lines: string[]

  beforeEach(async function () {
    server = await startRedis(this)
    redis = new Redis(server.url)
    redis.on('error', () => {})
    lines = []
    app = new Celerity('kuma')
    app.configure(
      settingsOf({ brokerUrl: server.url, resultBackend: server.url, workerLease: 1, workerConcurrency: 2, workerPrefetchMultiplier: 2 }),
      createLog('info', (_, text) => lines.push(text)),
    )
  })
  afterEach(async () => {
    await app.close()
    redis.disconnect()
    await server.stop()
  })

  for (const [how, lose] of [
    ['by FLUSHALL', () => redis.flushall()],
    ['since it came back without its data', () => server.restart()],
  ] as const)
    it(`${how}: what runs ends and is stored, what was taken runs, and the worker serves on`, async () => {
      const end = gate()
      const runs: number[] = []
      const slow = app.task('kuma.slow', { acks: 'early' }, async (number: number) => {
        runs.push(number)
        await end.passed
        return number
      })
      const add = app.task('kuma.add', (x: number) => x + 1)
      const { worker } = await createWorker(app)
      const ended = worker.run()
      const results = await app.sendMany([slow.s(1), slow.s(2), slow.s(3)])
      await eventually(() => runs.length === 2)
      await eventually(() => worker.reserved.length === 1)

      await lose()
      await eventually(() => lines.some((text) => text.startsWith('all that the broker held is gone')))
      await new Promise((resolve) => setTimeout(resolve, 2_500)) // more than two leases
      end.open()

      expect(await Promise.all(results.map((result) => result.get({ timeout: 10 })))).to.deep.equal([1, 2, 3])
      expect(await (await add.delay(1)).get({ timeout: 10 })).to.equal(2)
      expect(runs).to.have.members([1, 2, 3])
      expect(lines.filter((text) => text.includes('lease lost'))).to.deep.equal([])
      expect(lines.filter((text) => text.startsWith('all that the broker held is gone'))).to.have.length(1)
      worker.stop()
      await ended
      const left = (await redis.keys('celerity:*')).filter((key) => !key.startsWith('celerity:producer:')) // it runs out by itself
      expect(left.sort()).to.deep.equal(['celerity:generation', 'celerity:queues'])
    })

  it('is told apart from a fence: who was fenced writes nothing', async () => {
    const broker = await app.broker()
    await broker.publish([{ queue: 'celery', priority: 0, raw: 'a' }])
    const consumer = await broker.register({ incarnation: 'one', node: 'celery@test', leaseMs: 1_000, queues: ['celery'] })
    const taken = await consumer.take(1, ['celery'], 1)
    if (taken === 'lost') throw new Error('it was not taken')
    await redis.del('celerity:epoch:one', 'celerity:lease:one')

    const [delivery] = taken.deliveries
    expect(await consumer.settle([{ delivery: delivery as NonNullable<typeof delivery>, fate: { kind: 'ack' } }])).to.equal('lost')
    expect(await redis.exists('celerity:epoch:one')).to.equal(0)
  })
})
