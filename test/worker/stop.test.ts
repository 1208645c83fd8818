import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { gate, Stage, unreachable } from './a-worker.js'

describe('a worker that stops (G7)', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage({ workerConcurrency: 1 })
  })
  afterEach(() => stage.end())

  it('gives back at once what has not started, and takes nothing more, while what runs may finish', async () => {
    const done = gate()
    const slow = stage.app.task('kuma.slow', () => done.passed)
    const { worker, ended } = await stage.work({ options: { prefetchMultiplier: 4, grace: 60 } })
    const [running] = await stage.app.sendMany([slow.s(), slow.s(), slow.s()])
    await eventually(async () => (await stage.counts()).leased === 3)

    worker.stop()
    const back = await eventually(async () => {
      const counts = await stage.counts()
      return counts.leased === 1 && counts
    })
    await slow.delay()
    done.open()
    await ended

    expect(back).to.include({ ready: 2, leased: 1 })
    expect(await running.state()).to.equal('SUCCESS')
    expect(await stage.counts()).to.include({ ready: 3, leased: 0, consumers: 0 })
    expect(stage.said('Task kuma.slow')).to.have.length(2) // started, succeeded
  })

  it('starts nothing of a take that was under way when it was told to stop', async () => {
    const asked = gate()
    const answer = gate()
    let runs = 0
    const note = stage.app.task('kuma.note', () => ++runs)
    await note.delay()
    const { worker, ended } = await stage.work({
      after: async (step) => {
        if (step !== 'take') return
        asked.open()
        await answer.passed
      },
    })
    await asked.passed

    worker.stop()
    answer.open()
    await ended

    expect(runs).to.equal(0)
    expect(await stage.counts()).to.include({ ready: 1, leased: 0 })
  })

  it('is no longer registered when it has ended, also where it was told so while it registered', async () => {
    const asked = gate()
    const answer = gate()
    const { worker, ended } = await stage.work({
      after: async (step) => {
        if (step !== 'register') return
        asked.open()
        await answer.passed
      },
    })
    await asked.passed

    worker.stop()
    setImmediate(() => answer.open())
    await ended

    expect(await stage.counts()).to.include({ consumers: 0 })
  })

  it('gives back what still runs when the grace is over, fires its signal, and refuses its late result', async () => {
    const started = gate()
    const late = gate()
    let reason: unknown
    const slow = stage.app.task('kuma.slow', { bind: true }, async (task) => {
      task.signal.addEventListener('abort', () => {
        reason = task.signal.reason
      })
      started.open()
      await late.passed
      return 'late'
    })
    const { worker, ended } = await stage.work({ options: { grace: 0.05 } })
    const result = await slow.delay()
    await started.passed

    worker.stop()
    await ended
    late.open()
    await new Promise((resolve) => setImmediate(resolve))

    expect(String(reason)).to.contain('the worker stopped')
    expect(await stage.counts()).to.include({ ready: 1, leased: 0 })
    expect(await result.state()).to.equal('PENDING')
    expect(stage.said('it goes back')[0]).to.deep.include({ level: 'warning' })
  })

  it('fails as WorkerLost what was acked early and still runs when the grace is over', async () => {
    const started = gate()
    const early = stage.app.task('kuma.early', { acks: 'early' }, async () => {
      started.open()
      await new Promise(() => {})
    })
    const { worker, ended } = await stage.work({ options: { grace: 0.02 } })
    const result = await early.delay()
    await started.passed

    worker.stop()
    await ended

    expect((await stage.result(result.id))?.outcome).to.nested.include({ state: 'FAILURE', 'error.type': 'WorkerLostError' })
    expect(await stage.counts()).to.include({ ready: 0, leased: 0 })
  })

  it('counts what comes to its end in the moment after its signal has fired', async () => {
    const started = gate()
    const saves = stage.app.task('kuma.saves', { bind: true }, async (task) => {
      started.open()
      await new Promise((resolve) => task.signal.addEventListener('abort', resolve))
      return 'saved'
    })
    const { worker, ended } = await stage.work({ options: { grace: 3600 } })
    const result = await saves.delay()
    await started.passed

    worker.stopNow()
    await ended

    expect(await result.get()).to.equal('saved')
    expect(await stage.counts()).to.include({ ready: 0, leased: 0 })
    expect(stage.said('it goes back')).to.deep.equal([])
  })

  for (const [how, fails] of [
    ['with its reason', (signal: AbortSignal) => Promise.reject(signal.reason)],
    ['as an API does that was given it', (signal: AbortSignal) => setTimeout(3_600_000, undefined, { signal })],
    ['in its own words', () => Promise.reject(new RangeError('half done'))],
  ] as const) {
    it(`gives back what fails because its signal has fired, ${how}: no failure, no retry`, async () => {
      const started = gate()
      const heeds = stage.app.task('kuma.heeds', { bind: true, retry: { max: 3, on: [Error] } }, async (task) => {
        started.open()
        await new Promise((resolve) => task.signal.addEventListener('abort', resolve))
        await fails(task.signal)
      })
      const { worker, ended } = await stage.work({ options: { grace: 3600 } })
      const result = await heeds.delay()
      await started.passed

      worker.stopNow()
      await ended

      expect(await stage.counts()).to.include({ ready: 1, leased: 0, delayed: 0 })
      expect(await result.state()).to.equal('PENDING')
      expect(stage.said('it goes back')).to.have.length(1)
    })
  }

  it('counts a failure in that moment of what never looked at its signal, and of what was acked early', async () => {
    const started = [gate(), gate()]
    const deaf = stage.app.task('kuma.deaf', async () => {
      started[0]?.open()
      await setTimeout(60)
      throw new RangeError('by itself')
    })
    const early = stage.app.task('kuma.early', { bind: true, acks: 'early' }, async (task) => {
      started[1]?.open()
      await new Promise((_, reject) => task.signal.addEventListener('abort', () => reject(task.signal.reason)))
    })
    const { worker, ended } = await stage.work({ options: { grace: 3600, concurrency: 2 } })
    const results = await stage.app.sendMany([deaf.s(), early.s()])
    await Promise.all(started.map(({ passed }) => passed))

    worker.stopNow()
    await ended

    expect(await Promise.all(results.map((result) => result.state()))).to.deep.equal(['FAILURE', 'FAILURE'])
    expect(await stage.counts()).to.include({ ready: 0, leased: 0 })
  })

  it('leaves running what outlasts that moment until its last step, and stores what ends by then', async () => {
    const started = gate()
    const go = gate()
    const slow = stage.app.task('kuma.slow', async () => {
      started.open()
      await go.passed
      return 'after all'
    })
    const worker = await stage.worker()
    const worked = worker.work()
    const result = await slow.delay()
    await started.passed

    worker.stopNow()
    await worked
    expect(await stage.counts()).to.include({ leased: 1, consumers: 1 })
    go.open()
    await worker.leave()

    expect(await result.get()).to.equal('after all')
    expect(await stage.counts()).to.include({ ready: 0, leased: 0, consumers: 0 })
  })

  it('stops now when told twice, whatever runs', async () => {
    const started = gate()
    const slow = stage.app.task('kuma.slow', () => {
      started.open()
      return new Promise<void>(() => {})
    })
    const { worker, ended } = await stage.work({ options: { grace: 3600 } })
    await slow.delay()
    await started.passed

    worker.stop()
    worker.stopNow()
    await ended

    expect(await stage.counts()).to.include({ ready: 1, leased: 0 })
  })

  it('is idle and stops at once', async () => {
    const { worker, ended } = await stage.work()
    await eventually(() => worker.ready)
    const began = performance.now()

    worker.stop()
    await ended

    expect(performance.now() - began).to.be.below(500)
    expect(worker.ready).to.equal(false)
    expect(stage.lines.filter(({ level }) => level === 'warning' || level === 'error')).to.deep.equal([])
  })

  it('stops within two seconds of its grace when the broker does not answer any more', async () => {
    let away = false
    const never = new Promise(() => {})
    const started = gate()
    const slow = stage.app.task('kuma.slow', async () => {
      started.open()
      await never
    })
    const { worker, ended } = await stage.work({
      options: { grace: 0.1, leaseMs: 300 },
      before: (step) => away && step !== 'wait' && never,
    })
    await slow.delay()
    await started.passed

    away = true
    const began = performance.now()
    worker.stop()
    await ended

    expect(performance.now() - began).to.be.below(2_200)
  })

  it('tells the broker whether it comes back: when it only starts anew, what is kept for later stays', async () => {
    const resigned: unknown[] = []
    const before = (step: string, [returns]: readonly unknown[]) => step === 'resign' && resigned.push(returns)
    const { worker, ended } = await stage.work({ before })
    await eventually(() => worker.ready)

    worker.startAnew()
    await eventually(() => resigned.length === 1 && worker.ready)
    worker.stop()
    await ended

    expect(resigned).to.deep.equal([true, false])
  })

  it('stops while it waits for a broker that is away', async () => {
    const asked = gate()
    const worker = await stage.worker({
      before: (step) => {
        if (step !== 'register') return
        asked.open()
        throw unreachable()
      },
    })
    const ended = worker.run()
    await asked.passed
    await eventually(() => stage.said('waiting for the broker').length === 1)

    worker.stop()
    await ended
  })

  it('never runs at all when it is stopped before', async () => {
    const worker = await stage.worker()

    worker.stop()
    await worker.run()

    expect(await stage.counts()).to.include({ consumers: 0 })
  })
})

