import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Broker, Consumer, Delivery, Judge, Orphan } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { Keys } from '../../src/broker/redis/keys.js'
import { scripts } from '../../src/broker/redis/scripts.js'
import { createLog } from '../../src/log.js'
import { evaluate } from '../../src/redis/link.js'
import { eventually } from '../eventually.js'
import { type RedisServer, redisUrl, startRedis } from '../setup/servers.js'

/** What an error in the middle of a script has written stays written: Redis rolls nothing back. */
describe('what Redis refuses in the middle of a step', () => {
  let url: string
  let redis: Redis
  let broker: Broker
  /** Where workers live that die. */
  let elsewhere: Broker
  let lines: string[]
  let keys: Keys

  before(async function () {
    url = await redisUrl(this)
    redis = new Redis(url)
  })
  beforeEach(async () => {
    const keyPrefix = `${randomUUID()}:`
    keys = new Keys(keyPrefix)
    lines = []
    const log = createLog('info', (_, text) => lines.push(text))
    ;[broker, elsewhere] = await Promise.all([openBroker(url, { keyPrefix, log }), openBroker(url, { keyPrefix })])
  })
  afterEach(() => Promise.all([broker?.close(), elsewhere?.close()]))
  after(() => redis?.disconnect())

  /** A key of another type where the queue should be. */
  const spoil = (queue: string) => redis.set(keys.list(queue, 0), 'no list')
  const mend = (queue: string) => redis.del(keys.list(queue, 0))

  function worker(queues: readonly string[], leaseMs = 60_000, at = broker): Promise<Consumer> {
    return at.register({ incarnation: randomUUID(), node: 'celery@test', leaseMs, queues })
  }

  async function counts(queue: string) {
    const [found] = await broker.queues.counts([queue])
    return found
  }

  /** A worker that takes `max` messages and is gone. */
  async function died(queue: string, max = 10): Promise<Consumer> {
    const doomed = await worker([queue], 1, elsewhere)
    await doomed.take(1, [queue], max)
    return doomed
  }

  const toFront: Judge = () => ({ fate: { kind: 'requeue', to: 'front' } })

  async function refused(work: Promise<unknown>): Promise<void> {
    const error: unknown = await work.then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(error).to.include({ code: 'E_BROKER_REFUSED' })
    expect(String(error)).to.contain('WRONGTYPE')
  }

  it('a batch is stored whole or not at all: whoever sends the others again does not send them twice', async () => {
    await broker.publish([{ queue: 'good', priority: 0, raw: 'before' }])
    await spoil('broken')
    const later = Date.now() + 3_600_000
    const batch = [
      { queue: 'later', priority: 0, raw: 'c', due: later },
      { queue: 'good', priority: 0, raw: 'a' },
      { queue: 'good', priority: 0, raw: 'b' },
      { queue: 'broken', priority: 0, raw: 'x' },
      { queue: 'good', priority: 9, raw: 'd' },
    ]

    await refused(broker.publish(batch))
    await redis.set(keys.delayed('spoilt'), 'no set')
    await refused(broker.publish([...batch.slice(0, 3), { queue: 'spoilt', priority: 0, raw: 'y', due: later }]))

    expect((await broker.queues.peek('good', 9)).map(String)).to.deep.equal(['before'])
    expect(await counts('later')).to.include({ delayed: 0 })
    expect(await redis.hlen(keys.delayedRaw('later'))).to.equal(0)
    expect(await redis.hlen(keys.delayedRaw('spoilt'))).to.equal(0)
    await mend('broken')
    await broker.publish(batch)
    expect((await broker.queues.peek('good', 9)).map(String)).to.deep.equal(['before', 'a', 'b', 'd'])
  })

  it('a batch that was refused is refused as well when it is sent again, for its answer was lost', async () => {
    await spoil('broken')
    const send = (number: number, list: string) =>
      evaluate(redis, scripts.publish, [keys.producer('p'), keys.queues, keys.list(list, 0)], [number, 60_000, 0, 'l', 1, 'raw'])
    const answer = (sent: Promise<unknown>) => sent.then(String, () => 'refused')

    expect(await answer(send(1, 'broken'))).to.equal('refused')
    expect(await answer(send(1, 'broken'))).to.equal('refused')
    expect(await answer(send(2, 'good'))).to.equal('1')
    expect(await answer(send(3, 'broken'))).to.equal('refused')
    expect(await answer(send(3, 'broken'))).to.equal('refused')
    expect(await answer(send(2, 'good'))).to.equal('0')
    expect(await counts('good')).to.include({ ready: 1 })
  })

  it('messages that are stored were sent, whatever becomes of the binding that only Celery’s tools look at', async () => {
    await redis.set(keys.binding('celery')[0], 'no set')

    await broker.publish([{ queue: 'celery', priority: 0, raw: 'a' }])
    const consumer = await worker(['celery'])

    expect(await consumer.take(1, ['celery'], 9))
      .to.have.property('deliveries')
      .with.length(1)
  })

  it('a queue that can’t be read is empty for who asks, and says nothing of the others', async () => {
    await broker.publish([{ queue: 'good', priority: 0, raw: 'a' }])
    await spoil('broken')

    expect(await broker.queues.counts(['broken', 'good'])).to.have.nested.property('[1].ready', 1)
    expect(await counts('broken')).to.include({ ready: 0, delayed: 0 })
  })

  it('what is kept for later stays kept when the last worker leaves and its queue takes nothing', async () => {
    const last = await worker(['celery'])
    await broker.publish([{ queue: 'celery', priority: 0, raw: 'a', due: Date.now() + 3_600_000 }])
    await broker.publish([{ queue: 'celery', priority: 9, raw: 'b', due: Date.now() + 3_600_000 }])
    await spoil('celery')

    await last.resign()

    expect(await redis.hvals(keys.delayedRaw('celery'))).to.deep.equal(['a'])
    expect(await redis.zcard(keys.delayed('celery'))).to.equal(1)
    expect(await redis.lrange(keys.list('celery', 3), 0, -1)).to.deep.equal(['b'])
  })

  it('of what is to follow nothing is sent where one of it is refused, however often that is tried', async () => {
    await broker.publish(['a', 'b'].map((raw) => ({ queue: 'celery', priority: 0, raw })))
    const consumer = await worker(['celery'])
    const taken = await consumer.take(1, ['celery'], 2)
    if (taken === 'lost') throw new Error('lost')
    const follow = (...queues: string[]) => queues.map((queue) => ({ queue, priority: 0, raw: 'next' }))
    const later = { queue: 'spoilt', priority: 0, raw: 'next', due: Date.now() + 3_600_000 }
    await spoil('broken')
    await redis.set(keys.delayed('spoilt'), 'no set')

    const [first, second] = taken.deliveries as [Delivery, Delivery]
    await consumer.settle([{ delivery: first, fate: { kind: 'ack' }, publish: follow('good', 'broken') }])
    await consumer.settle([{ delivery: second, fate: { kind: 'ack' }, publish: [...follow('good'), later] }])

    expect(await counts('good')).to.include({ ready: 0 })
    expect(await redis.hlen(keys.delayedRaw('spoilt'))).to.equal(0)
    expect((await broker.queues.dead('celery', 0, 9)).map(({ reason }) => reason)).to.deep.equal(['refused-by-broker', 'refused-by-broker'])
    expect(await counts('celery')).to.include({ leased: 0, dead: 2 })
  })

  it('a message that could not be settled is still there, bytes and all, should its worker vanish', async () => {
    const raw = 'x'.repeat(5_000)
    await broker.publish([raw, 'other'].map((one) => ({ queue: 'celery', priority: 0, raw: one })))
    const consumer = await worker(['celery'], 1, elsewhere)
    const taken = await consumer.take(1, ['celery'], 2)
    if (taken === 'lost') throw new Error('lost')
    const [delivery] = taken.deliveries as [Delivery]
    await spoil('broken')
    await redis.set(keys.dead('celery'), 'no list')

    await refused(consumer.settle([{ delivery, fate: { kind: 'ack' }, publish: [{ queue: 'broken', priority: 0, raw: 'next' }] }]))
    await eventually(async () => (await broker.tend(toFront)).reaped.length > 0)

    expect((await broker.queues.peek('celery', 9)).map(String)).to.deep.equal([raw, 'other'])
  })

  it('a dead letter stays one when its queue takes nothing', async () => {
    await broker.publish([{ queue: 'celery', priority: 0, raw: 'a' }])
    const consumer = await worker(['celery'])
    const taken = await consumer.take(1, ['celery'], 1)
    if (taken === 'lost') throw new Error('lost')
    await consumer.settle(taken.deliveries.map((delivery) => ({ delivery, fate: { kind: 'dead', reason: 'rejected', detail: 'no' } })))
    const [letter] = await broker.queues.dead('celery', 0, 9)
    await spoil('celery')

    await refused(broker.queues.retryDead('celery', [letter?.id ?? '']))

    expect((await broker.queues.dead('celery', 0, 9)).map(({ raw }) => String(raw))).to.deep.equal(['a'])
    await mend('celery')
    expect(await broker.queues.retryDead('celery', [letter?.id ?? ''])).to.equal(1)
    expect(await counts('celery')).to.include({ ready: 1, dead: 0 })
  })

  it('a death is counted once, however often what it left is looked at before it can be given back', async () => {
    await broker.publish([{ queue: 'celery', priority: 0, raw: 'a' }])
    const seen: Orphan[] = []
    const judge: Judge = (orphan) => {
      seen.push(orphan)
      return { fate: { kind: 'requeue', to: 'front' } }
    }
    await died('celery')
    await spoil('celery')
    await eventually(async () => (await broker.tend(judge).then(() => seen.length)) >= 3)
    await mend('celery')
    await eventually(async () => (await broker.tend(judge)).reaped.length > 0)
    await died('celery')
    await eventually(async () => (await broker.tend(judge)).reaped.length > 0)

    expect(seen.map(({ deliveries }) => deliveries)).to.deep.equal([...Array(seen.length - 1).fill(1), 2])
  })

  it('what is kept for later in a queue, and can’t be read, keeps no other queue from what is due, nor a worker from its tasks', async () => {
    await broker.publish(['bytes', 'times', 'good'].map((queue) => ({ queue, priority: 0, raw: 'now' })))
    const past = Date.now() - 1_000
    for (const queue of ['bytes', 'times', 'good', 'other']) await broker.publish([{ queue, priority: 0, raw: 'due', due: past }])
    await redis.set(keys.delayedRaw('bytes'), 'no hash')
    await redis.set(keys.delayed('times'), 'no set')
    const consumer = await worker(['bytes', 'times', 'good'])

    const taken = await consumer.take(1, ['bytes', 'times', 'good'], 9)
    if (taken === 'lost') throw new Error('lost')
    expect(taken.deliveries.map(({ lane, raw }) => `${raw} ${lane.queue}`).sort()).to.deep.equal([
      'due good',
      'now bytes',
      'now good',
      'now times',
    ])
    expect(taken.broken.map(({ queue, reason }) => [queue, reason.includes('WRONGTYPE')]).sort()).to.deep.equal([
      ['bytes', true],
      ['times', true],
    ])
    expect(taken.nextDue).to.equal(null) // or it would look again at once, for ever

    for (let round = 0; round < 2; round++) await broker.tend(toFront)
    expect(await counts('other')).to.include({ ready: 1, delayed: 0 })
    expect(lines.filter((text) => text.includes('kept for later')).map((text) => text.split(':')[0])).to.have.members([
      'queue bytes',
      'queue times',
    ])
    await consumer.resign()
    expect(await counts('good')).to.include({ leased: 0, ready: 2 })
  })

  it('what was to follow a lost task, and is refused, does not keep the task from its end', async () => {
    await broker.publish(['a', 'b'].map((raw) => ({ queue: 'celery', priority: 0, raw })))
    await died('celery')
    await spoil('broken')
    const errback = (queue: string) => ({ queue, priority: 0, raw: 'errback' })
    const fate = { kind: 'dead', reason: 'delivery-limit', detail: 'x' } as const

    await eventually(async () => {
      const { reaped } = await broker.tend(({ raw }) => ({ fate, publish: [errback(String(raw) === 'a' ? 'broken' : 'good')] }))
      return reaped.length > 0
    })

    expect(await counts('celery')).to.include({ ready: 0, leased: 0, dead: 2 })
    expect(await counts('good')).to.include({ ready: 1 })
    expect(await redis.hlen(keys.registry)).to.equal(0)
  })

  it('what dead workers held goes back though one of them can’t be dealt with, nor what is due', async () => {
    await broker.publish(['a', 'b', 'c'].map((raw) => ({ queue: 'celery', priority: 0, raw })))
    const held = [await died('celery', 1), await died('celery', 1), await died('celery', 1)]
    await redis.set(keys.started(held[1]?.incarnation ?? ''), 'no set')
    await redis.zadd(keys.delayed('celery'), 1, '0:x')
    await redis.set(keys.delayedRaw('celery'), 'no hash')

    await eventually(async () => {
      await broker.tend(toFront).catch(() => {})
      return (await counts('celery'))?.ready === 2
    })
  })

  it('a lane whose messages are gone does not keep a dead worker registered for ever', async () => {
    await broker.publish([{ queue: 'celery', priority: 0, raw: 'a' }])
    const doomed = await died('celery')
    await redis.del(`${keys.lane(doomed.incarnation)}1/1`)

    await eventually(async () => (await broker.tend(toFront)).reaped.length > 0)

    expect(await redis.hlen(keys.registry)).to.equal(0)
    expect(await redis.hlen(keys.lanes(doomed.incarnation))).to.equal(0)
  })

  it('what Python’s workers left in one queue waits for no other', async () => {
    await broker.close()
    broker = await openBroker(url, { keyPrefix: keys.prefix, visibilityTimeout: 0.001 })
    const entry = (queue: string) => JSON.stringify([{ body: '', headers: {}, properties: {} }, '', queue])
    await spoil('broken')
    await redis.hset(keys.unacked, { first: entry('broken'), second: entry('good') })
    await redis.zadd(keys.unackedIndex, 1, 'first', 2, 'second')

    await broker.tend(toFront)

    expect(await counts('good')).to.include({ ready: 1 })
    expect(await redis.hkeys(keys.unacked)).to.deep.equal(['first'])
  })

  it('nine thousand tasks that run at once are told of, and the lease is kept', async () => {
    const { incarnation } = await worker(['celery'])
    const started = Array.from({ length: 9_000 }, (_, position) => ({ lane: '1/1', position }))

    expect(await broker.renew(incarnation, started)).to.deep.equal({ kind: 'kept', lanes: [] })
    expect(await redis.scard(keys.started(incarnation))).to.equal(9_000)
  })

  it('a worker that can’t resign ends its waiting connections all the same', async () => {
    const connections = async () =>
      String(await redis.call('CLIENT', 'LIST', 'TYPE', 'normal'))
        .trim()
        .split('\n').length
    const consumer = await worker(['a', 'b', 'c', 'd'])
    const before = await connections()
    await consumer.wait(['a', 'b', 'c', 'd'], 0.05, new AbortController().signal)
    await eventually(async () => (await connections()) === before + 4)
    await redis.set(keys.lanes(consumer.incarnation), 'no hash')

    await refused(consumer.resign())

    await eventually(async () => (await connections()) === before)
  })
})

