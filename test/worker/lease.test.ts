import { expect } from 'chai'
import { openBroker } from '../../src/broker/open.js'
import { eventually } from '../eventually.js'
import { redisUrl } from '../setup/servers.js'
import { gate, Stage } from './a-worker.js'

describe('a worker whose lease was lost (G3)', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage({ workerConcurrency: 1 })
  })
  afterEach(() => stage.end())

  /** Fences whoever did not renew: what any other worker does. */
  async function reap(): Promise<number> {
    const other = await openBroker(stage.url, { deadlineMs: 1000, keyPrefix: '' })
    try {
      return await eventually(async () => {
        const { reaped } = await other.tend(({ raw }) => ({ fate: { kind: 'requeue', to: 'back', raw } }))
        return reaped.length > 0 && reaped.reduce((sum, { messages }) => sum + messages, 0)
      })
    } finally {
      await other.close()
    }
  }

  it('writes nothing of what it ran then, fires the signals, and goes on as a new one', async () => {
    const first = gate()
    const signals: unknown[] = []
    let runs = 0
    const slow = stage.app.task('kuma.slow', { bind: true }, async (task) => {
      const run = ++runs
      if (run > 1) return `run ${run}`
      await new Promise<void>((resolve) => task.signal.addEventListener('abort', () => resolve()))
      signals.push(String(task.signal.reason))
      await task.progress({ too: 'late' })
      await first.passed
      return 'run 1'
    })
    const incarnations: unknown[] = []
    let cut = true
    const before = (step: string, [one]: readonly unknown[]) => {
      if (step === 'register') incarnations.push((one as { incarnation: string }).incarnation)
      if (step === 'renew' && cut) throw new Error('cut off')
      if (step === 'tend') throw new Error('not by us')
    }
    await stage.work({ options: { leaseMs: 60 }, before })
    const result = await slow.delay()
    await eventually(() => runs === 1)

    expect(await reap()).to.equal(1)
    cut = false
    const value = await result.get({ timeout: 5 })
    first.open()
    await stage.settled()

    expect(value).to.equal('run 2')
    expect(signals).to.deep.equal(['Error: the lease was lost'])
    expect(incarnations).to.have.length(2)
    expect((await stage.result(result.id))?.outcome).to.deep.equal({ kind: 'success', value: 'run 2' })
    expect(stage.said('lease lost')[0]).to.deep.include({ level: 'error', fields: { running: 1, ids: [result.id] } })
    expect(stage.said("can't renew the lease")).to.have.length(1)
  })

  it('refuses even an outcome that was on its way when it was lost', async () => {
    const held = gate()
    const settling = gate()
    let runs = 0
    let settles = 0
    const note = stage.app.task('kuma.note', () => `run ${++runs}`)
    const before = async (step: string) => {
      if (step === 'renew' && settles < 2) throw new Error('cut off')
      if (step === 'tend') throw new Error('not by us')
      if (step === 'settle' && settles++ === 0) {
        settling.open()
        await held.passed
      }
    }
    await stage.work({ options: { leaseMs: 60 }, before })
    const result = await note.delay()
    await settling.passed

    await reap()
    held.open()

    expect(await result.get({ timeout: 5 })).to.equal('run 2')
  })

  it('ends its stop at once: there is nothing left to wait for', async () => {
    const started = gate()
    const slow = stage.app.task('kuma.slow', () => {
      started.open()
      return new Promise<void>(() => {})
    })
    let cut = true
    const { worker, ended } = await stage.work({
      options: { leaseMs: 60, grace: 3600 },
      before: (step) => {
        if ((step === 'renew' && cut) || step === 'tend') throw new Error('cut off')
      },
    })
    await slow.delay()
    await started.passed

    worker.stop()
    await reap()
    cut = false
    await ended

    expect(stage.said('lease lost')).to.have.length(1)
    expect(stage.said('it goes back')).to.deep.equal([])
  })

  it('goes on to the end of the queue all the same when it runs once', async () => {
    let cut = true
    const started = gate()
    const late = gate()
    let runs = 0
    const slow = stage.app.task('kuma.slow', async () => {
      if (++runs > 1) return
      started.open()
      await late.passed
    })
    await stage.app.sendMany([slow.s(), slow.s(), slow.s()])
    const { ended } = await stage.work({
      choice: { once: true },
      options: { leaseMs: 60, prefetchMultiplier: 4 },
      before: (step) => {
        if ((step === 'renew' && cut) || step === 'tend') throw new Error('cut off')
      },
    })
    await started.passed

    await reap()
    late.open()
    cut = false
    await ended

    expect(runs).to.equal(4)
    expect(await stage.counts()).to.include({ ready: 0, leased: 0 })
  })

  it('marks what comes back as redelivered', async () => {
    const seen: boolean[] = []
    const slow = stage.app.task('kuma.slow', { bind: true }, async (task) => {
      seen.push(task.redelivered)
      if (seen.length === 1) await new Promise(() => {})
    })
    await stage.work({
      options: { leaseMs: 60 },
      before: (step) => {
        if (step === 'renew' || step === 'tend') throw new Error('cut off')
      },
    })
    await slow.delay()
    await eventually(() => seen.length === 1)

    const two = await stage.work({ parts: { broker: await stage.connect() }, options: { leaseMs: 60 } })
    await eventually(() => seen.length === 2)

    expect(seen).to.deep.equal([false, true])
    two.worker.stop()
    await two.ended
  })
})

describe('a handler that blocks the event loop', () => {
  it('for several leases keeps its lease, and is not run twice (G9)', async function () {
    this.timeout(20_000)
    const url = await redisUrl(this)
    const stage = new Stage({ brokerUrl: url, resultBackend: url, workerLease: 1 })
    try {
      let runs = 0
      const block = stage.app.task('kuma.block', () => {
        runs++
        const end = performance.now() + 3_500
        while (performance.now() < end); // as a long computation does
        return 'done'
      })
      await stage.work()

      const result = await block.delay()

      expect(await result.get({ timeout: 15 })).to.equal('done')
      expect(runs).to.equal(1)
      expect(stage.said('lease lost')).to.deep.equal([])
      expect(stage.said('keeper')).to.deep.equal([])
      expect(await stage.settled()).to.include({ ready: 0 })
    } finally {
      await stage.end()
    }
  })
})
