/** One primary, two replicas, three sentinels: the primary is killed under load, and another one takes its place. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { eventually } from '../eventually.js'
import { MASTER, type SentinelSet } from '../setup/redis-sentinels.js'
import { type RedisServer, startRedisSentinels } from '../setup/servers.js'
import { Stage } from '../worker/a-worker.js'

const SENDERS = 8

/** For its last moments the primary goes on alone: what it answers now, no replica will ever have. */
async function partFromReplicas({ port }: RedisServer): Promise<void> {
  const client = new Redis(port)
  await client.config('SET', 'requirepass', 'for whoever comes now')
  await client.call('CLIENT', 'KILL', 'TYPE', 'replica')
  await sleep(500)
  client.disconnect()
}

describe('a Redis behind sentinels (R12)', function () {
  this.timeout(60_000)
  let set: SentinelSet
  let stage: Stage
  afterEach(async () => {
    await stage?.end()
    await set?.stop()
  })

  it('fails over under load: with waitReplicas no task that counts as sent is lost, and work goes on within 5 s of the promotion', async function () {
    set = await startRedisSentinels(this)
    const killed = set.servers[0] as RedisServer
    const settings = {
      brokerUrl: set.url,
      resultBackend: set.url,
      workerConcurrency: 8,
      brokerTransportOptions: { waitReplicas: 1 },
    }
    stage = new Stage(settings)
    const runs = new Map<string, number[]>()
    const work = stage.app.task('kuma.work', { bind: true }, async (task) => {
      await sleep(5)
      const { id } = task
      runs.set(id, [...(runs.get(id) ?? []), performance.now()])
      return id
    })
    await stage.work({ options: { leaseMs: 3_000 } })

    const confirmed = new Map<string, number>()
    let sending = true
    const send = async () => {
      while (sending) {
        try {
          const { id } = await work.delay()
          confirmed.set(id, performance.now())
        } catch {
          // it counts as sent to nobody
        }
        await sleep(10)
      }
    }
    const senders = Array.from({ length: SENDERS }, send)
    await eventually(() => runs.size > 200)
    await partFromReplicas(killed)
    await killed.kill()
    const promoted = await eventually(async () => (await set.primary()) !== killed.port && performance.now(), 15)
    const late = (times: Iterable<number>) => [...times].filter((time) => time > promoted)
    await eventually(() => late(confirmed.values()).length > 100 && late([...runs.values()].flat()).length > 100, 10)
    sending = false
    await Promise.all(senders)
    const resumed = {
      sent: Math.min(...late(confirmed.values())) - promoted,
      run: Math.min(...late([...runs.values()].flat())) - promoted,
    }

    const ids = [...confirmed.keys()]
    const store = await stage.app.results()
    await eventually(async () => {
      const results = await store.get(ids)
      return results.every((json) => json?.includes('"SUCCESS"'))
    }, 15)
    const twice = ids.filter((id) => (runs.get(id)?.length ?? 0) > 1).length
    expect(resumed.sent).to.be.below(5_000)
    expect(resumed.run).to.be.below(5_000)
    expect(twice).to.be.at.most(100)
    await stage.settled()
  })

  it('is found with the URLs and passwords of Celery, and followed when its role is handed over in order', async function () {
    set = await startRedisSentinels(this, { server: 'in p@per', sentinel: 'on watch' })
    const [first, ...others] = set.sentinels
    const urls = [`sentinel://:in%20p%40per@127.0.0.1:${first}/3`, ...others.map((port) => `sentinel://127.0.0.1:${port}`)]
    const options = { masterName: MASTER, sentinelKwargs: { password: 'on watch' } }
    stage = new Stage({ brokerUrl: urls.join(';'), resultBackend: 'broker', brokerTransportOptions: options })
    const add = stage.app.task('kuma.add', (a: number, b: number) => a + b)
    await stage.work()
    const results = await stage.app.results()
    expect(results.server).to.equal((await stage.app.broker()).can.server)
    expect(await (await add.delay(2, 3)).get({ timeout: 5 })).to.equal(5)

    const before = await set.primary()
    await set.handOver()
    await eventually(async () => (await set.primary()) !== before, 15)
    const result = await add.delay(3, 4)
    expect(await result.get({ timeout: 5 })).to.equal(7)
    expect(JSON.stringify(stage.lines)).not.to.match(/in%20p|in p@per|on%20watch|on watch/)
  })
})
