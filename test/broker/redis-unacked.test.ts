import { expect } from 'chai'
import fc from 'fast-check'
import { readEntry } from '../../src/broker/redis/unacked.js'

describe('an entry of kombu’s unacked', () => {
  it('is an envelope, whose bytes are kept as they are, an exchange and a routing key', () => {
    const envelope = '{"body": "}{\\"", "headers": {"id": 12345678901234567890}, "properties": {}}'
    const entry = readEntry(Buffer.from(`[${envelope}, "ex", "q"]`))

    expect(entry).to.include({ exchange: 'ex', routingKey: 'q' })
    expect(String(entry?.raw)).to.equal(envelope)
    expect(readEntry(Buffer.from('[{}, null, "q"]'))).to.include({ exchange: '', routingKey: 'q' })
  })

  it('that is anything else is none', () => {
    const others = [
      '',
      '[]',
      'x',
      '{}',
      '[{}]',
      '[{}, "", ""]',
      '[{}, "", 5]',
      '[{}, "", "q"',
      '[{a}, "", "q"]',
      '["{}", "", "q"]',
      '[1, {}, "", "q"]',
    ]

    expect(others.filter((text) => readEntry(Buffer.from(text)) !== null)).to.deep.equal([])
  })

  it('is read whatever its bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.json(), (bytes, json) => {
        readEntry(Buffer.from(bytes))
        readEntry(Buffer.from(`[{"a": ${json}}, "", "q"]`.slice(0, bytes.length + 10)))
        expect(String(readEntry(Buffer.from(`[{"a": ${json}}, "", "q"]`))?.raw)).to.equal(`{"a": ${json}}`)
      }),
    )
  })
})
