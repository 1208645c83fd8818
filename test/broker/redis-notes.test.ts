import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Broker, Consumer } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { redisUrl } from '../setup/servers.js'

const NOTES = ['celerity:noted', 'celerity:notes']
const MINUTE = 60_000

describe('notes of workers on Redis', () => {
  let redis: Redis
  let broker: Broker

  beforeEach(async function () {
    const url = await redisUrl(this)
    redis = new Redis(url)
    broker = await openBroker(url)
  })
  afterEach(async () => {
    await broker?.close()
    redis?.disconnect()
  })

  const worker = (): Promise<Consumer> =>
    broker.register({ incarnation: randomUUID(), node: 'celery@test', leaseMs: 60_000, queues: ['kuma'] })

  it('run out ten minutes after the last word of all, and are gone with the last to resign', async () => {
    const [one, two] = [await worker(), await worker()]
    await broker.note(one.incarnation, '{}')
    await broker.note(two.incarnation, '{}')

    for (const key of NOTES) expect(await redis.pttl(key), key).to.be.within(9 * MINUTE, 10 * MINUTE)
    await one.resign()
    expect(await redis.hkeys('celerity:notes')).to.deep.equal([two.incarnation])
    await two.resign()
    expect(await redis.exists(...NOTES)).to.equal(0)
  })

  it('of the vanished are forgotten after ten minutes, while others speak', async () => {
    const gone = await worker()
    await broker.note(gone.incarnation, '{"gone": 1}')
    await redis.hdel('celerity:workers', gone.incarnation) // as the reaper does
    await redis.del(`celerity:epoch:${gone.incarnation}`)
    const age = async (ms: number) => redis.zadd('celerity:noted', Date.now() - ms, gone.incarnation)

    await age(9 * MINUTE)
    const [known] = await broker.workers()
    expect(known).to.include({ incarnation: gone.incarnation, node: 'celery@test', isAlive: false, state: '{"gone": 1}' })
    expect(known?.stateAge).to.be.within(9 * MINUTE - 1_000, 9 * MINUTE + 5_000)

    await age(11 * MINUTE)
    expect(await broker.workers()).to.deep.equal([])
    const speaks = await worker()
    await broker.note(speaks.incarnation, '{}')
    expect(await redis.hkeys('celerity:notes')).to.deep.equal([speaks.incarnation])
  })

  it('stand beside a registry entry that somebody damaged', async () => {
    const { incarnation } = await worker()
    await redis.hset('celerity:workers', incarnation, '{"node": 7, "queues": [1, "mail"]')
    await broker.note(incarnation, '{}')

    expect((await broker.workers())[0]).to.deep.include({ incarnation, node: 'unknown', queues: [], isAlive: true, state: '{}' })
  })
})
