import { expect } from 'chai'
import { Lamport } from '../../src/protocol/lamport.js'

describe('the logical clock', () => {
  it('goes one forward before something is sent', () => {
    const clock = new Lamport()

    expect([clock.now(), clock.tick(), clock.tick(), clock.now()]).to.deep.equal([0, 1, 2, 2])
  })

  it('goes past what others show, and past itself', () => {
    const clock = new Lamport()

    expect([clock.adjust(10), clock.adjust(3), clock.adjust(12), clock.tick()]).to.deep.equal([11, 12, 13, 14])
  })

  it('is one for all threads of a worker', () => {
    const clock = new Lamport()
    const same = new Lamport(clock.buffer)

    expect([clock.tick(), same.tick(), clock.adjust(8), same.now()]).to.deep.equal([1, 2, 9, 9])
  })

  it('counts beyond 32 bits', () => {
    const clock = new Lamport()

    expect([clock.adjust(2 ** 40), clock.tick()]).to.deep.equal([2 ** 40 + 1, 2 ** 40 + 2])
  })

  it('is not moved by what is no clock value', () => {
    const clock = new Lamport()
    for (const seen of [1e308, Number.NaN, Infinity, -5, 0.5, 2 ** 53]) clock.adjust(seen)

    expect(clock.now()).to.equal(0)
  })
})
