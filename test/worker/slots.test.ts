import { expect } from 'chai'
import fc from 'fast-check'
import type { Request } from '../../src/worker/request.js'
import { Slots } from '../../src/worker/slots.js'
import { aRequest } from './a-request.js'

const REQUEST = aRequest()

function run(slots: Slots, ms: number): void {
  slots.push(REQUEST, 0)
  slots.next()
  slots.ended(ms)
  slots.free()
}

describe('slots', () => {
  it('want a message each while nothing is known of how long tasks take', () => {
    const slots = new Slots(4, null)

    expect(slots.want).to.equal(4)
    slots.push(REQUEST, 0)
    expect(slots.want).to.equal(3)
    slots.next()
    expect(slots.want).to.equal(3)
  })

  it('want twenty milliseconds of work ahead, however short, at most three hundred messages', () => {
    const wanted = (ms: number) => {
      const slots = new Slots(4, null)
      run(slots, ms)
      return slots.want
    }

    expect([0, 0.1, 1, 20, 40, 80, 5000].map(wanted)).to.deep.equal([304, 304, 84, 8, 6, 5, 4])
  })

  it('ask for no more while more than half of that waits', () => {
    const slots = new Slots(1, null)
    run(slots, 1) // twenty ahead
    for (let held = 0; held < 11; held++) slots.push(REQUEST, 0)

    expect(slots.want).to.equal(10)
    slots.push(REQUEST, 0)
    expect(slots.want).to.equal(0)
  })

  it('want as many per slot as the prefetch multiplier says', () => {
    const slots = new Slots(3, 4)

    expect(slots.want).to.equal(12)
    expect(new Slots(3, 1).want).to.equal(3)
  })

  it('give what waits in its order, to as many as may run', () => {
    const slots = new Slots(2, null)
    const requests = ['a', 'b', 'c'].map((id) => aRequest({ id }))
    for (const request of requests) slots.push(request, 0)

    expect([slots.next(), slots.next(), slots.next()]).to.deep.equal([requests[0], requests[1], undefined])
    slots.ended(1)
    expect(slots.next()).to.equal(undefined)
    slots.free()
    expect(slots.next()).to.equal(requests[2])
  })

  for (const multiplier of [null, 4]) {
    it(`hand out what has waited too long, and take nothing ahead until a run has ended (prefetch ${multiplier ?? 'by time'})`, () => {
      const slots = new Slots(1, multiplier)
      run(slots, 1)
      const [first, old, young] = ['a', 'b', 'c'].map((id) => aRequest({ id })) as [Request, Request, Request]
      slots.push(first, 0)
      slots.next()
      slots.push(old, 10)
      slots.push(young, 20)

      expect(slots.overdue(20)).to.deep.equal([old])
      expect(slots.waiting).to.equal(1)
      expect(slots.drain()).to.deep.equal([young])
      expect(slots.want).to.equal(0)
      slots.ended(5000)
      slots.free()
      expect(slots.want).to.equal(multiplier === null ? 1 : 4)
    })
  }

  it('lose and double nothing, and never run more than may', () => {
    const step = fc.oneof(
      fc.constant({ kind: 'push' as const }),
      fc.constant({ kind: 'next' as const }),
      fc.record({ kind: fc.constant('end' as const), ms: fc.double({ min: 0, max: 3000, noNaN: true }) }),
      fc.record({ kind: fc.constant('overdue' as const), limit: fc.nat(200) }),
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.option(fc.integer({ min: 1, max: 4 })),
        fc.array(step, { maxLength: 200 }),
        (most, multiplier, steps) => {
          const slots = new Slots(most, multiplier)
          let pushed = 0
          let out = 0
          for (const one of steps) {
            if (one.kind === 'push') slots.push(REQUEST, pushed++)
            else if (one.kind === 'next') out += slots.next() === undefined ? 0 : 1
            else if (one.kind === 'overdue') out += slots.overdue(one.limit).length
            else if (slots.running > 0) {
              slots.ended(one.ms)
              slots.free()
            }
            expect(slots.running).to.be.within(0, most)
            expect(slots.waiting + out).to.equal(pushed)
            expect(slots.want).to.be.within(0, most * Math.max(multiplier ?? 0, 1) + 300)
          }
        },
      ),
    )
  })
})
