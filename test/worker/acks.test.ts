import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { gate, Stage } from './a-worker.js'

describe('a task in a worker', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })
  afterEach(() => stage.end())

  it('runs, and gives its result to who waits for it', async () => {
    const add = stage.app.task('kuma.add', async (x: number, y: number) => x + y)
    await stage.work()

    const result = await add.delay(2, 3)

    expect(await result.get({ timeout: 5 })).to.equal(5)
    expect(await stage.settled()).to.include({ dead: 0 })
    expect(stage.said('succeeded')[0]?.text).to.match(/^Task kuma\.add\[[\w-]{36}\] succeeded in \d\.\d{3}s: 5$/)
  })

  it('stays at the broker until it is done: acked late', async () => {
    const done = gate()
    const started = gate()
    const slow = stage.app.task('kuma.slow', () => {
      started.open()
      return done.passed
    })
    await stage.work()
    await slow.delay()

    await started.passed
    const meanwhile = await stage.counts()
    done.open()

    expect(meanwhile).to.include({ ready: 0, leased: 1 })
    expect(await stage.settled()).to.include({ leased: 0, ready: 0 })
  })

  it('is on record as started before an early acked handler is called, and is settled once', async () => {
    const steps: string[] = []
    const early = stage.app.task('kuma.early', { acks: 'early' }, () => {
      steps.push('handler')
    })
    await stage.work({ after: (step) => ['start', 'settle'].includes(step) && steps.push(step) })

    const result = await early.delay()

    expect(await result.wait({ timeout: 5 })).to.equal('SUCCESS')
    await stage.settled()
    expect(steps).to.deep.equal(['start', 'handler', 'settle'])
  })

  it('asks again for a start record whose answer was lost, and runs the task once', async () => {
    let runs = 0
    let lost = 0
    const early = stage.app.task('kuma.early', { acks: 'early' }, () => ++runs)
    await stage.work({
      after: (step) => {
        if (step === 'start' && lost++ < 2) throw new Error('the connection was reset')
      },
    })

    const result = await early.delay()

    expect(await result.get({ timeout: 5 })).to.equal(1)
    expect(lost).to.equal(3)
    expect(stage.said("start can't be recorded")).to.have.length(1)
  })

  it('gives a task back that was to be recorded as started when the worker stops before that is known', async () => {
    const asked = gate()
    let runs = 0
    const early = stage.app.task('kuma.early', { acks: 'early' }, () => ++runs)
    const { worker, ended } = await stage.work({
      before: (step) => {
        if (step !== 'start') return
        asked.open()
        throw new Error('away')
      },
    })
    await early.delay()
    await asked.passed

    worker.stopNow()
    await ended

    expect(runs).to.equal(0)
    expect(await stage.counts()).to.include({ ready: 1, leased: 0 })
  })

  it('fails as WorkerLost when the worker that ran it is gone, if it was acked early, and is not run again', async () => {
    let runs = 0
    const started = gate()
    const early = stage.app.task('kuma.early', { acks: 'early' }, async () => {
      runs++
      started.open()
      await new Promise(() => {}) // as good as gone: the fence below is what its death would bring
    })
    await stage.work({ options: { leaseMs: 60, grace: 0 }, before: (step) => step === 'renew' && Promise.reject(new Error('cut off')) })
    const result = await early.delay()
    await started.passed
    await stage.work({ parts: { broker: await stage.connect() }, options: { leaseMs: 60 } })

    expect(await result.get({ timeout: 5, propagate: false })).to.include({
      pythonType: 'WorkerLostError',
      pythonModule: 'billiard.exceptions',
    })
    expect(runs).to.equal(1)
    expect(await stage.settled()).to.include({ dead: 0 })
  })

  it('tells that it has started when it is to track that', async () => {
    const done = gate()
    const started = gate()
    const tracked = stage.app.task('kuma.tracked', { trackStarted: true }, async () => {
      started.open()
      await done.passed
    })
    await stage.work()
    const result = await tracked.delay()
    await started.passed

    const { outcome } = (await stage.result(result.id)) ?? {}
    done.open()

    expect(outcome).to.deep.include({ kind: 'meta', state: 'STARTED' })
    expect(outcome).to.have.nested.property('meta.pid', process.pid)
    expect(await result.wait({ timeout: 5 })).to.equal('SUCCESS')
  })

  it('runs in as many slots as there are, and no more', async () => {
    const done = gate()
    let running = 0
    let most = 0
    const slow = stage.app.task('kuma.slow', async () => {
      most = Math.max(most, ++running)
      await done.passed
      running--
    })
    await stage.work()
    await stage.app.sendMany(Array.from({ length: 7 }, () => slow.s()))
    await eventually(() => running === 2)

    done.open()
    await stage.settled()

    expect(most).to.equal(2)
  })

  it('lets what is taken ahead go back when it waits behind slow ones for more than a second', async () => {
    const done = gate()
    const quick = stage.app.task('kuma.quick', () => {})
    const slow = stage.app.task('kuma.slow', () => done.passed)
    await stage.work()
    await stage.app.sendMany(Array.from({ length: 40 }, () => quick.s()))
    await stage.settled() // now it takes ahead

    await stage.app.sendMany(Array.from({ length: 12 }, () => slow.s()))
    await eventually(async () => (await stage.counts()).leased > 2)
    const back = await eventually(async () => {
      const counts = await stage.counts()
      return counts.leased === 2 && counts
    })
    done.open()

    expect(back).to.include({ ready: 10, leased: 2 })
    await stage.settled()
    expect(stage.said('succeeded')).to.have.length(52)
  })
})