describe('at maxmemory', function () {
  this.timeout(20_000)
  let server: RedisServer
  let redis: Redis
  let broker: Broker

  before(async function () {
    server = await startRedis(this)
    redis = new Redis(server.url)
  })
  beforeEach(async () => {
    broker = await openBroker(server.url, {})
    await broker.publish(['a', 'b'].map((raw) => ({ queue: 'celery', priority: 0, raw })))
  })
  afterEach(async () => {
    await redis.config('SET', 'maxmemory', '0')
    await redis.flushall()
    await broker.close()
  })
  after(async () => {
    redis?.disconnect()
    await server?.stop()
  })

  const full = () => redis.config('SET', 'maxmemory', '1')

  function worker(leaseMs = 60_000, at = broker): Promise<Consumer> {
    return at.register({ incarnation: randomUUID(), node: 'celery@test', leaseMs, queues: ['celery'] })
  }

  it('a worker starts, takes, begins what is acked early, and closes a take whose answer was lost', async () => {
    await full()
    const consumer = await worker()
    const taken = await consumer.take(1, ['celery'], 1)
    if (taken === 'lost') throw new Error('lost')

    expect(await consumer.start(taken.deliveries)).to.equal('ok')
    await consumer.closeTake(2)
    expect(await consumer.take(2, ['celery'], 1))
      .to.have.property('deliveries')
      .with.length(0)
    expect(await consumer.take(3, ['celery'], 1))
      .to.have.property('deliveries')
      .with.length(1)
  })

  it('tasks under a rate limit get their slots', async () => {
    await full()

    expect(await broker.reserve('kuma.add', 1_000, 2)).to.have.length(2)
    expect((await broker.reserve('kuma.add', 1_000, 1))[0]).to.be.above(1_000)
  })

  it('what a dead worker held goes back', async () => {
    const elsewhere = await openBroker(server.url, {})
    const doomed = await worker(1, elsewhere)
    await doomed.take(1, ['celery'], 9)
    await full()

    await eventually(async () => (await broker.tend(() => ({ fate: { kind: 'requeue', to: 'front' } }))).reaped.length > 0)

    expect((await broker.queues.counts(['celery']))[0]).to.include({ ready: 2, leased: 0 })
    await elsewhere.close()
  })

  it('what is kept for later goes back to its list when the last worker leaves', async () => {
    const consumer = await worker()
    await broker.queues.purge('celery')
    await broker.publish([{ queue: 'celery', priority: 0, raw: 'c', due: Date.now() + 3_600_000 }])
    await full()

    await consumer.resign()

    expect((await broker.queues.counts(['celery']))[0]).to.include({ ready: 1, delayed: 0 })
  })
})
