import { expect } from 'chai'
import fc from 'fast-check'
import { repr, reprArgs, reprKwargs } from '../../src/protocol/python-repr.js'
import { CalendarDate, ClockTime } from '../../src/protocol/values.js'
import { fixtureNames, messagesOf } from './fixtures.js'
import { wireValue } from './wire-values.js'

describe('argsrepr and kwargsrepr', () => {
  it('are what Celery prints, for the arguments of every captured message of plain values', () => {
    let compared = 0
    for (const raw of fixtureNames('').flatMap((name) => messagesOf(name))) {
      const { headers, body } = safeParse(raw) ?? {}
      if (typeof headers?.argsrepr !== 'string' || headers.compression !== undefined || !headers.argsrepr.startsWith('(')) continue
      const decoded = safeParse(Buffer.from(body, 'base64'))
      if (!Array.isArray(decoded) || /datetime|\d\.0|, \(|\(\(|': \(/.test(headers.argsrepr + headers.kwargsrepr)) continue // tuples and floats JSON does not tell apart
      expect(reprArgs(decoded[0])).to.equal(headers.argsrepr)
      expect(reprKwargs(decoded[1])).to.equal(headers.kwargsrepr)
      compared++
    }
    expect(compared).to.be.above(100)
  })

  const VALUES: readonly (readonly [unknown, string])[] = [
    [null, 'None'],
    [undefined, 'None'],
    [true, 'True'],
    ["it's", "'it\\'s'"],
    ['a"b\\c\nd', `'a"b\\c\nd'`],
    [[1, [2, [3, [4]]]], '[1, [2, [3, [...]]]]'],
    [{ a: { b: { c: { d: 1 } } } }, "{'a': {'b': {'c': {...}}}}"],
    [[[], {}, [{}]], '[[], {}, [{}]]'],
    [1e300, '1e+300'],
    [1e-7, '1e-07'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1e16, '1e+16'],
    [2 ** 53, '9007199254740992.0'],
    [-0, '-0.0'],
    [Number.NaN, 'nan'],
    [-Infinity, '-inf'],
    [12345678901234567890n, '12345678901234567890'],
    [Buffer.from('abc'), "b'abc'"],
    [Buffer.from([0xff, 0]), "b'ff00'"],
    [new CalendarDate('2024-02-29'), 'datetime.date(2024, 2, 29)'],
    [new ClockTime('01:02:03'), 'datetime.time(1, 2, 3)'],
    [new Date('2024-01-01T00:00:05Z'), 'datetime.datetime(2024, 1, 1, 0, 0, 5, tzinfo=datetime.timezone.utc)'],
    [() => 1, '<function>'],
  ]
  for (const [value, text] of VALUES) {
    it(`show ${JSON.stringify(text)}`, () => {
      expect(repr(value)).to.equal(text)
    })
  }

  it('are tuples, one of one with its comma', () => {
    expect(reprArgs([])).to.equal('()')
    expect(reprArgs([1])).to.equal('(1,)')
    expect(reprArgs([1, 2])).to.equal('(1, 2)')
  })

  it('are cut where Celery cuts them: a megabyte of text is 1,034 characters', () => {
    const text = reprArgs(['A'.repeat(1_048_576)])

    expect(text).to.have.length(1034)
    expect(text.slice(-11)).to.equal("A...', ...)")
  })

  it('stay near 1,024 characters, whatever the arguments', () => {
    const many = fc.array(fc.oneof(wireValue, fc.string({ minLength: 500, maxLength: 3000 })), { maxLength: 2000 })
    fc.assert(
      fc.property(many, (args) => {
        expect(reprArgs(args).length).to.be.below(2200) // quotes of the last text may double it
      }),
      { numRuns: 100 },
    )
    expect(reprArgs(Array.from({ length: 100_000 }, (_, index) => index)).length).to.be.below(1060)
    expect(reprKwargs(Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, index]))).length).to.be.below(1060)
  })
})

function safeParse(raw: Buffer) {
  try {
    return JSON.parse(raw.toString('utf8'))
  } catch {
    return null
  }
}
