import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Context } from 'mocha'
import type { Celerity } from '../../../src/app/celerity.js'
import type { Broker, Consumer, Delivery } from '../../../src/broker/broker.js'
import type { SettingsInput } from '../../../src/config/schema.js'
import { silentLog } from '../../../src/log.js'
import { Lamport } from '../../../src/protocol/lamport.js'
import { decodeResult, encodeResult, type TaskResult } from '../../../src/protocol/result.js'
import { tryOf } from '../../../src/protocol/try.js'
import type { OnBoard } from '../../../src/worker/keeper/board.js'
import { handOver } from '../../../src/worker/keeper/handed-over.js'
import { LastAct } from '../../../src/worker/keeper/last-act.js'
import { anApp, waiting } from '../../app/an-app.js'
import { redisUrl } from '../../setup/servers.js'

const STACK = '    at resize (/app/image.js:4:9)\n    at run (/app/tasks.js:1:1)'

/** A worker that is nothing but what it holds, and what settles in its place. */
class Scene {
  readonly node = 'w1@host1'
  readonly leaseMs = 60_000
  readonly incarnation = randomUUID()
  broker!: Broker
  consumer!: Consumer
  act!: LastAct
  held: readonly Delivery[] = []

  constructor(readonly app: Celerity) {}

  static async open(url: string, settings: SettingsInput = {}, define: (app: Celerity) => void = () => {}): Promise<Scene> {
    const scene = new Scene(anApp({ brokerUrl: url, resultBackend: url, ...settings }))
    define(scene.app)
    scene.broker = await scene.app.broker()
    const { incarnation, node, leaseMs } = scene
    scene.consumer = await scene.broker.register({ incarnation, node, leaseMs, queues: ['celery'] })
    const runtime = await scene.app.runtime()
    // As it gets there: from one thread to another.
    const handedOver = structuredClone(handOver(runtime.settings, scene.app.registry))
    const parts = { broker: scene.broker, lamport: new Lamport(), log: silentLog }
    scene.act = new LastAct(parts, { incarnation, node, leaseMs, deadlineMs: 5_000, queues: ['celery'], handedOver })
    return scene
  }

  async take(): Promise<readonly Delivery[]> {
    const taken = await this.consumer.take(1, ['celery'], 10)
    if (taken === 'lost') throw new Error('lost')
    this.held = taken.deliveries
    return this.held
  }

  settle(position = 0, limit = 2, stack = STACK): Promise<'settled' | 'lost'> {
    const { lane } = this.held[position] as Delivery
    const task: OnBoard = { lane: lane.name, position, size: lane.size, id: 'any', name: 'any', since: 0, limitMs: null, overdueMs: 0 }
    return this.act.settle(task, limit, stack)
  }

  async result(id: string): Promise<TaskResult | null> {
    const [json = null] = await (await this.app.results()).get([id])
    const decoded = json === null ? null : decodeResult(json)
    return decoded?.ok === true ? decoded.result : null
  }

  async counts() {
    const [counts] = await this.broker.queues.counts(['celery'])
    return { ready: counts?.ready, leased: counts?.leased }
  }
}

