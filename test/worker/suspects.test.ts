import { expect } from 'chai'
import type { Broker, StartedPosition } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { markRedelivered } from '../../src/protocol/message.js'
import { eventually } from '../eventually.js'
import { gate, Stage } from './a-worker.js'

describe('what was found with a dead worker', () => {
  let stage: Stage
  let other: Broker
  beforeEach(async () => {
    stage = new Stage({ workerConcurrency: 2 })
    other = await openBroker(stage.url, { deadlineMs: 1000, keyPrefix: '' })
  })
  afterEach(async () => {
    await stage.end()
    await other.close()
  })

  /** A worker takes all there is and dies; what it held goes `to`, marked as redelivered. */
  async function died(to: 'front' | 'suspects'): Promise<void> {
    const incarnation = `gone-${Math.random()}`
    const consumer = await (await stage.connect()).register({ incarnation, node: 'celery@gone', leaseMs: 1, queues: ['celery'] })
    await consumer.take(1, ['celery'], 100)
    await eventually(async () => {
      const { reaped } = await other.tend(({ raw }) => ({ fate: { kind: 'requeue', to, raw: markRedelivered(raw) } }))
      return reaped.length > 0
    })
  }

  it('begins only when the broker knows that it runs here; anything else begins at once', async () => {
    const steps: string[] = []
    const note = stage.app.task('kuma.note', (text: string) => {
      steps.push(text)
    })
    await note.delay('again')
    await died('front')
    const told = gate()
    const before = async (step: string, [, started]: readonly unknown[]) => {
      if (step !== 'renew' || (started as readonly StartedPosition[]).length === 0) return
      await told.passed
      steps.push('told')
    }
    await stage.work({ before })
    await eventually(async () => (await stage.counts()).leased === 1)
    await note.delay('new')
    await eventually(() => steps.includes('new'))

    expect(steps).to.deep.equal(['new'])
    told.open()
    await stage.settled()
    expect(steps).to.deep.equal(['new', 'told', 'again'])
  })

  it('waits to be told of while the broker is away, and does not begin at all once the lease is lost', async () => {
    const runs: string[] = []
    const note = stage.app.task('kuma.note', () => runs.push('run'))
    await note.delay()
    await died('front')
    let asked = 0
    let isAway = true
    const before = (step: string, [, started]: readonly unknown[]) => {
      if (step === 'renew' && isAway && (started as readonly StartedPosition[]).length > 0) {
        asked++
        throw new Error('away')
      }
    }
    const { worker } = await stage.work({ before, options: { leaseMs: 200 } })
    await eventually(() => asked > 1)
    expect(runs).to.deep.equal([])
    await eventually(async () => (await other.tend(({ raw }) => ({ fate: { kind: 'requeue', to: 'front', raw } }))).reaped.length > 0)
    isAway = false

    await stage.settled()
    expect(runs).to.deep.equal(['run'])
    expect(worker.ready).to.equal(true)
  })

  describe('and is a suspect', () => {
    it('runs alone in an idle worker: nothing is taken until it has ended', async () => {
      const end = gate()
      const steps: string[] = []
      const suspect = stage.app.task('kuma.suspect', async () => {
        steps.push('begins')
        await end.passed
        steps.push('ends')
      })
      const note = stage.app.task('kuma.note', () => {
        steps.push('another')
      })
      await suspect.delay()
      await died('suspects')
      await stage.work({ options: { leaseMs: 150 } })
      await eventually(() => steps.length > 0)
      await note.delay()
      await eventually(() => stage.said('runs alone').length === 1)
      expect(await stage.counts()).to.include({ ready: 1, suspects: 0, leased: 1 })
      end.open()

      await stage.settled()
      expect(steps).to.deep.equal(['begins', 'ends', 'another'])
    })

    it('is run by a worker that is never idle, which lets itself run empty when it has waited for long', async () => {
      let isOver = false
      let busy = 0
      const alone: number[] = []
      const hum = stage.app.task('kuma.hum', async () => {
        busy++
        if (!isOver) await hum.delay()
        await new Promise((resolve) => setTimeout(resolve, 5))
        busy--
      })
      const suspect = stage.app.task('kuma.suspect', () => {
        alone.push(busy)
      })
      await suspect.delay()
      await suspect.delay()
      await died('suspects')
      await Promise.all([hum.delay(), hum.delay(), hum.delay(), hum.delay()])
      await stage.work({ options: { leaseMs: 150, suspectPatience: 0.1 } })

      await eventually(() => alone.length === 2)
      isOver = true
      expect(alone).to.deep.equal([0, 0])
      await stage.settled()
    })

    it('keeps no worker from its other tasks for as long as its longest one takes: it tries again later, and for longer', async () => {
      const end = gate()
      const long = stage.app.task('kuma.long', () => end.passed)
      let done = 0
      const hum = stage.app.task('kuma.hum', async () => {
        done++
        await hum.delay()
        await new Promise((resolve) => setTimeout(resolve, 5))
      })
      let alone = false
      const suspect = stage.app.task('kuma.suspect', () => {
        alone = true
      })
      await suspect.delay()
      await died('suspects')
      await long.delay()
      await hum.delay()
      let ranEmpty = 0
      let last = performance.now()
      const before = (step: string) => {
        if (step !== 'take') return
        if (performance.now() - last >= 190) ranEmpty++
        last = performance.now()
      }
      await stage.work({ options: { leaseMs: 60, suspectPatience: 0.2 }, before })

      await eventually(() => ranEmpty >= 2)
      const so = done
      await eventually(() => done > so + 10)
      expect(alone).to.equal(false)
      end.open()
      await eventually(() => alone)
    })

    it('is done by a worker that runs until all is done', async () => {
      let runs = 0
      const suspect = stage.app.task('kuma.suspect', () => {
        runs++
      })
      await suspect.delay()
      await suspect.delay()
      await died('suspects')
      const { ended } = await stage.work({ choice: { once: true } })

      await ended
      expect(runs).to.equal(2)
      expect(await stage.counts()).to.include({ suspects: 0, leased: 0, ready: 0 })
    })

    it('is a suspect still when its worker stops before it has ended', async () => {
      const begun = gate()
      const suspect = stage.app.task('kuma.suspect', { bind: true }, async (task) => {
        begun.open()
        await new Promise<void>((_, reject) => task.signal.addEventListener('abort', reject))
      })
      await suspect.delay()
      await died('suspects')
      const { worker, ended } = await stage.work({ options: { leaseMs: 150 } })
      await begun.passed
      worker.stopNow()
      await ended

      expect(await stage.counts()).to.include({ suspects: 1, leased: 0, dead: 0 })
    })

    it('is a dead letter, and has failed, when its worker vanishes too', async () => {
      const begun = gate()
      const held = gate()
      const suspect = stage.app.task('kuma.suspect', async () => {
        begun.open()
        await held.passed
      })
      const { id } = await suspect.delay()
      await died('suspects')
      let isAway = false
      const before = (step: string) => {
        if (isAway && step !== 'register') throw new Error('away')
      }
      const { worker } = await stage.work({ options: { leaseMs: 150, process: null }, before })
      await begun.passed
      isAway = true // from here on as good as dead
      await stage.work({ parts: { broker: await stage.connect() }, options: { leaseMs: 150 } })

      await eventually(async () => (await stage.counts()).dead === 1)
      const [letter] = await stage.dead()
      expect(letter?.reason).to.equal('delivery-limit')
      expect(letter?.detail).to.contain('while it ran alone')
      expect((await stage.result(id))?.outcome).to.deep.include({ kind: 'error', state: 'FAILURE' })
      worker.stopNow()
      held.open()
    })
  })
})
