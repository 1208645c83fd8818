import { expect } from 'chai'
import { parseSeconds } from '../../src/duration.js'
import { bar, ProgressLine } from '../../src/terminal/progress-line.js'
import { relative, spanText } from '../../src/terminal/time.js'

describe('spans for people', () => {
  const cases: [seconds: number, text: string][] = [
    [0, '0s'],
    [0.0004, '0ms'],
    [0.35, '350ms'],
    [0.9999, '1s'],
    [4.23, '4.2s'],
    [9.96, '10s'],
    [59.4, '59s'],
    [60, '1m'],
    [125, '2m5s'],
    [3600, '1h'],
    [7500, '2h5m'],
    [86_400, '1d'],
    [300_000, '3d11h'],
    [-90, '-1m30s'],
    [Number.NaN, '-'],
  ]
  for (const [seconds, text] of cases) {
    it(`are ${text} for ${seconds} s`, () => {
      expect(spanText(seconds)).equal(text)
    })
  }

  it('of one unit are read back as the same span', () => {
    for (const seconds of [12, 60, 3600, 86_400]) expect(parseSeconds(spanText(seconds))).equal(seconds)
  })

  it('say when something was or will be', () => {
    const now = 1_000_000_000

    expect([now - 90_000, now - 300_000_000, now + 12_000, now + 400].map((moment) => relative(moment, now))).deep.equal([
      '1m ago',
      '3d ago',
      'in 12s',
      'now',
    ])
  })
})

describe('a progress line', () => {
  function aStream(isTTY: boolean) {
    const written: string[] = []
    return { isTTY, columns: 20, written, write: (text: string) => written.push(text) }
  }

  it('writes over itself on a terminal, not more often than can be read, and no wider than it', () => {
    const stream = aStream(true)
    let now = 0
    const line = new ProgressLine(stream, () => now)

    line.update('one')
    line.update('too soon')
    now = 100
    line.update('a text that is longer than the line')
    line.print('final')
    line.clear()

    expect(stream.written).deep.equal(['\r\x1b[Kone', '\r\x1b[Ka text that is lon…', '\r\x1b[K', 'final\n'])
  })

  it('writes only what is final where there is no terminal', () => {
    const stream = aStream(false)
    const line = new ProgressLine(stream, () => 0)

    line.update('one')
    line.print('final\x1b[2J')
    line.clear()

    expect(stream.written).deep.equal(['final\\x1b[2J\n'])
  })

  it('shows how far it is as a bar', () => {
    expect([bar(0, 4, 4), bar(1, 2, 4), bar(9, 3, 4), bar(1, 0, 4)]).deep.equal([
      '[    ]   0%',
      '[=>  ]  50%',
      '[====] 100%',
      '[    ]   0%',
    ])
  })
})
