import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Broker, Judge } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { eventually } from '../eventually.js'
import { freePort } from '../setup/free-port.js'
import { type RedisServer, startRedis } from '../setup/servers.js'

describe('a Redis with replicas', () => {
  let primary: RedisServer
  let replica: RedisServer
  let client: Redis
  const brokers: Broker[] = []
  before(async function () {
    primary = await startRedis(this, { args: ['--repl-diskless-sync-delay', '0'] })
    replica = await startRedis(this, { args: ['--replicaof', '127.0.0.1', `${primary.port}`, '--repl-diskless-sync-delay', '0'] })
    client = new Redis(primary.port)
    await eventually(async () => (await client.incr('followed')) > 0 && (await client.wait(1, 100)) === 1)
  })
  afterEach(async () => {
    await Promise.all(brokers.splice(0).map((broker) => broker.close()))
  })
  after(async () => {
    client?.disconnect()
    await replica?.stop()
    await primary?.stop()
  })

  async function open(waitReplicas: number, url = primary.url): Promise<Broker> {
    const broker = await openBroker(url, { waitReplicas, waitReplicasTimeout: 0.2, deadlineMs: 2_000 })
    brokers.push(broker)
    return broker
  }
  const message = (queue: string) => ({ queue, priority: 0, raw: '{}' })

  it('has a message when it counts as sent, if waitReplicas says so', async () => {
    const broker = await open(1)
    await broker.publish([message('kept')])
    const follower = new Redis(replica.port)
    expect(await follower.llen('kept')).to.equal(1)
    follower.disconnect()
  })

  it('that are fewer than waitReplicas: the send fails in time, and says that the message may be stored', async () => {
    const broker = await open(2)
    const error = await broker.publish([message('doubtful')]).then(
      () => null,
      (caught: unknown) => caught,
    )
    expect(error).to.include({ code: 'E_PUBLISH_TIMEOUT' })
    expect((error as Error).message).to.match(/1 of 2 replicas/)
    expect(await client.llen('doubtful')).to.equal(1)
  })

  it('that are fewer than waitReplicas do not stop a worker from settling', async () => {
    const broker = await open(2)
    const queue = randomUUID()
    await (await open(0)).publish([message(queue)])
    const worker = await broker.register({ incarnation: randomUUID(), node: 'celery@here', leaseMs: 5_000, queues: [queue] })
    const taken = await worker.take(1, [queue], 10)
    if (taken === 'lost') throw new Error('lost')
    expect(await worker.settle(taken.deliveries.map((delivery) => ({ delivery, fate: { kind: 'ack' } })))).to.equal('ok')
    await worker.resign()
  })

  it('nobody is fenced before a full lease after a change of roles, though our connection was there all the time', async () => {
    const [reaper, other] = [await open(0), await open(0)]
    const leaseMs = 1_000
    const requeue: Judge = () => ({ fate: { kind: 'requeue', to: 'back' } })
    await reaper.tend(requeue)
    await other.register({ incarnation: randomUUID(), node: 'celery@gone', leaseMs, queues: ['kept'] })
    await sleep(leaseMs + 200)
    await client.replicaof('127.0.0.1', await freePort())
    await client.replicaof('NO', 'ONE')
    const changed = performance.now()

    expect((await reaper.tend(requeue)).reaped).to.deep.equal([])
    const { reaped } = await eventually(async () => {
      const tended = await reaper.tend(requeue)
      return tended.reaped.length > 0 && tended
    })
    expect(reaped.map(({ node }) => node)).to.deep.equal(['celery@gone'])
    expect(performance.now() - changed).to.be.at.least(leaseMs)
  })

  it('that was taken for the primary is left as soon as it says that it is none', async () => {
    const broker = await open(0)
    await broker.publish([message('moved')])
    await client.replicaof('127.0.0.1', replica.port)
    const sent = broker.publish([message('moved')]) // READONLY from now on
    await sleep(300)
    await client.replicaof('NO', 'ONE')
    await sent
    expect(await client.llen('moved')).to.be.at.least(1)
  })
})
