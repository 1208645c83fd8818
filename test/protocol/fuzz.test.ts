import { expect } from 'chai'
import fc from 'fast-check'
import { decodeMessage } from '../../src/protocol/message.js'
import { decodeResult } from '../../src/protocol/result.js'
import { fuzzDecoder } from '../fuzz/decoder.js'
import { Differential } from '../fuzz/differential.js'
import { Mutants } from '../fuzz/mutants.js'
import { ODD, textOf } from '../fuzz/odd-values.js'
import { python } from '../setup/servers.js'
import { fixtureNames, resultsOf } from './fixtures.js'

/** `npm run fuzz` plays a million, with another seed each time. */
const SEED = 20_240_229
const COUNT = 8_000
const COMPARED = 5_000

/** The message or result with one field, at any depth, removed or replaced. */
function mutate(original: unknown, pick: number, odd: number): unknown {
  const copy = structuredClone(original)
  const places: (readonly [Record<string, unknown>, string])[] = []
  collect(copy, places)
  const [owner, key] = places[pick % places.length] ?? [{}, '']
  if (odd % (ODD.length + 1) === ODD.length) delete owner[key]
  else owner[key] = ODD[odd % (ODD.length + 1)]
  return copy
}

function collect(value: unknown, places: (readonly [Record<string, unknown>, string])[]): void {
  if (typeof value !== 'object' || value === null) return
  for (const key of Object.keys(value)) {
    places.push([value as Record<string, unknown>, key])
    collect((value as Record<string, unknown>)[key], places)
  }
}

describe('any bytes', function () {
  this.timeout(60_000)

  it('are read or refused soon, whichever field is odd and whatever bytes are changed, and change no prototype', async () => {
    const { count, accepted, findings } = await fuzzDecoder({ seed: SEED, count: COUNT })

    expect(findings).to.deep.equal([])
    expect(count).to.equal(COUNT)
    expect(accepted).to.be.within(COUNT / 100, COUNT / 2) // neither all of them nonsense, nor all of them good
  })

  it('are the same call to us as to Python where it accepts them, but for what we refuse by rule', async function () {
    const mutants = new Mutants({ seed: SEED })
    const shown = Array.from({ length: COMPARED }, () => mutants.next())

    const { asked, agreed, findings } = await new Differential(python(this)).compare(shown)

    expect(findings).to.deep.equal([])
    expect(asked).to.equal(COMPARED)
    expect(agreed).to.be.above(COMPARED / 20)
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
        const result = decodeResult(textOf(mutate(JSON.parse(results[which % results.length] ?? '{}'), pick, odd)))

        expect(result.ok).to.be.a('boolean')
      }),
      { numRuns: 2000 },
    )
  })
})
