import { expect } from 'chai'
import fc from 'fast-check'
import { Scheduled } from '../../src/worker/scheduled.js'
import { aRequest, NOW } from './a-request.js'

const { message } = aRequest()

function remember(scheduled: Scheduled, id: string, due: number): void {
  scheduled.add({ ...message, id }, due)
}

describe('what a worker remembers of tasks that are due later', () => {
  it('is told soonest first, and without what is due', () => {
    const scheduled = new Scheduled('w1@host1')
    remember(scheduled, 'late', NOW + 2_000)
    remember(scheduled, 'soon', NOW + 1_000)
    remember(scheduled, 'past', NOW)

    expect(scheduled.list(NOW).map(({ info }) => info.id)).to.deep.equal(['soon', 'late'])
  })

  it('is the last word about each', () => {
    const scheduled = new Scheduled('w1@host1')
    remember(scheduled, 'again', NOW + 1_000)
    remember(scheduled, 'again', NOW + 5_000)

    expect(scheduled.list(NOW).map(({ due }) => due)).to.deep.equal([NOW + 5_000])
    expect(scheduled.forget('again')).to.equal(true)
    expect(scheduled.forget('again')).to.equal(false)
  })

  it('holds the thousand that are due soonest, and never more than two, in whatever order they come', () => {
    const dues = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 2_000, maxLength: 4_000 })
    fc.assert(
      fc.property(dues, (waits) => {
        const scheduled = new Scheduled('w1@host1')
        for (const [at, wait] of waits.entries()) remember(scheduled, `t${at}`, NOW + wait)

        const held = scheduled.list(NOW).map(({ due }) => due)
        expect(held.length).to.be.within(1_000, 2_000)
        expect(held.slice(0, 1_000)).to.deep.equal(
          waits
            .map((wait) => NOW + wait)
            .sort((a, b) => a - b)
            .slice(0, 1_000),
        )
      }),
      { numRuns: 20 },
    )
  })

  it('takes in others when some of them have come back', () => {
    const scheduled = new Scheduled('w1@host1')
    for (let at = 0; at < 3_000; at++) remember(scheduled, `t${at}`, NOW + 1_000 + at)
    for (let at = 0; at < 2_000; at++) scheduled.forget(`t${at}`)
    remember(scheduled, 'later', NOW + 9_000)

    expect(scheduled.list(NOW).map(({ info }) => info.id)).to.include('later')
  })
})
