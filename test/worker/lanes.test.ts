import { expect } from 'chai'
import { Lanes } from '../../src/worker/lanes.js'

const PATIENCE = 5_000

describe('lanes that the broker says a worker holds', () => {
  it('are its own when they came with an answer', () => {
    const lanes = new Lanes()
    lanes.add('1/1', 0)
    lanes.add('2/s4', 10_000)

    for (const now of [0, 10_000, 20_000]) expect(lanes.strangers(['1/1', '2/s4'], null, now, PATIENCE)).to.deep.equal([])
  })

  it('are strangers when nobody has known them for longer than an answer may take, each take once', () => {
    const lanes = new Lanes()
    lanes.add('1/1', 0)

    expect(lanes.strangers(['1/1', '2/1', '2/5', '3/1'], null, 10_000, PATIENCE)).to.deep.equal([])
    expect(lanes.strangers(['1/1', '2/1', '2/5'], null, 14_000, PATIENCE)).to.deep.equal([])
    expect(lanes.strangers(['1/1', '2/1', '2/5', '3/1'], null, 16_000, PATIENCE)).to.deep.equal([2])
  })

  it('are none while their take may still be answered', () => {
    const lanes = new Lanes()
    for (const now of [0, 10_000, 20_000]) expect(lanes.strangers(['7/1'], 7, now, PATIENCE)).to.deep.equal([])
    lanes.add('7/1', 21_000)

    expect(lanes.strangers(['7/1'], null, 40_000, PATIENCE)).to.deep.equal([])
  })

  it('are forgotten when the broker holds them no more, but not before it can have told', () => {
    const lanes = new Lanes()
    lanes.add('1/1', 0)
    lanes.strangers([], null, 1_000, PATIENCE) // told before the take
    expect(lanes.strangers(['1/1'], null, 20_000, PATIENCE)).to.deep.equal([])

    lanes.strangers([], null, 30_000, PATIENCE)
    lanes.strangers(['1/1'], null, 40_000, PATIENCE)
    expect(lanes.strangers(['1/1'], null, 50_000, PATIENCE)).to.deep.equal([1])
  })
})
