import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { Settlement } from '../../src/broker/broker.js'
import { type Clock, systemClock } from '../../src/clock.js'
import { CelerityError } from '../../src/errors.js'
import { markRedelivered } from '../../src/protocol/message.js'
import { openResults } from '../../src/results/open.js'
import type { EncodedResult, ResultStore } from '../../src/results/store.js'
import { eventually } from '../eventually.js'
import { elsewhere, gate, Stage, unreachable } from './a-worker.js'

describe('settlements', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage({ workerConcurrency: 50 })
  })
  afterEach(() => stage.end())

  it('of tasks that end together go out in one step, result and ack alike', async () => {
    const all = gate()
    let running = 0
    const batches: number[] = []
    const wait = stage.app.task('kuma.wait', async () => {
      running++
      await all.passed
    })
    const sets: number[] = []
    const results = await stage.app.results()
    await stage.work({
      before: (step, args) => step === 'settle' && batches.push((args[0] as readonly Settlement[]).length),
      parts: { results: counted(results, (count) => sets.push(count)) },
    })
    await stage.app.sendMany(Array.from({ length: 50 }, () => wait.s()))
    await eventually(() => running === 50)

    all.open()
    await stage.settled()

    expect(batches).to.deep.equal([50])
    expect(sets).to.deep.equal([])
    expect(stage.said('succeeded')).to.have.length(50)
  })

  it('gather while a step is under way, and go out with the next one', async () => {
    const held = gate()
    const batches: number[] = []
    const quick = stage.app.task('kuma.quick', () => {})
    await stage.work({
      before: async (step, args) => {
        if (step !== 'settle') return
        batches.push((args[0] as readonly Settlement[]).length)
        if (batches.length === 1) await held.passed
      },
    })
    await quick.delay()
    await eventually(() => batches.length === 1)

    await stage.app.sendMany(Array.from({ length: 30 }, () => quick.s()))
    await eventually(() => stage.said('succeeded').length === 31)
    held.open()
    await stage.settled()

    expect(batches).to.deep.equal([1, 30])
  })

  it('that the server refuses do not take others with them: that message goes to the dead letters, the others are settled', async () => {
    const all = gate()
    let running = 0
    const wait = stage.app.task('kuma.wait', async (what: string) => {
      running++
      await all.passed
      return what
    })
    await stage.work({
      before: (step, args) => {
        const refused =
          step === 'settle' &&
          (args[0] as readonly Settlement[]).some(({ fate, delivery }) => fate.kind === 'ack' && bodyOf(delivery.raw).includes('"bad"'))
        if (refused) throw new CelerityError('E_BROKER_REFUSED', { message: 'refused: too large' })
      },
    })
    const results = await stage.app.sendMany([wait.s('a'), wait.s('bad'), wait.s('b')])
    await eventually(() => running === 3)

    all.open()
    await stage.settled()

    expect(await Promise.all(results.map((result) => result.state()))).to.deep.equal(['SUCCESS', 'PENDING', 'SUCCESS'])
    expect((await stage.dead()).map(({ reason, detail }) => [reason, detail])).to.deep.equal([
      ['refused-by-broker', 'the broker refused its outcome: refused: too large'],
    ])
  })
})

describe('settlements that the server refuses one and all, dead letters too', () => {
  it('wait until it takes them: nothing is condemned because the server has no room', async () => {
    const stage = new Stage({ workerConcurrency: 5 })
    let isFull = true
    let refusals = 0
    const add = stage.app.task('kuma.add', (x: number) => x + 1)
    await stage.work({
      before: (step) => {
        if (step !== 'settle' || !isFull) return
        refusals++
        throw new CelerityError('E_BROKER_REFUSED', { message: 'no space left' })
      },
    })
    const results = await stage.app.sendMany([add.s(1), add.s(2), add.s(3)])
    await eventually(() => refusals > 6)
    isFull = false

    expect(await Promise.all(results.map((result) => result.get({ timeout: 10 })))).to.deep.equal([2, 3, 4])
    expect(await stage.settled()).to.include({ dead: 0 })
    expect(stage.said('results wait: no space left')).to.have.length.within(1, 3)
    await stage.end()
  })
})

