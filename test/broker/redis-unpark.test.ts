import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Broker, Consumer } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { eventually } from '../eventually.js'
import { redisUrl } from '../setup/servers.js'

describe('delayed messages on Redis, shared with Python', () => {
  const queue = 'shared'
  const inAnHour = () => Date.now() + 3_600_000
  const prefix = `${randomUUID()}:`
  let broker: Broker
  let redis: Redis
  let url: string

  before(async function () {
    url = await redisUrl(this)
    redis = new Redis(url)
    broker = await openBroker(url, { keyPrefix: prefix })
  })
  after(async () => {
    await broker?.close()
    redis?.disconnect()
  })

  function worker(): Promise<Consumer> {
    return broker.register({ incarnation: randomUUID(), node: 'celery@test', leaseMs: 60_000, queues: [queue] })
  }

  it('go back to the list when the last of our workers leaves, the earliest first, and not before', async () => {
    const [first, last] = [await worker(), await worker()]
    const raws = ['a', 'b', 'c']
    await broker.publish(raws.map((raw, at) => ({ queue, priority: 0, raw, due: inAnHour() + at })))

    await first.resign()
    expect((await broker.queues.counts([queue]))[0]).to.include({ delayed: 3, ready: 0 })

    await last.resign()
    expect((await broker.queues.counts([queue]))[0]).to.include({ delayed: 0, ready: 3 })
    expect((await broker.queues.peek(queue, 9)).map(String)).to.deep.equal(raws)
  })

  it('stay where they are when the worker comes back at once, or was fenced and comes back as another', async () => {
    await broker.queues.purge(queue)
    await broker.publish([{ queue, priority: 0, raw: 'a', due: inAnHour() }])

    await (await worker()).resign(true)
    const fenced = await worker()
    await redis.del(`${prefix}celerity:epoch:${fenced.incarnation}`, `${prefix}celerity:lease:${fenced.incarnation}`)
    await redis.hdel(`${prefix}celerity:workers`, fenced.incarnation)
    await fenced.resign()
    expect((await broker.queues.counts([queue]))[0]).to.include({ delayed: 1, ready: 0, consumers: 0 })

    await (await worker()).resign()
    expect((await broker.queues.counts([queue]))[0]).to.include({ delayed: 0, ready: 1 })
    await broker.queues.purge(queue)
  })

  it('go back with the suspects, at their priority: a Python worker would never see those either', async () => {
    await broker.queues.purge(queue)
    await broker.publish([5, 0].map((priority) => ({ queue, priority, raw: `p${priority}` })))
    const other = await openBroker(url, { keyPrefix: prefix })
    const doomed = await other.register({ incarnation: randomUUID(), node: 'celery@test', leaseMs: 1, queues: [queue] })
    await doomed.take(1, [queue], 2)
    await eventually(async () => (await broker.tend(() => ({ fate: { kind: 'requeue', to: 'suspects' } }))).reaped.length > 0)
    await other.close()
    const last = await worker()
    expect((await broker.queues.counts([queue]))[0]).to.include({ suspects: 2, ready: 0 })

    await last.resign()

    expect((await broker.queues.counts([queue]))[0]).to.deep.include({ suspects: 0, steps: [1, 1, 0, 0] })
    await broker.queues.purge(queue)
  })

  it('may come to queues that a worker has turned to: they are bound, so that Celery’s tools see them', async () => {
    const turns = await worker()
    await turns.consume(['turned', 'twice'])

    const members = async (name: string) => redis.smembers(`${prefix}_kombu.binding.${name}`)
    expect(await members('turned')).to.deep.equal(['turned\x06\x16\x06\x16turned'])
    expect(await members('twice')).to.deep.equal(['twice\x06\x16\x06\x16twice'])
    expect(await redis.smembers(`${prefix}celerity:queues`)).to.include.members(['turned', 'twice'])
    await turns.resign()
  })

  it('go back to the list when the last of our workers turns to other queues, and not before', async () => {
    const [first, last] = [await worker(), await worker()]
    await broker.queues.purge(queue)
    await broker.publish([{ queue, priority: 0, raw: 'a', due: inAnHour() }])

    await first.consume(['other'])
    expect((await broker.queues.counts([queue]))[0]).to.include({ delayed: 1, ready: 0, consumers: 1 })

    await last.consume(['other'])
    expect((await broker.queues.counts([queue]))[0]).to.include({ delayed: 0, ready: 1, consumers: 0 })
    await Promise.all([first.resign(), last.resign()])
  })

  it('stay when a worker that had turned to other queues leaves, for as long as another consumes theirs', async () => {
    const [first, last] = [await worker(), await worker()]
    await broker.queues.purge(queue)
    await first.consume([])
    await broker.publish([{ queue, priority: 0, raw: 'a', due: inAnHour() }])

    await first.resign()
    expect((await broker.queues.counts([queue]))[0]).to.include({ delayed: 1, ready: 0 })
    await last.consume(['other', queue])
    await last.resign()
    expect((await broker.queues.counts([queue]))[0]).to.include({ delayed: 0, ready: 1 })
  })
})
