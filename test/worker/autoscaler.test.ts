import { expect } from 'chai'
import fc from 'fast-check'
import { Autoscaler } from '../../src/worker/autoscaler.js'

describe('the autoscaler', () => {
  const SECOND = 1_000

  it('doubles while every slot is busy, up to the most', () => {
    const scaler = new Autoscaler({ max: 6, min: 1 })

    const steps = [1, 2, 4, 6].map((running, second) => scaler.next({ concurrency: running, running }, second * SECOND))

    expect(steps).to.deep.equal([2, 4, 6, 6])
  })

  it('falls to what was needed when some slots were idle for half a minute, and never below the least', () => {
    const scaler = new Autoscaler({ max: 10, min: 2 })
    const busy = (running: number, second: number) => scaler.next({ concurrency: 8, running }, second * SECOND)

    expect([busy(3, 0), busy(5, 10), busy(0, 29)]).to.deep.equal([8, 8, 8])
    expect(busy(0, 30)).to.equal(5)
    expect(busy(0, 61)).to.equal(2)
  })

  it('stays within its bounds, whatever is done, also when they change', () => {
    const bounds = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.nat(50)).map(([min, more]) => ({ min, max: min + more }))
    fc.assert(
      fc.property(bounds, fc.array(fc.tuple(bounds, fc.nat(100), fc.nat(100_000))), (first, steps) => {
        const scaler = new Autoscaler(first)
        let concurrency = first.min
        let now = 0
        for (const [changed, running, ms] of steps) {
          if (running % 3 === 0) scaler.change(changed)
          now += ms
          concurrency = scaler.next({ concurrency, running }, now)
          expect(concurrency).to.be.within(scaler.bounds.min, scaler.bounds.max)
        }
      }),
    )
  })
})
