import { expect } from 'chai'
import type { Broker } from '../../../src/broker/broker.js'
import { openBroker } from '../../../src/broker/open.js'
import { encodeControl } from '../../../src/protocol/control.js'
import type { KeeperOptions } from '../../../src/worker/keeper/keeper.js'
import type { Panel } from '../../../src/worker/keeper/panel-port.js'
import { eventually } from '../../eventually.js'
import { KeptWorker, NODE } from './a-keeper.js'
import { Asker, carrying } from './an-asker.js'

describe('remote control of a worker', () => {
  let broker: Broker
  let worker: KeptWorker
  let asker: Asker

  beforeEach(async () => {
    broker = await openBroker('memory://')
    asker = await Asker.open(broker)
  })
  afterEach(async () => {
    await asker.close()
    await worker.close()
    await broker.close()
  })

  async function work(handle?: Panel['handle'], options?: Partial<KeeperOptions>): Promise<void> {
    worker = await KeptWorker.open(broker, handle, options)
    if (options?.remoteControl !== 'off') await asker.ask('ping')
  }

  it('is answered by the panel, under the name of the node, with a clock past that of the request', async () => {
    await work(async (method, args) => ({ kind: 'reply', value: { method, args, at: new Date(0) } }))

    const { values, clock } = await asker.hear('rate_limit', { task_name: 'kuma.add', rate_limit: '1/s' })

    const value = { method: 'rate_limit', args: { task_name: 'kuma.add', rate_limit: '1/s' }, at: new Date(0) }
    expect(values).to.deep.equal({ [NODE]: value })
    expect(clock).to.be.greaterThan(100)
    expect(worker.lamport.now()).to.be.at.least(clock)
  })

  it('reaches only those it is for', async () => {
    await work()
    const asked = () => worker.asked.filter((method) => method === 'active').length

    await asker.send('active', {}, { destination: ['w2@host1'] })
    await asker.send('active', {}, { pattern: 'w2*', matcher: 'glob' })
    await asker.send('active', {}, { pattern: 'host1', matcher: 'pcre' })
    await asker.ask('active', {}, { destination: ['w2@host1', NODE] })
    await asker.ask('active', {}, { pattern: 'w[12]@*', matcher: 'glob' })
    await asker.ask('active', {}, { pattern: 'w\\d+@', matcher: 'pcre' })

    expect(asked()).to.equal(3)
    expect(worker.board.ignored).to.equal(0)
  })

  it('is carried out without an answer when nobody waits for one, and when there is none', async () => {
    await work(async (method) => (method === 'shutdown' ? { kind: 'silent' } : { kind: 'reply', value: null }))

    await asker.raw(encodeControl({ method: 'enable_events', arguments: {} }, { clock: 1, expires: 0 }))
    await asker.send('shutdown')
    const last = await asker.ask('clock')

    expect(worker.asked).to.deep.equal(['ping', 'enable_events', 'shutdown', 'clock'])
    expect(last).to.equal(null)
    expect(asker.heard).to.have.length(2)
  })

  it('tells as Python does of a method that there is not', async () => {
    await work()

    expect(await asker.ask('no_such_command')).to.deep.equal({ error: "KeyError('no_such_command')" })
    expect(await asker.ask('__proto__')).to.deep.equal({ error: "KeyError('__proto__')" })
    expect(await asker.ask('constructor')).to.deep.equal({ error: "KeyError('constructor')" })
    expect(worker.asked).to.deep.equal(['ping'])
    expect(worker.board.ignored).to.equal(3)
  })

  it('counts what is hostile, ignores it, and serves on (M20)', async () => {
    await work()
    const to = { exchange: 'celery', routing_key: 'celery' }
    const hostile: (string | Uint8Array)[] = [
      'null',
      '[]',
      '5',
      '',
      Buffer.from([0xff, 0x00, 0x80]),
      '{"body": null}',
      carrying(null),
      carrying([]),
      carrying({ method: 7 }),
      carrying({ method: 'ping', arguments: [] }),
      carrying({ method: 'ping', destination: 5 }),
      carrying({ method: 'ping', pattern: '(a+)+$', matcher: 'eval' }),
      carrying({ method: 'ping', pattern: '(?=a)', matcher: 'pcre' }),
      carrying({ method: 'ping', pattern: '(a?){1000}'.repeat(20), matcher: 'pcre' }),
      carrying({ method: 'ping', ticket: 't', reply_to: to }),
      carrying({ method: 'ping', arguments: { text: 'x'.repeat(2 ** 20) } }),
      carrying({ method: 'no_such_command' }),
    ]

    for (const raw of hostile) await asker.raw(raw)
    await asker.raw(carrying({ method: 'ping', pattern: '(a+)+$', matcher: 'pcre' })) // for nobody, in linear time
    const answer = await asker.ask('ping')

    expect(answer).to.deep.equal({ ok: 'main ping' })
    await eventually(() => worker.board.ignored >= hostile.length) // they are read side by side, and a pattern loads its matcher first
    expect(worker.board.ignored).to.equal(hostile.length)
    expect(await broker.queues.peek('celery', 1)).to.deep.equal([])
    expect(worker.asked).to.deep.equal(['ping', 'ping'])
  })

  it('tells what the panel could not, and is not held up by what never answers', async () => {
    await work((method) => {
      if (method === 'pool_grow') return Promise.reject(new TypeError('broken'))
      if (method === 'conf') return Promise.resolve({ kind: 'reply', value: { bad: () => {} } })
      return method === 'report' ? new Promise(() => {}) : Promise.resolve({ kind: 'reply', value: 1 })
    })

    await asker.send('report')
    expect(await asker.ask('pool_grow', { n: 1 })).to.deep.equal({ error: "RuntimeError('broken')" })
    expect(await asker.ask('conf'))
      .to.have.property('error')
      .that.contains('a function cannot be sent')
    expect(await asker.ask('ping')).to.equal(1)
  })

  it('answers questions only where that is all that is allowed', async () => {
    await work(undefined, { remoteControl: 'inspect' })

    expect(await asker.ask('shutdown'))
      .to.have.property('error')
      .that.contains('workerEnableRemoteControl')
    expect(await asker.ask('stats')).to.deep.equal({ ok: 'main stats' })
    expect(worker.asked).to.deep.equal(['ping', 'stats'])
  })

  it('hears nothing where it is off', async () => {
    await work(undefined, { remoteControl: 'off' })

    await asker.send('ping')
    await eventually(async () => (await broker.workers())[0]?.state !== null)

    expect(worker.asked).to.deep.equal([])
    expect(asker.heard).to.deep.equal([])
  })

  it('bounds what waits: a flood is cut, counted, and the lease renewed all the while', async () => {
    await work(undefined, { leaseMs: 300 })
    const flood = carrying({ method: 'ping' })

    await Promise.all(Array.from({ length: 10_000 }, () => asker.raw(flood)))
    await eventually(() => worker.asked.length + worker.board.ignored === 10_001)

    expect(await asker.ask('ping')).to.deep.equal({ ok: 'main ping' })
    expect(worker.asked.length).to.be.at.least(1_000)
    expect(worker.isLost).to.equal(false)
  })
})
