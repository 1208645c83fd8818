import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { eventually } from '../eventually.js'
import { type RedisServer, redisUrl, startRedis } from '../setup/servers.js'

describe('the journal on Redis', () => {
  let url: string
  let redis: Redis
  let broker: Broker

  beforeEach(async function () {
    url = await redisUrl(this)
    redis = new Redis(url)
    broker = await openBroker(url)
  })
  afterEach(async () => {
    await broker?.close()
    redis?.disconnect()
  })

  const tell = (raw: string, events = 1) => broker.broadcast({ exchange: 'celeryev', routingKey: 'task.multi', raw, events })

  it('is another one after the server was emptied', async () => {
    const { id } = await broker.journal.register('camera', 60)
    await tell('a')
    await redis.flushdb()

    expect(await tell('b')).to.include({ readers: 0 })
    expect(await broker.journal.read(0, 10)).to.deep.equal({ id: '', newest: 0, oldest: 0, batches: [] })
    const next = await broker.journal.register('camera', 60)
    expect(next.newest).to.equal(0)
    expect(next.id).not.to.equal(id)
  })

  it('begins anew when its record alone was lost', async () => {
    const { id } = await broker.journal.register('camera', 60)
    await tell('a')
    await redis.del('celerity:journal')

    expect(await tell('b')).to.include({ readers: 0 })
    expect((await broker.journal.register('camera', 60)).id).not.to.equal(id)
    expect(await tell('c')).to.include({ readers: 1 })
    expect((await broker.journal.read(0, 10)).batches.map(({ raw }) => raw.toString())).to.deep.equal(['c'])
  })

  it('runs out with all its keys when its readers are gone, and leaves nothing when the last one leaves', async () => {
    const keys = ['celerity:journal', 'celerity:journal:batches', 'celerity:journal:readers']
    await broker.journal.register('brief', 30)
    await tell('a')
    await broker.journal.register('camera', 60)
    await tell('b')

    expect((await redis.keys('*')).sort()).to.deep.equal(keys)
    for (const key of keys) expect(await redis.pttl(key), key).to.be.within(50_000, 60_000)

    await broker.journal.leave('camera')
    expect((await redis.keys('*')).sort()).to.deep.equal(keys)
    await broker.journal.leave('brief')
    expect(await redis.keys('*')).to.deep.equal([])
  })

  it('is the same stream for a batch as its position says', async () => {
    await broker.journal.register('camera', 60)
    await tell('a', 3)
    await tell('b', 2)

    expect(await redis.xrange('celerity:journal:batches', '-', '+')).to.deep.equal([
      ['3-0', ['3', 'a']],
      ['5-0', ['2', 'b']],
    ])
  })
})

describe('what an operator needs, on a Redis server that has no memory left', function () {
  this.timeout(20_000)
  let server: RedisServer
  let broker: Broker
  let redis: Redis

  before(async function () {
    server = await startRedis(this)
    redis = new Redis(server.url)
    broker = await openBroker(server.url)
  })
  after(async () => {
    await broker?.close()
    redis?.disconnect()
    await server?.stop()
  })

  it('passes: events with their journal, notes, questions and answers, other queues for a worker, a purge', async () => {
    const worker = await broker.register({ incarnation: 'a', node: 'n', leaseMs: 60_000, queues: ['kuma'] })
    await broker.publish([{ queue: 'kuma', priority: 0, raw: 'x' }])
    await redis.config('SET', 'maxmemory', '1')
    expect(await redis.set('more', 'x').catch(String)).to.match(/OOM/)

    const heard: string[] = []
    await broker.mailbox('reply.celery.pidbox', 'oid', (raw) => heard.push(raw.toString()))
    await broker.deliver({ exchange: 'reply.celery.pidbox', routingKey: 'oid', raw: 'pong' })
    await broker.journal.register('camera', 60)
    await broker.broadcast({ exchange: 'celeryev', routingKey: 'task.multi', raw: 'event', events: 1 })
    await broker.note('a', '{"out": "of memory"}')

    await eventually(() => heard.length > 0)
    expect((await broker.journal.read(0, 10)).newest).to.equal(1)
    expect((await broker.workers())[0]?.state).to.equal('{"out": "of memory"}')
    expect(await worker.consume(['kuma', 'mail'])).to.equal('ok')
    expect(await broker.queues.purge('kuma')).to.deep.equal({ ready: 1, delayed: 0, suspects: 0 })
    await worker.resign()
    await redis.config('SET', 'maxmemory', '0')
  })
})
