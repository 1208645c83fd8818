/** A Redis Cluster of three nodes, and a replica of the one that holds our keys. */
import { expect } from 'chai'
import { openBroker } from '../../src/broker/open.js'
import { openResults } from '../../src/results/open.js'
import { eventually } from '../eventually.js'
import type { RedisCluster } from '../setup/redis-cluster.js'
import { startRedisCluster } from '../setup/servers.js'
import { Stage } from '../worker/a-worker.js'

const keyPrefix = '{kuma}:'

describe('a Redis Cluster (R13)', function () {
  this.timeout(60_000)
  let cluster: RedisCluster
  let stage: Stage | undefined
  before(async function () {
    cluster = await startRedisCluster(this, keyPrefix)
  })
  afterEach(() => stage?.end())
  after(() => cluster?.stop())

  const other = () => (cluster.others[0] as { readonly url: string }).url

  it('without a hash tag in the prefix is refused at the start of a worker, and by a send, with what to set', async () => {
    const broker = await openBroker(other(), {})
    const refusals = await Promise.all(
      [
        broker.register({ incarnation: 'one', node: 'celery@here', leaseMs: 1_000, queues: ['celery'] }),
        broker.publish([{ queue: 'celery', priority: 0, raw: '{}' }]),
      ].map((call: Promise<unknown>) =>
        call.then(
          () => null,
          (error: unknown) => error as Error & { hint: string },
        ),
      ),
    )
    for (const refusal of refusals) {
      expect(refusal).to.include({ code: 'E_BROKER_UNSAFE' })
      expect(refusal?.message).to.match(/Redis Cluster/)
      expect(refusal?.hint).to.match(/globalKeyprefix.*\{tasks\}:/)
    }
    await broker.close()
  })

  it('holds results behind another hash tag as another server, and none without one', async () => {
    const [broker, same, apart, untagged] = [
      await openBroker(other(), { keyPrefix }),
      await openResults(other(), { keyPrefix: `results:${keyPrefix}` }),
      await openResults(other(), { keyPrefix: '{results}:' }),
      await openResults(other(), {}),
    ]
    const result = { id: '0', state: 'STARTED', json: '{}', ttl: 60 }
    await Promise.all([same.set([result]), apart.set([result])])
    expect(await apart.get(['0'])).to.deep.equal(['{}'])
    expect(same.server).to.equal(broker.can.server)
    expect(apart.server).not.to.equal(broker.can.server)
    const many = Array.from({ length: 20 }, (_, id) => ({ ...result, id: `${id}` }))
    const refusal = await untagged.set(many).catch((error: unknown) => error)
    expect(refusal).to.include({ code: 'E_BROKER_UNSAFE' })
    await Promise.all([broker, same, apart, untagged].map((one) => one.close()))
  })

  it('has no second database: a URL that names one is refused', async () => {
    const broker = await openBroker(`${other()}/3`, { keyPrefix })
    const refusal = await broker.publish([{ queue: 'celery', priority: 0, raw: '{}' }]).catch((error: unknown) => error)
    expect(refusal).to.include({ code: 'E_BROKER_UNSAFE' })
    await broker.close()
  })

  it('with one serves from whichever node the URL names, and goes on when the node that holds the keys is lost', async () => {
    const prefix = { globalKeyprefix: keyPrefix }
    const settings = { brokerTransportOptions: prefix, resultBackendTransportOptions: prefix }
    stage = new Stage({ ...settings, brokerUrl: other(), resultBackend: other(), workerConcurrency: 4 })
    const add = stage.app.task('kuma.add', (a: number, b: number) => a + b)
    await stage.work({ options: { leaseMs: 3_000 } })
    const first = await add.delay(2, 3)
    expect(await first.get({ timeout: 5 })).to.equal(5)

    await cluster.holder.kill()
    const lost = performance.now()
    const result = await eventually(() => add.delay(3, 4).catch(() => undefined), 15)
    expect(await result.get({ timeout: 10 })).to.equal(7)
    expect(performance.now() - lost).to.be.below(15_000)
    await stage.settled()
  })
})
