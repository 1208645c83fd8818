import { expect } from 'chai'
import fc from 'fast-check'
import { CelerityError } from '../../src/errors.js'
import { encodeJson, parseJson } from '../../src/protocol/json.js'
import { readJson } from '../../src/protocol/json-reader.js'
import { nestsDeeper } from '../../src/protocol/nesting.js'
import { Decimal } from '../../src/protocol/values.js'
import { wireValue } from './wire-values.js'

const MARKERS = { markers: true }

describe('JSON as Python writes it', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(wireValue, (value) => {
        expect(parseJson(encodeJson(value, MARKERS))).to.deep.equal(value)
      }),
      { numRuns: 2000 },
    )
  })

  it('is read by the careful reader as by JSON.parse, where that can read it', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), fc.constantFrom(undefined, 1, '\t'), (text, space) => {
        const value = JSON.parse(text, (name, member) => (name === '__proto__' ? undefined : member))
        const spaced = JSON.stringify(value, null, space)

        expect(withoutBigints(readJson(spaced))).to.deep.equal(JSON.parse(spaced))
      }),
      { numRuns: 1000 },
    )
  })

  it('is refused by the careful reader where JSON.parse refuses it', () => {
    const mangled = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', ',', '}', ']', '0', '-', '.', '\n', 'x', '\\', '\t"'))
      .map(([text, at, insert]) => {
        const place = at % (text.length + 1)
        return text.slice(0, place) + insert + text.slice(place + 1)
      })
    fc.assert(
      fc.property(mangled, (text) => {
        expect(
          outcome(() => readJson(text)),
          text,
        ).to.equal(outcome(() => JSON.parse(text)))
      }),
      { numRuns: 2000 },
    )
  })

  it('holds integers of any size, exactly', () => {
    expect(parseJson('[9007199254740991, 9007199254740992, -9007199254740993, 12345678901234567890123]')).to.deep.equal([
      9007199254740991,
      9007199254740992n,
      -9007199254740993n,
      12345678901234567890123n,
    ])
    expect(encodeJson([9007199254740993n, 5n], MARKERS)).to.equal('[9007199254740993, 5]')
  })

  it('holds floats of any size as floats', () => {
    expect(encodeJson([2 ** 53, 1e21, -0, 0.1, 5], MARKERS)).to.equal('[9.007199254740992e+15, 1e+21, -0.0, 0.1, 5]')
    expect(parseJson('[0.30000000000000004, 1.0, 1e400, 123456789012345678.5]')).to.deep.equal([
      0.30000000000000004,
      1,
      Infinity,
      123456789012345680,
    ])
  })

  it('refuses an integer of more digits than Python reads', () => {
    expect(() => parseJson('1'.repeat(4301))).to.throw(SyntaxError, 'more than 4300 digits')
  })

  it('holds NaN and the infinities, bare', () => {
    expect(encodeJson([Number.NaN, Infinity, -Infinity], MARKERS)).to.equal('[NaN, Infinity, -Infinity]')
    expect(parseJson(' { "a" : NaN , "b" : [ -Infinity , Infinity ] } ')).to.deep.equal({ a: Number.NaN, b: [-Infinity, Infinity] })
    expect(() => parseJson('[-NaN]')).to.throw(SyntaxError)
  })

  it('leaves a marker of an unknown type, and objects that only resemble one, as they are', () => {
    for (const value of [{ __type__: 'nobody', __value__: 1 }, { __type__: 'uuid' }, { __type__: 'uuid', __value__: 'x', more: 1 }]) {
      expect(parseJson(JSON.stringify(value))).to.deep.equal(value)
      expect(parseJson(encodeJson(value, MARKERS))).to.deep.equal(value)
    }
  })

  it('refuses a marker that does not hold what it says', () => {
    for (const [type, value] of [
      ['uuid', { hex: 'x' }],
      ['uuid', 5],
      ['date', '2024-13-01'],
      ['time', '25:00'],
      ['decimal', 'ten'],
      ['base64', '='],
    ]) {
      expect(() => parseJson(JSON.stringify({ __type__: type, __value__: value }))).to.throw(SyntaxError, `a marker of type ${type}`)
    }
  })

  it('drops keys that lead to a prototype, however they are spelt', () => {
    expect(parseJson('{"__proto__": {"x": 1}, "a": {"\\u005f\\u005fproto__": 1}}')).to.deep.equal({ a: {} })
    expect(parseJson('{"constructor": {"prototype": 1}, "b": {"constructor": "Skoda"}}')).to.deep.equal({ b: { constructor: 'Skoda' } })
  })

  it('throws only SyntaxErrors, which quote nothing of the text', () => {
    for (const text of ['', 'secret', '{"secret"', '[secret]', '{"__secret": secret}', '"\\x"', '[1,]', '{"a" 1}', 'nul', '\u0000']) {
      expect(() => parseJson(text))
        .to.throw(SyntaxError)
        .with.property('message')
        .not.match(/secret/)
    }
  })
})

