import { expect } from 'chai'
import fc from 'fast-check'
import { decodeEvents } from '../../src/protocol/event.js'
import { capturedMessages, capturedSpecialCases, capturedTypes, envelopeOf } from './captured-events.js'

const STARTED = { type: 'task-started', hostname: 'w1@host1', timestamp: 1795329062.3, utcoffset: 0, pid: 7, clock: 20, uuid: 'a-1' }

describe('events, read', () => {
  it('are those that Celery 5.6 and 5.2 sent, one or many to a message', () => {
    let many = 0
    for (const { raw, body_decoded: body } of capturedMessages()) {
      const decoded = decodeEvents(Buffer.from(raw))
      const events = Array.isArray(body) ? body : [body]

      expect(decoded).to.include({ bad: 0, why: null, isJournaled: false })
      expect(decoded.events.map(({ localReceived: _, fields, ...common }) => ({ ...common, ...fields }))).to.deep.equal(events)
      expect(decodeEvents(raw)).to.deep.equal(decoded)
      if (events.length > 1) many++
    }
    expect(many).to.be.above(0)
  })

  it('are of every type that was seen, and keep what they carry', () => {
    const all = [...Object.values(capturedTypes()).flat(), ...capturedSpecialCases()]

    const { events, bad } = decodeEvents(envelopeOf(all), { localReceived: 5 })

    expect(bad).to.equal(0)
    expect(events.map(({ type }) => type)).to.deep.equal(all.map(({ type }) => type))
    expect(events.every(({ localReceived }) => localReceived === 5)).to.equal(true)
    expect(events.find(({ type }) => type === 'task-revoked')?.fields).to.deep.equal({ terminated: true, signum: 15, expired: false })
  })

  it("keep an application's own types", () => {
    const own = { ...STARTED, type: 'task-progress', percent: 5 }

    expect(decodeEvents(envelopeOf(own)).events[0]).to.deep.include({ type: 'task-progress', fields: { percent: 5 } })
    expect(decodeEvents(envelopeOf({ ...STARTED, type: 'shop-opened' })).events[0]?.fields).to.deep.equal({ uuid: 'a-1' })
  })

  it('pass over what its sender marked as journaled, when asked', () => {
    const raw = envelopeOf([STARTED], { headers: { hostname: 'w1@host1', celerity: 'journal' } })

    expect(decodeEvents(raw)).to.deep.include({ isJournaled: true, bad: 0 })
    expect(decodeEvents(raw).events).to.have.length(1)
    expect(decodeEvents(raw, { passOverJournaled: true }).events).to.deep.equal([])
  })

  const HOSTILE: readonly (readonly [string, unknown])[] = [
    ['null', null],
    ['a number', 5],
    ['a list in the list', [[STARTED]]],
    ['no type', { ...STARTED, type: undefined }],
    ['a type that is a list', { ...STARTED, type: ['task-started'] }],
    ['a type of a megabyte', { ...STARTED, type: `task-${'x'.repeat(1e6)}` }],
    ['a host name of a megabyte', { ...STARTED, hostname: 'x'.repeat(1e6) }],
    ['an empty host name', { ...STARTED, hostname: '' }],
    ['no timestamp', { ...STARTED, timestamp: undefined }],
    ['a timestamp that is text', { ...STARTED, timestamp: '1795329062' }],
    ['a timestamp beyond the calendar', { ...STARTED, timestamp: 1e18 }],
    ['a clock of 1e308', { ...STARTED, clock: 1e308 }],
    ['a negative clock', { ...STARTED, clock: -1 }],
    ['a clock that is half', { ...STARTED, clock: 0.5 }],
    ['an offset of days', { ...STARTED, utcoffset: 1e9 }],
    ['a process id that is an object', { ...STARTED, pid: {} }],
    ['no id', { ...STARTED, uuid: undefined }],
    ['an id that climbs', { ...STARTED, uuid: '../../etc' }],
    ['an id of a megabyte', { ...STARTED, uuid: 'x'.repeat(1e6) }],
  ]
  for (const [what, event] of HOSTILE) {
    it(`drop and count ${what}, and keep its neighbours`, () => {
      const { events, bad, why } = decodeEvents(envelopeOf([STARTED, event, STARTED]))

      expect(events).to.have.length(2)
      expect(bad).to.equal(1)
      expect(why).to.match(/^event 1: .{3,200}$/)
    })
  }

  it('drop and count NaN where a timestamp belongs, which Python writes', () => {
    const text = JSON.stringify([STARTED, STARTED]).replace('1795329062.3', 'NaN')

    expect(decodeEvents(envelopeOf(text))).to.deep.include({ bad: 1, why: 'event 0: timestamp: expected unix seconds, not NaN' })
  })

  it('count a message as one bad event when nothing of it can be read', () => {
    const broken = [
      '',
      '{',
      'null',
      '[]',
      '{}',
      envelopeOf('{"a'),
      envelopeOf([STARTED], { 'content-type': 'application/x-python-serialize' }),
    ]
    broken.push(envelopeOf('['.repeat(100_000)), `{"body": "${'x'.repeat(17 * 1024 * 1024)}"}`, envelopeOf([], { body: 5 }))

    for (const raw of broken) {
      const { why, ...rest } = decodeEvents(raw)
      expect(rest, raw.slice(0, 80)).to.deep.equal({ events: [], bad: 1, isJournaled: false })
      expect(why).to.be.a('string')
    }
  })

  it('stop at ten thousand of one message', () => {
    expect(decodeEvents(envelopeOf(Array(10_050).fill(STARTED)))).to.include({ bad: 50 })
  })

  it('never throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.string(), fc.json()), (raw) => {
        expect(decodeEvents(raw).bad).to.be.at.least(0)
      }),
    )
    const mixed = fc.record(
      Object.fromEntries(
        Object.keys(STARTED).map((key) => [key, fc.oneof(fc.constant(STARTED[key as keyof typeof STARTED]), fc.anything())]),
      ),
    )
    fc.assert(
      fc.property(fc.array(mixed, { maxLength: 4 }), (events) => {
        const text = safeJson(events)
        if (text === null) return
        const { events: read, bad } = decodeEvents(envelopeOf(text))
        expect(read.length + bad).to.equal(events.length)
      }),
    )
  })
})

function safeJson(value: unknown): string | null {
  try {
    return JSON.stringify(value)
  } catch {
    return null // a bigint, or a toJSON that throws
  }
}