describe('an outcome that the server refuses for good, as a dead letter too,', () => {
  /** Waits pass twenty times as fast. */
  const hasty: Clock = { ...systemClock, sleep: (seconds, signal) => systemClock.sleep(seconds / 20, signal) }
  const refusals: readonly [what: string, error: unknown][] = [
    ['because of its keys', new CelerityError('E_BROKER_REFUSED', { message: 'WRONGTYPE' })],
    ['because of a right that is missing', new CelerityError('E_ACCESS_DENIED', { message: 'NOPERM' })],
    ['because of a fault of ours', new TypeError('x is not a function')],
  ]

  let stage: Stage
  let isRefused: boolean
  const ran: string[] = []
  beforeEach(() => {
    stage = new Stage({ workerConcurrency: 4 })
    isRefused = true
    ran.length = 0
  })
  afterEach(() => stage.end())

  const serve = (error: unknown) => {
    stage.app.task('kuma.echo', (what: string) => {
      ran.push(what)
      return what
    })
    return stage.work({
      parts: { clock: hasty },
      before: (step, args) => {
        if (step !== 'settle' || !isRefused) return
        if ((args[0] as readonly Settlement[]).some(({ delivery }) => bodyOf(delivery.raw).includes('"bad"'))) throw error
      },
    })
  }

  for (const [what, error] of refusals) {
    it(`holds up no other, and is stored without a second run when it is taken: ${what}`, async () => {
      await serve(error)
      const bad = await stage.app.send('kuma.echo', ['bad'])
      const good = await Promise.all(['a', 'b', 'c'].map((one) => stage.app.send('kuma.echo', [one])))

      expect(await Promise.all(good.map((one) => one.get({ timeout: 10 })))).to.deep.equal(['a', 'b', 'c'])
      await eventually(() => stage.said('an outcome is refused, and kept').length === 1)
      expect(await (await stage.app.send('kuma.echo', ['d'])).get({ timeout: 10 })).to.equal('d')
      expect(await stage.counts()).to.include({ leased: 1, dead: 0 })
      isRefused = false

      expect(await bad.get({ timeout: 10 })).to.equal('bad')
      expect(await stage.settled()).to.include({ dead: 0 })
      expect(ran.filter((one) => one === 'bad')).to.have.length(1)
    })
  }

  it('goes back with its worker', async () => {
    const { worker, ended } = await serve(refusals[0]![1])
    await stage.app.send('kuma.echo', ['bad'])
    await eventually(() => stage.said('an outcome is refused, and kept').length === 1)

    worker.stop()
    await ended

    expect(await stage.counts()).to.include({ ready: 1, leased: 0, dead: 0 })
  })
})

describe('an outcome that cannot be settled because of a fault of ours', () => {
  it('is a dead letter after some tries; others are settled meanwhile', async () => {
    const stage = new Stage({ workerConcurrency: 4 })
    stage.app.task('kuma.echo', (what: string) => what)
    await stage.work({
      parts: { clock: { ...systemClock, sleep: (seconds, signal) => systemClock.sleep(seconds / 20, signal) } },
      before: (step, args) => {
        if (step !== 'settle') return
        const isBad = ({ delivery, fate }: Settlement) => fate.kind === 'ack' && bodyOf(delivery.raw).includes('"bad"')
        if ((args[0] as readonly Settlement[]).some(isBad)) throw new TypeError('x is not a function')
      },
    })
    await stage.app.send('kuma.echo', ['bad'])
    const good = await stage.app.send('kuma.echo', ['good'])

    expect(await good.get({ timeout: 10 })).to.equal('good')
    await stage.settled()
    expect((await stage.dead()).map(({ detail }) => detail)).to.deep.equal(['the broker refused its outcome: x is not a function'])
    await stage.end()
  })
})

describe('a broker that is away for a while', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })
  afterEach(() => stage.end())

  it('is waited for: outcomes are stored when it is back, work goes on, and each trouble is said once (G8)', async () => {
    const done = gate()
    let away = false
    let refused = 0
    let runs = 0
    const slow = stage.app.task('kuma.slow', async () => {
      runs++
      await done.passed
      return 'kept'
    })
    const add = stage.app.task('kuma.add', (x: number) => x + 1)
    await stage.work({
      options: { leaseMs: 3000 },
      before: (step) => {
        if (!away || step === 'wait') return
        refused++
        throw unreachable()
      },
    })
    const held = await slow.delay()
    await eventually(() => runs === 1)

    away = true
    const waiting = await add.delay(1)
    done.open()
    await eventually(() => refused > 8)
    away = false

    expect(await held.get({ timeout: 10 })).to.equal('kept')
    expect(await waiting.get({ timeout: 10 })).to.equal(2)
    expect(runs).to.equal(1)
    expect(await stage.settled()).to.include({ dead: 0 })
    const warnings = stage.lines.filter(({ level }) => level === 'warning').map(({ text }) => text)
    expect(new Set(warnings).size, warnings.join('\n')).to.equal(warnings.length)
    expect(warnings.filter((text) => text.startsWith('nothing can be taken'))).to.have.length(1)
    expect(stage.said('the broker answers again')).to.have.length(1)
  })

  it('at the start is waited for; a take whose answer was lost loses nothing', async () => {
    let registrations = 0
    let lost = 0
    const add = stage.app.task('kuma.add', (x: number) => x + 1)
    const results = await stage.app.sendMany([add.s(1), add.s(2)])
    await stage.work({
      before: (step) => {
        if (step === 'register' && registrations++ < 2) throw unreachable()
      },
      after: (step, _, answer) => {
        const { deliveries } = (step === 'take' ? answer : { deliveries: [] }) as { deliveries: unknown[] }
        if (deliveries.length > 0 && lost++ < 2) throw unreachable()
      },
    })

    expect(await Promise.all(results.map((result) => result.get({ timeout: 5 })))).to.deep.equal([2, 3])
    expect(lost).to.be.at.least(3)
    expect(await stage.settled()).to.include({ dead: 0 })
  })

  it('but one that refuses a worker ends it', async () => {
    const worker = await stage.worker({
      before: (step) => {
        if (step === 'register') throw new CelerityError('E_BROKER_UNSAFE', { message: 'it may evict' })
      },
    })

    const error = await worker.run().then(
      () => null,
      (failure: unknown) => failure,
    )

    expect(error).to.include({ code: 'E_BROKER_UNSAFE' })
  })
})

