import { expect } from 'chai'
import fc from 'fast-check'
import { type Duration, parseSeconds, seconds } from '../src/duration.js'

describe('durations', () => {
  it('reads numbers as seconds and units as what they say', () => {
    const spans: [Duration, number][] = [
      [0, 0],
      [1.5, 1.5],
      ['250ms', 0.25],
      ['90s', 90],
      ['5m', 300],
      ['1.5h', 5400],
      ['1h30m', 5400],
      ['1d', 86_400],
      ['2w', 1_209_600],
    ]

    for (const [span, expected] of spans) expect(seconds(span), String(span)).to.equal(expected)
  })

  it('reads a text without a unit as seconds, as the environment gives them', () => {
    expect(parseSeconds(' 90 ')).to.equal(90)
  })

  it('refuses what is no span, and names what it got', () => {
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY, 'soon', '-5s', '5 m', '1h30', '', null, {}]) {
      expect(() => seconds(bad as Duration), String(bad)).to.throw(RangeError, 'is no span of time')
    }
  })

  it('never throws while parsing, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const value = parseSeconds(text)
        expect(value === null || value >= 0).to.equal(true)
      }),
    )
  })
})
