import { expect } from 'chai'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { openTopFeed } from '../../src/cli/top-feed.js'
import { systemClock } from '../../src/clock.js'
import type { WorkerState } from '../../src/control/worker-state.js'
import { silentLog } from '../../src/log.js'
import { Lamport } from '../../src/protocol/lamport.js'
import { SomeEvents } from '../commands/some-events.js'
import { eventually } from '../eventually.js'

describe('what tasks top is fed with', function () {
  this.timeout(20_000)

  let broker: Broker
  let events: SomeEvents
  let close: (() => Promise<void>)[] = []
  beforeEach(async () => {
    broker = await openBroker('memory://', { deadlineMs: 5000, log: silentLog, clock: systemClock })
    events = new SomeEvents(broker, 'w@h')
    close = [() => broker.close()]
  })
  afterEach(async () => {
    for (const one of close.reverse()) await one()
  })

  const feedOf = async (source: Broker = broker) => {
    const feed = await openTopFeed({
      broker: source,
      lamport: new Lamport(),
      clock: systemClock,
      log: silentLog,
      queues: () => source.queues.names(),
    })
    close.push(() => feed.close())
    return feed
  }

  it('is what events tell, as soon as they come', async () => {
    const feed = await feedOf()
    const before = feed.version
    await events.heartbeat(1, 5)
    const id = await events.start('t.add')

    await eventually(() => feed.data().tasks.length === 1)
    expect(feed.version).greaterThan(before)
    expect(feed.data().tasks[0]).include({ id, name: 't.add', state: 'STARTED', worker: 'w@h' })
    expect(feed.data().workers[0]).include({ node: 'w@h', isAlive: true, active: 1, processed: 5 })
    await events.send({ type: 'worker-offline', freq: 60 })
    await eventually(() => feed.data().workers[0]?.isAlive === false)
  })

  it('has the tasks that workers of ours said they run, before anybody listened, until events know better', async () => {
    const state: WorkerState = {
      node: 'w@h',
      pid: 9,
      version: '1',
      started: 0,
      concurrency: 1,
      queues: ['mail'],
      active: [{ id: 'early', name: 't.early', since: 1000 }],
      processed: 3,
      blockedMs: 0,
      answers: {},
    }
    await broker.register({ incarnation: 'i', node: 'w@h', leaseMs: 60_000, queues: ['mail'] })
    await broker.note('i', JSON.stringify(state))

    const feed = await feedOf()

    expect(feed.data().tasks).length(1)
    expect(feed.data().tasks[0]).include({ id: 'early', name: 't.early', state: 'STARTED', startedAt: 1000, worker: 'w@h' })
    expect(feed.data().workers[0]).deep.include({ node: 'w@h', isAlive: true, active: 1, queues: ['mail'], software: 'celerity 1', pid: 9 })
    await events.send({ type: 'task-succeeded', uuid: 'early', result: '1' })
    await eventually(() => feed.data().tasks[0]?.state === 'SUCCESS')
    expect(feed.data().tasks).length(1)
  })

  it('says when the broker does not answer, keeps what it had, and goes on when it does', async () => {
    let isAway = false
    const counts: Broker['queues']['counts'] = (names) => (isAway ? Promise.reject(new Error('it is away')) : broker.queues.counts(names))
    const source = replaced(broker, { queues: replaced(broker.queues, { counts }) })
    await broker.publish([{ queue: 'mail', priority: 0, raw: '{}' }])
    const feed = await feedOf(source)

    isAway = true
    await eventually(() => feed.data().trouble === 'No news from the broker: it is away')
    expect(feed.data().queues.map(({ queue }) => queue)).include('mail')
    isAway = false
    await eventually(() => feed.data().trouble === null)
  })

  it('says when a worker runs tasks and sends no events of them, and not when it does', async () => {
    const feed = await feedOf()
    const other = new SomeEvents(broker, 'loud@h')
    let processed = 1
    const trouble = async () => {
      await events.heartbeat(1, ++processed)
      await other.heartbeat(1, processed)
      await other.start('t.add')
      return feed.data().trouble
    }

    expect(await trouble()).equal(null)
    await eventually(async () => (await trouble()) === 'A worker sends no task events: e makes them', 15)
    await events.start('t.add')
    await eventually(async () => (await trouble()) === null)
  })
})

/** The same, with a few of its methods replaced. */
function replaced<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(own, name) ?? Reflect.get(target, name)
      return typeof value === 'function' && !(name in own) ? value.bind(target) : value
    },
  })
}
