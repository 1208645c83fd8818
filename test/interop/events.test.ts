import { randomUUID } from 'node:crypto'
import { loadavg } from 'node:os'
import { expect } from 'chai'
import type { Broker } from '../../src/broker/broker.js'
import { systemClock } from '../../src/clock.js'
import { emptyCluster, isAlive, reduce } from '../../src/events/cluster.js'
import { Dispatcher } from '../../src/events/dispatcher.js'
import { openReceiver } from '../../src/events/receiver.js'
import { silentLog } from '../../src/log.js'
import type { ClusterEvent } from '../../src/protocol/event.js'
import { workerEvent } from '../../src/protocol/event-encode.js'
import { Lamport } from '../../src/protocol/lamport.js'
import { createEncoder, decodeMessage } from '../../src/protocol/message.js'
import { eventually } from '../eventually.js'
import { Scene } from './scene.js'

/** What `python/events.py` says after an event. */
interface Known {
  readonly event: Readonly<Record<string, unknown>>
  readonly task: Readonly<Record<string, unknown>> | null
  readonly worker: Readonly<Record<string, unknown>> | null
}

describe('events', function () {
  this.timeout(60_000)
  let scene: Scene
  let broker: Broker

  before(async function () {
    scene = await Scene.open(this)
    broker = await scene.broker()
  })
  after(() => scene?.close())

  const source = { node: 'w1@node', pid: process.pid }
  const parts = () => ({ broker, ...source, lamport: new Lamport(), clock: systemClock, log: silentLog })

  describe('of a worker of ours', () => {
    let seen: Known[]

    before(async () => {
      seen = []
      const monitor = scene.python('events.py')
      monitor.onLine((line) => seen.push(JSON.parse(line)))
      const load = { active: 3, processed: 40, average: loadavg() }
      const beat = () => workerEvent(source, 'worker-heartbeat', { freq: 2, version: '0.1.0', load }, { clock: 1, now: Date.now() })
      // It says nothing when it begins to listen.
      await eventually(async () => {
        await broker.broadcast(beat())
        return ours().length > 0
      }, 20)
    })

    const ours = () => seen.filter(({ event }) => event['hostname'] === source.node)

    it("are read by Celery's receiver, and its state knows the worker", async () => {
      expect(ours()[0]?.event).to.include({ type: 'worker-heartbeat', hostname: 'w1@node', sw_ver: '0.1.0' })
      expect(ours()[0]?.worker).to.deep.equal({ alive: true, active: 3, processed: 40, software: 'celerity' })
    })

    it("are read by Celery's receiver, and its state knows each task", async () => {
      const dispatcher = new Dispatcher(parts(), { isEnabled: true })
      const [good, bad] = [aMessage(randomUUID(), ['ž\u{1f389}', 1.5]), aMessage(randomUUID(), [])]

      dispatcher.received(good, 'celery')
      dispatcher.started(good.id)
      dispatcher.received(bad, 'celery')
      dispatcher.succeeded(good.id, "'ž'", 0.000123)
      dispatcher.failed(bad.id, "ValueError('no')", 'Traceback …', 2)
      await dispatcher.flush()
      await eventually(() => seen.some(({ event }) => event['type'] === 'task-failed'), 20)

      const last = (id: string) => seen.filter(({ event }) => event['uuid'] === id).at(-1)?.task
      expect(last(good.id)).to.deep.equal({
        state: 'SUCCESS',
        name: 'kuma.add',
        args: "('ž\u{1f389}', 1.5)",
        result: "'ž'",
        runtime: 0.000123,
      })
      expect(last(bad.id)).to.include({ state: 'FAILURE', name: 'kuma.add' })
    })

    it('have the moment at which they happened', () => {
      for (const { event } of seen) expect(event['timestamp']).to.be.closeTo(Date.now() / 1000, 30)
    })
  })

  it('of a Python worker make the record of its tasks, and of itself', async () => {
    await scene.pythonWorker(['python'], { flags: ['-E'] })
    const cluster = emptyCluster()
    const hear = (events: readonly ClusterEvent[]) => {
      for (const event of events) reduce(cluster, event, Date.now() / 1000)
    }
    const receiver = await openReceiver(parts(), { hear })

    const { id } = await scene.app.send('py.add', [2, 3], { queue: 'python' })
    await eventually(() => cluster.tasks.get(id)?.state === 'SUCCESS' && cluster.workers.has('py@interop'), 20)
    await receiver.close()

    expect(cluster.tasks.get(id)).to.include({ name: 'py.add', state: 'SUCCESS', worker: 'py@interop', args: '(2, 3)', result: '5' })
    const worker = cluster.workers.get('py@interop')
    expect(worker).to.include({ software: 'py-celery 5.2.6', isOffline: false })
    expect(worker !== undefined && isAlive(worker, Date.now() / 1000)).to.equal(true)
    expect(receiver.counts.bad).to.equal(0)
  })

  function aMessage(id: string, args: readonly unknown[]) {
    const encoder = createEncoder({ origin: 'gen1@host', replyTo: 'r', markers: false })
    const decoded = decodeMessage(Buffer.from(encoder.encode({ id, task: 'kuma.add', args, queue: 'celery' })))
    if (!decoded.ok) throw new Error(decoded.bad.detail)
    return decoded.message
  }
})
