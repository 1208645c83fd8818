import { expect } from 'chai'
import fc from 'fast-check'
import { decodeMessage, markRedelivered, withHeaders } from '../../src/protocol/message.js'
import { anEnvelope } from './envelope.js'
import { fixtureNames, messageOf, messagesOf } from './fixtures.js'
import { wireValue } from './wire-values.js'

describe('marking a message as redelivered', () => {
  it('gives what kombu gives, and keeps every other byte', () => {
    const restored = messageOf('visibility-restore').toString()
    const original = restored.replaceAll(', "redelivered": true', '')

    expect(markRedelivered(Buffer.from(original)).toString()).to.equal(restored)
  })

  it('changes nothing the second time', () => {
    const once = markRedelivered(messageOf('task-simple'))

    expect(markRedelivered(once).equals(once)).to.equal(true)
  })

  it('is seen by the reader, for every captured message', () => {
    for (const raw of fixtureNames('').flatMap((name) => messagesOf(name))) {
      const before = decodeMessage(raw)
      const after = decodeMessage(markRedelivered(raw))
      if (!before.ok) expect(after.ok).to.equal(false)
      else expect(after).to.deep.equal({ ok: true, message: { ...before.message, redelivered: true } })
    }
  })

  it('keeps what a parser would lose: big numbers, doubled keys, spacing, odd bytes', () => {
    const text =
      '{ "n":12345678901234567890 ,"n":1.50, "headers" : {} , "properties":{"delivery_info":{ "x": [1,{}]\n}, "nan": NaN}, "s": "\u00e9 } \\" {"}'
    const raw = Buffer.from(text)

    expect(markRedelivered(raw).toString()).to.equal(
      text
        .replace('"headers" : {}', '"headers" : {"redelivered": true}')
        .replace('{ "x": [1,{}]\n}', '{ "x": [1,{}]\n, "redelivered": true}'),
    )
  })

  it('finds keys that are spelt with escapes, and takes the last of doubled ones', () => {
    const raw = Buffer.from('{"headers": {"a": 1}, "he\\u0061ders": {"redelivered": false, "b": 2}}')

    expect(markRedelivered(raw).toString()).to.equal('{"headers": {"a": 1}, "he\\u0061ders": {"redelivered": true, "b": 2}}')
  })

  it('gives unreadable bytes back as they are', () => {
    for (const bytes of ['', 'x', '[]', '{"headers": 5}', '{"headers": {', '[[[['.repeat(1000), '{"headers": {}} x']) {
      expect(markRedelivered(Buffer.from(bytes)).toString()).to.equal(bytes)
    }
    expect(markRedelivered(Buffer.from([0xff, 0x7b])).equals(Buffer.from([0xff, 0x7b]))).to.equal(true)
  })
})

describe('adding headers to a message', () => {
  it('adds or replaces them, whatever their names and values', () => {
    const name = fc.string({ unit: 'binary', minLength: 1 }).map((text) => `x-${text}`)
    fc.assert(
      fc.property(name, wireValue, wireValue, (key, first, second) => {
        const raw = withHeaders(withHeaders(anEnvelope(), { [key]: first, other: 1 }), { [key]: second })
        const result = decodeMessage(raw)

        if (!result.ok) throw new Error(result.bad.detail)
        expect(result.message.headers).to.deep.equal({ [key]: second, other: 1 })
      }),
      { numRuns: 500 },
    )
  })
})
