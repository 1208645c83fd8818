import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Worker as Thread } from 'node:worker_threads'
import { expect } from 'chai'
import type { Broker } from '../../../src/broker/broker.js'
import { openBroker } from '../../../src/broker/open.js'
import { type ClusterEvent, decodeEvents, EVENT_EXCHANGE } from '../../../src/protocol/event.js'
import type { KeeperOptions } from '../../../src/worker/keeper/keeper.js'
import type { Panel } from '../../../src/worker/keeper/panel-port.js'
import { eventually } from '../../eventually.js'
import { type RedisServer, redisUrl, startRedis } from '../../setup/servers.js'
import { KeptWorker, NODE } from './a-keeper.js'
import { Asker, carrying } from './an-asker.js'

describe("the keeper's thread", function () {
  this.timeout(30_000)
  let url: string
  let broker: Broker
  let asker: Asker
  let worker: KeptWorker
  let threads: Thread[]
  const made = (message: unknown) => threads.push((message as { readonly worker: Thread }).worker)

  beforeEach(async function () {
    threads = []
    subscribe('worker_threads', made)
    url = await redisUrl(this)
    broker = await openBroker(url)
    asker = await Asker.open(broker)
  })
  afterEach(async () => {
    unsubscribe('worker_threads', made)
    await worker?.close()
    await asker.close()
    await broker.close()
  })

  async function work(options: Partial<KeeperOptions>, handle?: Panel['handle']): Promise<void> {
    worker = await KeptWorker.open(broker, handle, { brokerUrl: url, ...options })
    await untilItAnswers()
  }

  async function untilItAnswers(): Promise<void> {
    const before = asker.heard.length
    await eventually(async () => {
      await asker.send('ping')
      await new Promise((resolve) => setTimeout(resolve, 50))
      return asker.heard.length > before
    }, 20)
  }

  it('is started again when it dies, listens again, and knows what it was told', async () => {
    await work({ leaseMs: 1_000, heartbeat: 0.1 })
    worker.keeper.state({ registered: ['kuma.add'] }, ['mail'])

    await threads[0]?.terminate()
    await untilItAnswers()

    expect(threads).to.have.length(2)
    await eventually(async () => JSON.parse((await broker.workers())[0]?.state ?? '{}').queues?.[0] === 'mail')
    expect(worker.isLost).to.equal(false)
    expect(worker.keeper.renewing).to.equal(true)
  })

  it('has its lease renewed by the main thread while it is loaded, or does not come through', async () => {
    const renewals = renewalsOf(broker)
    worker = await KeptWorker.open(broker, undefined, { leaseMs: 1_000, brokerUrl: 'redis://127.0.0.1:1' })

    await eventually(() => renewals() >= 5) // longer than the lease
    expect((await broker.tend(() => ({ fate: { kind: 'ack' } }))).reaped).to.deep.equal([])
    expect(worker.isLost).to.equal(false)
  })

  it('is left alone with the lease once it renews', async () => {
    const renewals = renewalsOf(broker)
    worker = await KeptWorker.open(broker, undefined, { leaseMs: 1_000, brokerUrl: url })
    await untilItAnswers()

    await eventually(async () => {
      const before = renewals()
      await new Promise((resolve) => setTimeout(resolve, 800))
      return renewals() === before
    })
  })

  it('renews the lease through a flood of control messages', async function () {
    this.timeout(60_000)
    await work({ leaseMs: 2_000 }, async () => ({ kind: 'reply', value: { ok: 'pong' } }))
    const long = { text: 'x'.repeat(20_000) }
    const kinds = [
      carrying({ method: 'ping' }),
      carrying({ method: 'conf', arguments: long }),
      carrying({ method: 'ping', pattern: '(a|b|c){60}(\\w+)+$', matcher: 'pcre' }),
      carrying({ method: 'ping', destination: 5 }),
    ]
    const reaped: unknown[] = []
    const other = await openBroker(url)
    const reaper = setInterval(() => {
      other.tend(() => ({ fate: { kind: 'ack' } })).then((tended) => reaped.push(...tended.reaped), reaped.push)
    }, 100)

    for (let n = 0; n < 10_000; n += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => asker.raw(kinds[i % kinds.length] as string)))
    }
    await untilItAnswers()

    clearInterval(reaper)
    await other.close()
    expect(reaped).to.deep.equal([])
    expect(worker.isLost).to.equal(false)
    expect(worker.board.ignored).to.be.at.least(2_500)
    expect(worker.lines).to.deep.equal([])
  })

  it('sends heartbeats as Celery does, and says good-bye', async () => {
    const events: ClusterEvent[] = []
    const subscription = await broker.subscribe(EVENT_EXCHANGE, '*', ({ raw, routingKey }) => {
      const decoded = decodeEvents(Buffer.from(raw))
      for (const event of decoded.events) events.push(event)
      if (decoded.events[0]?.type.replaceAll('-', '.') !== routingKey) throw new Error(routingKey)
    })
    await work({ heartbeat: 0.2 })
    worker.board.processed = 7
    await worker.hold(broker, ['id-0', 'id-1'], 1)
    await eventually(() => events.filter(({ type }) => type === 'worker-heartbeat').length > 2)
    const before = events.length
    worker.keeper.heartbeat()
    await eventually(() => events.length > before)
    const last = events.filter(({ type }) => type === 'worker-heartbeat').at(-1)
    await worker.keeper.close()
    await eventually(() => events.at(-1)?.type === 'worker-offline')
    await subscription.close()

    expect(events[0]).to.include({ type: 'worker-online', hostname: NODE, pid: process.pid })
    expect(last?.fields).to.deep.include({ freq: 0.2, active: 1, processed: 7, sw_ident: 'celerity', sw_sys: 'Linux' })
    expect(last?.fields['loadavg']).to.have.length(3)
    const clocks = events.map(({ clock }) => clock)
    expect(clocks).to.deep.equal([...clocks].sort((a, b) => a - b))
    expect(new Set(clocks).size).to.equal(clocks.length)
    expect(worker.readers).to.deep.equal([0])
  })

  it('gives back what is held while the thread that asks for it stands still, and ends', async () => {
    await work({})
    await worker.hold(broker, ['id-0', 'id-1', 'id-2'], 2)
    let turns = 0
    const turning = setInterval(() => turns++)

    const isGivenBack = worker.keeper.giveBack?.(10_000)

    clearInterval(turning)
    expect([isGivenBack, turns]).to.deep.equal([true, 0])
    expect((await broker.queues.counts(['celery']))[0]).to.include({ ready: 3, leased: 0, consumers: 0 })
    expect(await broker.workers()).to.deep.equal([])
    expect(worker.isLost).to.equal(false)
    expect(threads).to.have.length(1)
  })

  it('says so when nothing could be given back in time', async () => {
    await work({})
    await worker.hold(broker, ['id-0'], 1)

    expect(worker.keeper.giveBack?.(0)).to.equal(false)
  })

  it('tells when a camera comes', async () => {
    await work({ heartbeat: 0.1 })

    await broker.journal.register('camera', 60)
    await eventually(() => worker.readers.at(-1) === 1)
    await broker.journal.leave('camera')
    await eventually(() => worker.readers.at(-1) === 0)

    expect(worker.readers).to.deep.equal([0, 1, 0])
  })

  it('listens again by itself after the broker was away, and complains of the lease alone', async function () {
    this.timeout(60_000)
    await work({})
    const server: RedisServer = await startRedis(this, { durable: true })
    const away = await openBroker(server.url)
    const own = await Asker.open(away)
    const kept = await KeptWorker.open(away, undefined, { brokerUrl: server.url, leaseMs: 1_500, deadlineMs: 500 })
    try {
      await eventually(async () => {
        await own.send('ping')
        await new Promise((resolve) => setTimeout(resolve, 50))
        return own.heard.length > 0
      }, 20)

      await server.kill()
      await eventually(() => kept.lines.length > 0, 20)
      await server.restart()
      const before = own.heard.length
      await eventually(async () => {
        await own.send('ping').catch(() => {})
        await new Promise((resolve) => setTimeout(resolve, 100))
        return own.heard.length > before
      }, 30)

      expect(kept.lines[0]?.text).to.contain("keeper: can't renew the lease")
    } finally {
      await kept.close()
      await own.close()
      await away.close()
      await server.stop()
    }
  })
})

/** How many have come through over this connection, from now on. */
function renewalsOf(broker: Broker): () => number {
  let count = 0
  const renew = broker.renew.bind(broker)
  broker.renew = (...args) => renew(...args).finally(() => count++)
  return () => count
}
