import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { Keys } from '../../src/broker/redis/keys.js'
import { redisUrl } from '../setup/servers.js'

describe('the list of dead letters on Redis', () => {
  let redis: Redis
  let broker: Broker
  let list: string
  beforeEach(async function () {
    const url = await redisUrl(this)
    redis = new Redis(url)
    const keyPrefix = `${randomUUID()}:`
    list = new Keys(keyPrefix).dead('celery')
    broker = await openBroker(url, { keyPrefix })
  })
  afterEach(async () => {
    await broker.close()
    redis.disconnect()
  })

  it('tells entries apart that somebody else wrote there, bytes and all', async () => {
    const entries = [Buffer.from('one'), Buffer.from('two'), Buffer.from([0xff, 0xfe, 0x00])]
    await redis.rpush(list, ...entries)

    const letters = await broker.queues.dead('celery', 0, 9)
    expect(letters.map(({ raw }) => raw)).to.deep.equal(entries)
    expect(new Set(letters.map(({ id }) => id)).size).to.equal(3)

    expect(await broker.queues.dropDead('celery', [letters[1]!.id])).to.equal(1)
    expect(await broker.queues.retryDead('celery', [letters[2]!.id])).to.equal(1)
    expect(await redis.lrange(list, 0, -1)).to.deep.equal(['one'])
    expect(await broker.queues.peek('celery', 1)).to.deep.equal([entries[2]])
  })

  it('is read no further than to the letter that is asked for, and to its end for one that is not there', async () => {
    const entries = Array.from({ length: 900 }, (_, number) =>
      JSON.stringify({ id: `${number}`, raw: Buffer.from(`${number}`).toString('base64') }),
    )
    await redis.rpush(list, ...entries)
    const reads = async () => Number(/cmdstat_lrange:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)

    const before = await reads()
    expect(await broker.queues.retryDead('celery', ['3', '5'])).to.equal(2)
    expect((await reads()) - before).to.equal(1)
    expect(await broker.queues.dropDead('celery', ['899', 'none'])).to.equal(1)
    expect(await redis.llen(list)).to.equal(897)
    expect((await broker.queues.peek('celery', 9)).map(String).sort()).to.deep.equal(['3', '5'])
  })
})
