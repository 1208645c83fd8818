import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { openBroker } from '../../src/broker/open.js'
import { Keys } from '../../src/broker/redis/keys.js'
import { redisUrl } from '../setup/servers.js'

describe('what is due, among the queues of thousands of names that were ever used', () => {
  it('is found in each of them, whatever waits in others', async function () {
    this.timeout(20_000)
    const url = await redisUrl(this)
    const redis = new Redis(url)
    const keyPrefix = `${randomUUID()}:`
    const keys = new Keys(keyPrefix)
    const broker = await openBroker(url, { keyPrefix })
    try {
      const names = Array.from({ length: 2_500 }, (_, number) => `tenant-${number}`)
      await redis.sadd(keys.queues, ...names)
      const due = names.filter((_, number) => number % 10 === 0)
      const past = Date.now() - 1_000
      await broker.publish(due.map((queue, number) => ({ queue, priority: 0, raw: queue, due: past + number })))
      await broker.publish([{ queue: 'tenant-1', priority: 0, raw: 'later', due: Date.now() + 3_600_000 }])

      expect((await broker.tend(() => ({ fate: { kind: 'ack' } }))).due).to.equal(due.length)
      expect((await broker.tend(() => ({ fate: { kind: 'ack' } }))).due).to.equal(0)

      const counts = await broker.queues.counts([...due, 'tenant-1'])
      expect(counts.filter(({ ready, delayed }) => ready === 1 && delayed === 0)).to.have.length(due.length)
      expect(counts.at(-1)).to.include({ ready: 0, delayed: 1 })
    } finally {
      await broker.close()
      redis.disconnect()
    }
  })
})