describe('what settles in the place of a worker that is blocked', function () {
  this.timeout(20_000)

  let folder: string
  let scene: Scene
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'celerity-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))
  afterEach(() => scene.app.close())

  const urls: Readonly<Record<string, (context: Context) => Promise<string> | string>> = {
    Redis: redisUrl,
    SQLite: () => `sqlite:${join(folder, `${randomUUID()}.db`)}`,
  }
  for (const [name, urlOf] of Object.entries(urls)) {
    describe(name, () => {
      it('stores TimeLimitExceeded with the stack of what blocks, acks, and sends errbacks where they belong', async function () {
        scene = await Scene.open(await urlOf(this), { taskRoutes: { 'kuma.alarm': 'alarms' } }, (app) => {
          app.task('kuma.mourn', { queue: 'mourning' }, () => {})
        })
        const { app } = scene
        const linkError = [app.signature('kuma.alarm', [1]), app.signature('kuma.mourn', []), app.signature('kuma.sigh', [])]
        const blocked = await app.send('kuma.block', [1], { linkError })
        await app.send('kuma.nap')
        await scene.take()

        expect(await scene.settle()).to.equal('settled')

        const result = await scene.result(blocked.id)
        expect(result?.outcome).to.deep.equal({
          kind: 'error',
          state: 'FAILURE',
          error: {
            type: 'TimeLimitExceeded',
            module: 'billiard.exceptions',
            message: [2],
            traceback: `TimeLimitExceeded: the time limit of 2 s was exceeded\n${STACK}`,
          },
        })
        expect(await scene.counts()).to.deep.equal({ ready: 1, leased: 1 })
        const [sigh] = await waiting(app)
        const [[alarm], [mourn]] = [await waiting(app, 'alarms'), await waiting(app, 'mourning')]
        expect([sigh?.task, sigh?.args, alarm?.task, alarm?.args, mourn?.task, mourn?.parentId]).to.deep.equal([
          'kuma.sigh',
          [blocked.id],
          'kuma.alarm',
          [blocked.id, 1],
          'kuma.mourn',
          blocked.id,
        ])
      })

      it('changes nothing when the worker has settled before', async function () {
        scene = await Scene.open(await urlOf(this))
        const { id } = await scene.app.send('kuma.block', [], { linkError: [scene.app.signature('kuma.alarm', [])] })
        const [delivery] = await scene.take()
        const store = await scene.app.results()
        const json = '{"status": "SUCCESS", "result": 1, "traceback": null, "children": [], "task_id": "x"}'
        const write = store.prepare({ id, state: 'SUCCESS', json, ttl: 60 })
        await scene.consumer.settle([{ delivery: delivery as Delivery, fate: { kind: 'ack' }, writes: [write] }])

        expect(await scene.settle()).to.equal('settled')

        expect((await scene.result(id))?.outcome).to.include({ kind: 'success', value: 1 })
        expect(await scene.counts()).to.deep.equal({ ready: 0, leased: 0 })
      })

      it('is what counts when it was first: what the worker settles then is passed over, and lost once it has resigned', async function () {
        scene = await Scene.open(await urlOf(this))
        const { id } = await scene.app.send('kuma.block')
        await scene.app.send('kuma.nap')
        const [blocked, nap] = (await scene.take()) as [Delivery, Delivery]
        const store = await scene.app.results()
        const json = '{"status": "SUCCESS", "result": 1, "traceback": null, "children": [], "task_id": "x"}'
        const writes = [store.prepare({ id, state: 'SUCCESS', json, ttl: 60 })]
        const publish = [{ queue: 'celery', priority: 0, raw: 'a callback' }]
        const late = (delivery: Delivery) => scene.consumer.settle([{ delivery, fate: { kind: 'ack' }, writes, publish }])

        await scene.settle()
        expect(await late(blocked)).to.equal('ok')
        await scene.act.resign()
        expect(await late(nap)).to.equal('lost')

        expect((await scene.result(id))?.outcome).to.include({ state: 'FAILURE' })
        const [waits, ...others] = await waiting(scene.app)
        expect([waits?.task, waits?.redelivered, others]).to.deep.equal(['kuma.nap', false, []])
        expect(await scene.broker.workers()).to.deep.equal([])
      })

      it('stores nothing for a task whose result nobody wants, and acks one that was acked early', async function () {
        scene = await Scene.open(await urlOf(this), {}, (app) => app.task('kuma.block', { ignoreResult: true }, () => {}))
        const { id } = await scene.app.send('kuma.block')
        await scene.consumer.start(await scene.take())

        await scene.settle()
        await scene.act.resign()

        expect(await scene.result(id)).to.equal(null)
        expect(await scene.counts()).to.deep.equal({ ready: 0, leased: 0 })
        expect(await scene.broker.workers()).to.deep.equal([])
      })

      it('settles nothing any more when the lease is lost', async function () {
        scene = await Scene.open(await urlOf(this))
        const { id } = await scene.app.send('kuma.block')
        await scene.take()
        const inFlight = await scene.broker.inFlight(scene.incarnation, 10)
        const broker = new Proxy(scene.broker, {
          get: (target, key) => {
            if (key === 'inFlight') return () => Promise.resolve(inFlight) // read before it was fenced
            const value: unknown = Reflect.get(target, key, target)
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
        const runtime = await scene.app.runtime()
        const { incarnation, node, leaseMs } = scene
        const handedOver = handOver(runtime.settings, scene.app.registry)
        const options = { incarnation, node, leaseMs, deadlineMs: 5_000, queues: ['celery'], handedOver }
        scene.act = new LastAct({ broker, lamport: new Lamport(), log: silentLog }, options)
        await scene.consumer.resign()

        expect(await scene.settle()).to.equal('lost')

        expect(await scene.result(id)).to.equal(null)
        expect(await scene.counts()).to.deep.equal({ ready: 1, leased: 0 })
      })
    })
  }

  it('stores the result first and acks then, where the results are elsewhere', async function () {
    const store = `sqlite:${join(folder, 'elsewhere.db')}`
    scene = await Scene.open(await redisUrl(this), { resultBackend: store })
    const { id } = await scene.app.send('kuma.block')
    await scene.take()

    expect(await scene.settle()).to.equal('settled')

    expect((await scene.result(id))?.outcome).to.include({ state: 'FAILURE' })
    expect(await scene.counts()).to.deep.equal({ ready: 0, leased: 0 })
  })

  it('leaves what the worker itself stored first, where the results are elsewhere, and sends what follows from that', async function () {
    const store = `sqlite:${join(folder, `${randomUUID()}.db`)}`
    scene = await Scene.open(await redisUrl(this), { resultBackend: store })
    const { app } = scene
    const { id } = await app.send('kuma.block', [], { link: app.signature('kuma.note'), linkError: app.signature('kuma.alarm') })
    const [delivery] = await scene.take()
    const of = tryOf((delivery as Delivery).raw, { headers: {}, retries: 0 })
    const json = encodeResult({ id, outcome: { kind: 'success', value: 7 }, dateDone: 0, markers: true, try: of })
    await (await app.results()).set([{ id, state: 'SUCCESS', json, ttl: 60 }])

    expect(await scene.settle()).to.equal('settled')

    expect((await scene.result(id))?.outcome).to.deep.equal({ kind: 'success', value: 7 })
    expect((await waiting(app)).map(({ task, args }) => [task, args])).to.deep.equal([['kuma.note', [7]]])
  })

  it('needs no result store', async function () {
    scene = await Scene.open(await redisUrl(this), { resultBackend: null })
    await scene.app.send('kuma.block')
    await scene.take()

    expect(await scene.settle()).to.equal('settled')

    expect(await scene.counts()).to.deep.equal({ ready: 0, leased: 0 })
  })
})