describe('a worker that runs once', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })
  afterEach(() => stage.end())

  it('works off what waits, and what that sends, and ends', async () => {
    const seen: number[] = []
    const count = stage.app.task('kuma.count', async (left: number) => {
      seen.push(left)
      if (left > 0) await count.delay(left - 1)
    })
    await stage.app.sendMany([count.s(3), count.s(0)])

    const { worker, ended } = await stage.work({ choice: { once: true } })
    await ended

    expect(seen.sort()).to.deep.equal([0, 0, 1, 2, 3])
    expect(worker.processed).to.equal(5)
    expect(await stage.counts()).to.include({ ready: 0, leased: 0 })
  })

  it('works off links and retries that are due, and leaves what is due later', async () => {
    const seen: string[] = []
    const note = stage.app.task('kuma.note', { bind: true }, (task, what: string) => {
      seen.push(`${what} ${task.retries}`)
      if (what === 'again' && task.retries === 0) task.retry({ countdown: 0 })
      if (what === 'later') task.retry({ countdown: 3600 })
      return 'linked'
    })
    await note.applyAsync(['first'], { link: note.s() as never })
    await stage.app.sendMany([note.s('again'), note.s('later')])
    await note.applyAsync(['far'], { countdown: 3600 })

    const { ended } = await stage.work({ choice: { once: true } })
    await ended

    expect(seen.sort()).to.deep.equal(['again 0', 'again 1', 'first 0', 'later 0', 'linked 0'])
    expect(await stage.counts()).to.include({ ready: 0, leased: 0, delayed: 2 })
  })

  it('ends at once when there is nothing', async () => {
    const began = performance.now()
    const { ended } = await stage.work({ choice: { once: true } })
    await ended

    expect(performance.now() - began).to.be.below(500)
  })

  it('does not end while its last outcome is still to be stored', async () => {
    let refusals = 2
    const note = stage.app.task('kuma.note', () => 'done')
    const result = await note.delay()
    const { ended } = await stage.work({
      choice: { once: true },
      before: (step) => {
        if (step === 'settle' && refusals-- > 0) throw unreachable()
      },
    })
    await ended

    expect(await result.state()).to.equal('SUCCESS')
  })
})
