import { expect } from 'chai'
import { Redis } from 'ioredis'
import { openBroker } from '../../src/broker/open.js'
import { scripts } from '../../src/broker/redis/scripts.js'
import { startRedisProxy } from '../faults/redis-proxy.js'
import { redisUrl } from '../setup/servers.js'

describe('a rate limit on Redis', () => {
  it('loses no starts where the answer about them was lost: the same ones are told again', async function () {
    const url = await redisUrl(this)
    const direct = new Redis(url)
    const proxy = await startRedisProxy(Number(new URL(url).port))
    const broker = await openBroker(`${proxy.url}${new URL(url).pathname}`, {})
    const other = await openBroker(url, {})
    await other.reserve('warm-up', 1, 1) // the script is loaded
    let lost = 0
    proxy.judge = ({ name, args: [sha = '', ...args] }) => {
      if (name !== 'EVALSHA' || sha !== scripts.reserve.sha || lost++ > 0) return 'pass'
      void direct.call('EVALSHA', sha, ...args).then(() => proxy.cut()) // carried out, and never answered
      return 'lose'
    }
    try {
      const waits = await broker.reserve('kuma.add', 60_000, 3)
      const [next] = await other.reserve('kuma.add', 60_000, 1)

      expect(lost).to.equal(2)
      expect(waits[0]).to.equal(0)
      expect(waits[2]).to.be.within(100_000, 120_000)
      expect(next).to.be.within(160_000, 180_000)
    } finally {
      await Promise.all([broker.close(), other.close()])
      await proxy.close()
      direct.disconnect()
    }
  })
})
