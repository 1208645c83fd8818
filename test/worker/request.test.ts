import { expect } from 'chai'
import fc from 'fast-check'
import { type Accepted, accept, overtaken } from '../../src/worker/request.js'
import { fixtureNames, messagesOf } from '../protocol/fixtures.js'
import { aDefinition, aDelivery, anIntake, aRequest, NOW } from './a-request.js'

const SIGNATURE = { task: 'kuma.sum', args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false }

describe('a delivery', () => {
  const CASES: readonly (readonly [string, Parameters<typeof aDelivery>[0], Partial<Accepted>])[] = [
    ['of a registered task is run', {}, { kind: 'run' }],
    ['that is due now is run', { eta: NOW }, { kind: 'run' }],
    ['that is not due is parked until it is', { eta: NOW + 1 }, { kind: 'park', due: NOW + 1 }],
    ['whose time runs out now has expired', { expires: NOW }, { kind: 'revoked', why: 'expired' }],
    ['whose time runs out later is run', { expires: NOW + 1 }, { kind: 'run' }],
    ['that has expired is not parked', { eta: NOW + 10, expires: NOW - 1 }, { kind: 'revoked', why: 'expired' }],
    ['that was revoked is not parked', { id: 'revoked', eta: NOW + 10 }, { kind: 'revoked', why: 'revoked' }],
    ['that was revoked and has expired was revoked', { id: 'revoked', expires: NOW - 1 }, { kind: 'revoked', why: 'revoked' }],
    ['of an unknown task is refused', { task: 'kuma.other' }, { kind: 'unregistered' }],
    ['of an unknown task waits for its time', { task: 'kuma.other', eta: NOW + 5 }, { kind: 'park', due: NOW + 5 }],
    ['of a chord is refused', { chord: SIGNATURE }, { kind: 'unsupported', what: 'chords' }],
    ['that cannot be read is refused', Buffer.from('{}'), { kind: 'unreadable' }],
  ]
  for (const [title, call, expected] of CASES) {
    it(title, () => {
      expect(accept(aDelivery(call), anIntake(aDefinition(), ['revoked']), NOW)).to.deep.include(expected)
    })
  }

  it('of a task that ignores its result ignores it, whoever sent it', () => {
    expect(aRequest({}, { ignoreResult: true }).message.ignoreResult).to.equal(true)
    expect(aRequest({ ignoreResult: true }).message.ignoreResult).to.equal(true)
    expect(aRequest().message.ignoreResult).to.equal(false)
  })

  it('that waited for a slot is asked again for what ends it without a run', () => {
    const request = aRequest({ expires: NOW + 100 })

    expect(overtaken(request, anIntake(), () => NOW)).to.equal(null)
    expect(overtaken(request, anIntake(), () => NOW + 100)).to.equal('expired')
    expect(overtaken(request, anIntake(aDefinition(), ['an-id']), () => NOW)).to.equal('revoked')
  })

  it('of any bytes is something, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(accept(aDelivery(Buffer.from(bytes)), anIntake(), NOW).kind).to.equal('unreadable')
      }),
    )
  })

  for (const name of fixtureNames('handmade-')) {
    it(`of the fixture ${name} is something, and never throws`, () => {
      for (const raw of messagesOf(name)) expect(accept(aDelivery(raw), anIntake(), NOW).kind).to.be.a('string')
    })
  }
})
