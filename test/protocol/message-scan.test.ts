import { expect } from 'chai'
import fc from 'fast-check'
import { createEncoder, DEFAULT_LIMITS, decodeMessage } from '../../src/protocol/message.js'
import { scanMessage } from '../../src/protocol/message-scan.js'
import { fixtureNames, messagesOf } from './fixtures.js'

const encoder = createEncoder({ origin: 'gen1@vm', replyTo: 'reply', markers: true })

/** The scanner's answer, checked against the parser's; null when it left the text to the parser. */
function scanned(text: string): unknown {
  const message = scanMessage(text, DEFAULT_LIMITS)
  // A blank at the end is nothing to a parser, and is not of the shape.
  if (message !== null) expect({ ok: true, message }, text).to.deep.equal(decodeMessage(Buffer.from(`${text} `)))
  return message
}

describe('recognising a message by its shape', () => {
  const ours = encoder.encode({ id: 'i', task: 't', args: [], queue: 'q', expires: 1e12 }, '{"at":"web.ts:3","pid":5}')
  const texts = [ours, ...fixtureNames('').flatMap((name) => messagesOf(name).map((raw) => raw.toString('utf8')))]

  it('works for plain tasks from kombu 5.2 and 5.6, and gives what the parser gives', () => {
    const known = texts.filter((text) => scanned(text) !== null)

    expect(known.length).to.be.above(texts.length / 3)
    for (const name of ['task-simple', 'celery52-task-simple', 'task-countdown', 'task-expires-seconds', 'task-time-limits', 'group-3']) {
      expect(scanned(messagesOf(name)[0]?.toString('utf8') ?? ''), name).not.to.equal(null)
    }
  })

  it('works for what we write, with the place of the call, retries and dates', () => {
    const call = {
      id: 'i-1',
      task: 'proj.add',
      args: [1, 'a'],
      kwargs: { k: true },
      queue: 'celery',
      eta: 5,
      expires: 6,
      retries: 3,
      priority: 9,
    }

    expect(scanned(encoder.encode(call))).not.to.equal(null)
    for (const place of ['"web.ts:3"', '{"at":"web.ts:3","host":"h","pid":5,"version":"0.1.0"}', '{"at": null}', '{"__proto__": 1}']) {
      expect(scanned(encoder.encode(call, place)), place).not.to.equal(null)
    }
    for (const place of ['{"at": {}}', '{"at" 5}', '{"a": "}", "b": {}}', '"\\u0041"', '5'])
      expect(scanned(encoder.encode(call, place)), place).to.equal(null)
  })

  it('never differs from the parser, whatever is changed in a message', () => {
    const splice = fc.constantFrom(
      '',
      '"',
      ', ',
      '\\u0041',
      '\\',
      '\t',
      '\n',
      'é',
      '0',
      '00',
      '-',
      '1.5',
      '1e3',
      'null',
      'true',
      '{}',
      '[]',
      '}',
      ': ',
      '__proto__',
    )
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(4), splice, (which, at, removed, inserted) => {
        const text = which % 3 === 0 ? ours : (texts[which % texts.length] ?? '')
        const place = at % (text.length + 1)
        const changed = text.slice(0, place) + inserted + text.slice(place + removed)

        scanned(changed)
      }),
      { numRuns: 10_000 },
    )
  })

  it('never differs from the parser, whatever the values of the fields are', () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.constantFrom('null', '{}', '"x"', '9'.repeat(9), '9'.repeat(10), '"a": "b"', '"__proto__"', '01', '-0'),
    )
    fc.assert(
      fc.property(fc.nat(), fc.nat(), value, (which, pick, insert) => {
        const text = which % 3 === 0 ? ours : (texts[which % texts.length] ?? '')
        const places = [...text.matchAll(/: (null|\d+|"[^"]*")/g)]
        const place = places[pick % Math.max(places.length, 1)]
        if (place === undefined) return
        const changed = `${text.slice(0, place.index + 2)}${insert}${text.slice(place.index + place[0].length)}`

        scanned(changed)
      }),
      { numRuns: 5000 },
    )
  })

  it('leaves to the parser what it would keep too long in memory', () => {
    const call = { id: 'i', task: 't', args: ['x'.repeat(8000)], queue: 'q' }

    expect(scanMessage(encoder.encode(call), DEFAULT_LIMITS)).to.equal(null)
  })
})
