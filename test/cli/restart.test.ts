import { expect } from 'chai'
import { isFinal, Pauses } from '../../src/cli/restart.js'

describe('a worker that is started again', () => {
  it('is so at once the first time, then later and later, up to half a minute', () => {
    const pauses = new Pauses()

    expect(Array.from({ length: 9 }, () => pauses.after(3))).to.deep.equal([0, 1, 2, 4, 8, 16, 30, 30, 30])
  })

  it('is so at once again after a minute of good running', () => {
    const pauses = new Pauses()
    for (let n = 0; n < 5; n++) pauses.after(59)

    expect([pauses.after(61), pauses.after(1), pauses.after(1)]).to.deep.equal([0, 1, 2])
  })

  it('is none when it was told to stop, or refused to start as it is set up', () => {
    for (const code of [0, 2, 130, 143]) expect(isFinal({ code, isInOrder: true }), String(code)).to.equal(true)
  })

  it('is one after a fault, a server that was away, and whatever tore it out of its work', () => {
    for (const code of [1, 69, 70]) expect(isFinal({ code, isInOrder: true }), String(code)).to.equal(false)
    for (const code of [0, 1, 2, 70, 134, 137, 143]) expect(isFinal({ code, isInOrder: false }), String(code)).to.equal(false)
  })
})
