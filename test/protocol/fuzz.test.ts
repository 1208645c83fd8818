import { expect } from 'chai'
import fc from 'fast-check'
import { decodeMessage } from '../../src/protocol/message.js'
import { decodeResult } from '../../src/protocol/result.js'
import { fixtureNames, messagesOf, resultsOf } from './fixtures.js'

/** Values no field expects. */
const ODD: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  2 ** 53 + 2,
  1e308,
  '',
  '0',
  'x'.repeat(100_000),
  '\0',
  '\ud800',
  '\u202eevil',
  '../../x',
  [],
  [[]],
  [null, null, null],
  {},
  { a: { b: {} } },
  { __type__: 'datetime', __value__: '2024-01-01T00:00:00' },
  { __type__: 'bytes', __value__: 5 },
  { __type__: 'nobody', __value__: 1 },
  JSON.parse('{"__proto__": {"polluted": true}}'),
  JSON.parse('{"constructor": {"prototype": {"polluted": true}}}'),
  JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`),
]

type Json = Record<string, unknown>

/** The envelope with one field, at any depth, removed or replaced; the body is opened for it. */
function mutate(envelope: Json, pick: number, odd: number): Json {
  const copy = structuredClone(envelope)
  const body: unknown = typeof copy['body'] === 'string' ? open(copy['body']) : undefined
  const places: (readonly [Json, string])[] = []
  collect(copy, places)
  if (body !== undefined) collect(body, places)
  const place = places[pick % places.length]
  if (place === undefined) return copy
  const [owner, key] = place
  if (odd % (ODD.length + 1) === ODD.length) delete owner[key]
  else owner[key] = ODD[odd % (ODD.length + 1)]
  if (body !== undefined && owner !== copy) copy['body'] = Buffer.from(JSON.stringify(body)).toString('base64')
  return copy
}

function open(body: string): unknown {
  try {
    return JSON.parse(Buffer.from(body, 'base64').toString('utf8'))
  } catch {
    return undefined
  }
}

function collect(value: unknown, places: (readonly [Json, string])[]): void {
  if (typeof value !== 'object' || value === null) return
  for (const key of Object.keys(value)) {
    places.push([value as Json, key])
    collect((value as Json)[key], places)
  }
}

function snapshot(): readonly unknown[] {
  return [Object.prototype, Array.prototype, String.prototype, globalThis].map((object) => Reflect.ownKeys(object).map(String).sort())
}

describe('any bytes', () => {
  const envelopes = fixtureNames('')
    .flatMap((name) => messagesOf(name))
    .filter((raw) => raw.length < 20_000)
  const parsed = envelopes.flatMap((raw) => {
    const value = safeParse(raw.toString('utf8'))
    return value === null ? [] : [value]
  })

  it('are read or refused in bounded time, whichever field is odd, and change no prototype', () => {
    const before = snapshot()
    let slowest = 0

    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), fc.nat(), (which, pick, odd, second) => {
        const once = mutate(parsed[which % parsed.length] ?? {}, pick, odd)
        const raw = Buffer.from(JSON.stringify(second % 3 === 0 ? mutate(once, second, pick) : once))
        const start = performance.now()
        const result = decodeMessage(raw)
        slowest = Math.max(slowest, performance.now() - start)

        if (!result.ok) expect(result.bad.detail).to.be.a('string').with.length.below(500)
      }),
      { numRuns: 4000 },
    )

    expect(snapshot()).to.deep.equal(before)
    expect(slowest).to.be.below(1000)
  })

  it('are read or refused when bytes of a real message are cut or changed', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }), fc.option(fc.nat()), (which, changes, cut) => {
        const raw = Buffer.from(envelopes[which % envelopes.length] ?? '')
        for (const [at, byte] of changes) raw[at % raw.length] = byte
        const result = decodeMessage(cut === null ? raw : raw.subarray(0, cut % raw.length))

        expect(result.ok).to.be.a('boolean')
      }),
      { numRuns: 3000 },
    )
  })

  it('are read or refused whatever they are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (raw) => {
          expect(decodeMessage(raw).ok).to.equal(false)
          expect(decodeResult(Buffer.from(raw).toString('utf8')).ok).to.equal(false)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('are a result or none, whichever field of a real one is odd', () => {
    const results = fixtureNames('').flatMap((name) => resultsOf(name))

    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), (which, pick, odd) => {
        const result = decodeResult(JSON.stringify(mutate(JSON.parse(results[which % results.length] ?? '{}'), pick, odd)))

        expect(result.ok).to.be.a('boolean')
      }),
      { numRuns: 2000 },
    )
  })
})

function safeParse(text: string): Json | null {
  try {
    return JSON.parse(text) as Json
  } catch {
    return null
  }
}