describe('values that would be lost without a word', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [() => 1, 'value: a function cannot be sent'],
    [{ a: [Symbol('x')] }, 'value.a[0]: a symbol cannot be sent'],
    [[new Map()], 'value[0]: a Map cannot be sent'],
    [{ e: new Error('x') }, 'value.e: an error cannot be sent'],
    [[/x/], 'value[0]: a regular expression cannot be sent'],
    [new Float64Array(1), 'value: a buffer that is no Uint8Array cannot be sent'],
    [[new Date(Number.NaN)], 'value[0]: an invalid date, or one outside the years 1 to 9999, cannot be sent'],
    [{ __type__: 'uuid', __value__: 'x' }, 'value: an object with exactly the keys __type__ and __value__ would be read as a uuid'],
    [Object(1n), 'value: a boxed primitive cannot be sent'],
  ]
  for (const [value, message] of cases) {
    it(`are refused by their path: ${message}`, () => {
      expect(() => encodeJson(value, MARKERS))
        .to.throw(CelerityError, message)
        .with.property('code', 'E_ENCODE')
    })
  }

  it('are refused when they refer to themselves or nest too deep', () => {
    const loop: Record<string, unknown> = {}
    loop['self'] = loop

    expect(() => encodeJson(loop, MARKERS)).to.throw(CelerityError, 'nested deeper than 512 levels, or refers to itself')
  })

  it('are an E_ENCODE too when a getter or toJSON of the value throws', () => {
    const hostile = Object.defineProperty({}, 'x', { enumerable: true, get: () => { throw new Error('boo') } }) // biome-ignore format: one line

    expect(() => encodeJson(hostile, MARKERS)).to.throw(CelerityError, 'value: cannot be encoded')
  })

  it('do not include undefined members, instances with toJSON, and objects without a prototype', () => {
    class Money {
      readonly amount = 5
    }
    const value = { a: undefined, b: [undefined], c: { toJSON: () => ({ d: new Decimal('1.0') }) }, e: Object.create(null), f: new Money() }

    expect(encodeJson(value, MARKERS)).to.equal(
      '{"b": [null], "c": {"d": {"__type__": "decimal", "__value__": "1.0"}}, "e": {}, "f": {"amount": 5}}',
    )
  })

  it('are bytes, when markers are off', () => {
    expect(() => encodeJson([Buffer.from('x')], { markers: false, name: 'args' })).to.throw(
      CelerityError,
      'args[0]: bytes cannot be sent without type markers',
    )
  })
})

describe('the check of nesting', () => {
  it('counts levels, not brackets in strings', () => {
    expect(nestsDeeper(`["${'['.repeat(1000)}\\"[[["]`, 1)).to.equal(false)
    expect(nestsDeeper('[[], [], {"a": []}]', 3)).to.equal(false)
    expect(nestsDeeper('[[], [], {"a": []}]', 2)).to.equal(true)
    expect(nestsDeeper('["\\\\", [[]]]', 2)).to.equal(true)
  })

  it('takes time in proportion to the text, however many backslashes and quotes it has', () => {
    const start = performance.now()
    for (const text of ['["', '"\\', '\\"', '"', '[', '\\']) nestsDeeper(text.repeat(2_000_000), 512)

    expect(performance.now() - start).to.be.below(2000)
  })
})

function withoutBigints(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(withoutBigints)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutBigints(member)]))
}

function outcome(run: () => unknown): string {
  try {
    run()
    return 'read'
  } catch (error) {
    return error instanceof SyntaxError ? 'refused' : String(error)
  }
}
