import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Worker as Thread } from 'node:worker_threads'
import { expect } from 'chai'
import type { Broker } from '../../../src/broker/broker.js'
import { openBroker } from '../../../src/broker/open.js'
import { Announcements } from '../../../src/worker/keeper/announcements.js'
import { eventually } from '../../eventually.js'
import { redisUrl } from '../../setup/servers.js'
import { KeptWorker } from './a-keeper.js'

describe('announcements', () => {
  it('are made by the next renewal that begins, not by one under way, and again after one that failed', async () => {
    const announcements = new Announcements()
    const told: string[] = []
    const underWay = announcements.begin()
    void announcements.next().then(() => told.push('one'))
    expect(announcements.asked.aborted).to.equal(true)
    underWay(true)
    await Promise.resolve()
    expect(told).to.deep.equal([])

    announcements.begin()(false)
    expect(announcements.asked.aborted).to.equal(false) // not a busy loop: the next try comes in its time
    void announcements.next().then(() => told.push('two'))
    announcements.begin()(true)
    await eventually(() => told.length === 2)
    expect(told).to.deep.equal(['one', 'two'])
  })

  it('keep nobody waiting when there is no renewal any more', async () => {
    const announcements = new Announcements()
    const waiting = announcements.next()
    announcements.end()
    await waiting
    await announcements.next()
  })
})

describe("announcements of the keeper's thread", () => {
  let broker: Broker
  let worker: KeptWorker
  let threads: Thread[]
  const made = (message: unknown) => threads.push((message as { readonly worker: Thread }).worker)
  beforeEach(async function () {
    threads = []
    subscribe('worker_threads', made)
    const brokerUrl = await redisUrl(this)
    broker = await openBroker(brokerUrl)
    worker = await KeptWorker.open(broker, undefined, { brokerUrl })
  })
  afterEach(async () => {
    unsubscribe('worker_threads', made)
    await worker.close()
    await broker.close()
  })

  const running = async () =>
    (await broker.inFlight(worker.incarnation, 9)).filter(({ isStarted }) => isStarted).map(({ position }) => position)

  it('are made long before a renewal is due, and say all that runs', async () => {
    await worker.hold(broker, ['a', 'b', 'c'], 2)
    await worker.keeper.announce()

    expect(await running()).to.deep.equal([0, 1])
  })

  it('are made by the next thread when one dies', async () => {
    await worker.keeper.announce()
    await threads[0]?.terminate()
    await worker.hold(broker, ['a'], 1)
    await worker.keeper.announce()

    expect(threads).to.have.length(2)
    expect(await running()).to.deep.equal([0])
  })

  it('keep nobody waiting when the lease is lost, or the keeper closed', async () => {
    await worker.keeper.announce()
    await worker.consumer.resign() // as if it had been fenced
    await worker.keeper.announce()
    expect(worker.isLost).to.equal(true)
    await worker.keeper.close()
    await worker.keeper.announce()
  })
})