describe('results on another server than the broker', () => {
  let stage: Stage
  beforeEach(() => {
    const url = `memory://${randomUUID()}`
    stage = new Stage({ resultBackend: url })
  })
  afterEach(() => stage.end())

  it('are stored before the ack', async () => {
    const steps: string[] = []
    const add = stage.app.task('kuma.add', (x: number) => x + 1)
    const results = await stage.app.results()
    await stage.work({
      before: (step) => step === 'settle' && steps.push('ack'),
      parts: { results: counted(results, () => steps.push('result')) },
    })

    expect(await (await add.delay(1)).get({ timeout: 5 })).to.equal(2)
    await stage.settled()
    expect(steps).to.deep.equal(['result', 'ack'])
  })

  it('that are there already are not made again: what comes back is acked, and what should have followed is sent once, under its id', async () => {
    const seen: unknown[] = []
    let runs = 0
    const add = stage.app.task('kuma.add', (x: number) => {
      runs++
      return x + 1
    })
    const note = stage.app.task('kuma.note', { bind: true }, (task, value: number) => {
      seen.push([task.id, value])
    })
    const cut = gate()
    const { ended, worker } = await stage.work({
      before: (step) => {
        if (step !== 'settle') return
        cut.open()
        throw unreachable()
      },
    })
    const result = await add.applyAsync([1], { link: note.s() })
    await cut.passed
    expect(await result.get({ timeout: 5 })).to.equal(2) // the result is there, the ack is not
    const [child] = await result.children()
    worker.stopNow()
    await ended

    const broker = await stage.app.broker()
    const [raw] = await broker.queues.peek('celery', 1)
    await broker.queues.purge('celery')
    await broker.publish([{ queue: 'celery', priority: 0, raw: markRedelivered(raw as Buffer) }])
    await stage.work()
    await eventually(() => seen.length > 0)
    await stage.settled()

    expect(runs).to.equal(1)
    expect(seen).to.deep.equal([[child?.id, 2]])
  })

  it('that are away hold the ack back until they are there, once in the log', async () => {
    let refusals = 3
    const add = stage.app.task('kuma.add', (x: number) => x + 1)
    const results = await stage.app.results()
    await stage.work({
      parts: {
        results: counted(results, () => {
          if (refusals-- > 0) throw new CelerityError('E_RESULTS_UNREACHABLE', { message: 'no store' })
        }),
      },
    })

    expect(await (await add.delay(1)).get({ timeout: 5 })).to.equal(2)
    expect(stage.said('results wait: no store')).to.have.length(1)
    await stage.settled()
  })

  it('that cannot be read send what came back to its queue, until they can', async () => {
    let refusals = 1
    const add = stage.app.task('kuma.add', (x: number) => x + 1)
    const { id } = await add.delay(1)
    const broker = await stage.app.broker()
    const [raw] = await broker.queues.peek('celery', 1)
    await broker.queues.purge('celery')
    await broker.publish([{ queue: 'celery', priority: 0, raw: markRedelivered(raw as Buffer) }])
    const store = elsewhere(await openResults(stage.url))
    const failing = new Proxy(store, {
      get: (_, key) => {
        const value: unknown = Reflect.get(store, key, store)
        if (key !== 'get') return value
        return (ids: readonly string[]) => (refusals-- > 0 ? Promise.reject(new Error('no store')) : store.get(ids))
      },
    })
    await stage.work({ parts: { results: failing } })

    await eventually(() => stage.said('succeeded').length === 1)
    await stage.settled()

    expect(stage.said('messages go back: no store')).to.have.length(1)
    expect(await store.get([id])).to.not.deep.equal([null])
    await store.close()
  })
})

/** The same store; each `set` is told first. */
function counted(store: ResultStore, told: (results: number) => void): ResultStore {
  return new Proxy(store, {
    get(_, key) {
      const value: unknown = Reflect.get(store, key, store)
      if (typeof value !== 'function') return value
      if (key !== 'set') return value.bind(store)
      return async (results: readonly EncodedResult[]) => {
        told(results.length)
        await store.set(results)
      }
    },
  })
}

function bodyOf(raw: Buffer): string {
  return Buffer.from((JSON.parse(raw.toString()) as { body: string }).body, 'base64').toString()
}
