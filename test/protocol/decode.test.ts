import { expect } from 'chai'
import { decodeMessage, type TaskMessage } from '../../src/protocol/message.js'
import { CalendarDate, ClockTime, Decimal, Uuid } from '../../src/protocol/values.js'
import { fixture, fixtureNames, messageOf, messagesOf } from './fixtures.js'

/** Fixtures that a worker must refuse, with the code and the path it names. */
const REFUSED: Readonly<Record<string, readonly [string, RegExp]>> = {
  'handmade-body-object-kwargs-list': ['malformed-body', /^body\[1\]: /],
  'handmade-eta-bad': ['malformed-headers', /^headers\.eta: /],
  'handmade-garbage-object': ['malformed-headers', /^headers\.task: /],
  'handmade-not-json-content': ['malformed-body', /^body: not JSON/],
  'handmade-not-json-envelope': ['malformed-envelope', /^envelope: not JSON/],
  'handmade-pickle-content': ['content-disallowed', /x-python-serialize/],
  'task-compressed-bzip2': ['compression', /x-bz2/],
  'task-compressed-lzma': ['compression', /x-lzma/],
  'task-msgpack': ['content-disallowed', /x-msgpack/],
  'task-pickle': ['content-disallowed', /x-python-serialize/],
  'task-signed-auth': ['content-disallowed', /application\/data/],
  'task-yaml': ['content-disallowed', /x-yaml/],
}

/** Fixtures whose body only newer versions of Node can decompress. */
const SOMETIMES = new Set(['task-compressed-zstd'])

function decoded(name: string): TaskMessage {
  return messageIn(messageOf(name))
}

function messageIn(raw: Buffer): TaskMessage {
  const result = decodeMessage(raw)
  if (!result.ok) throw new Error(result.bad.detail)
  return result.message
}

describe('decoding captured task messages', () => {
  const names = fixtureNames('').filter((name) => !name.startsWith('result-') && messagesOf(name).length > 0)
  for (const name of names) {
    if (REFUSED[name] !== undefined || SOMETIMES.has(name)) continue
    it(`reads ${name}`, () => {
      for (const raw of messagesOf(name)) {
        const envelope = JSON.parse(raw.toString('utf8'))
        const message = messageIn(raw)

        expect(message.queue).to.equal(envelope.properties.delivery_info.routing_key)
        expect(message.priority).to.equal(envelope.properties.priority ?? 0)
        if (message.protocol === 2) {
          expect(message.id).to.equal(envelope.headers.id)
          expect(message.task).to.equal(envelope.headers.task)
          expect(message.retries).to.equal(envelope.headers.retries ?? 0)
          expect(message.argsrepr).to.equal(envelope.headers.argsrepr ?? null)
        }
      }
    })
  }

  for (const [name, [code, detail]] of Object.entries(REFUSED)) {
    it(`refuses ${name} as ${code}`, () => {
      const result = decodeMessage(messageOf(name))

      if (result.ok) throw new Error('it was read')
      expect(result.bad.code).to.equal(code)
      expect(result.bad.detail).to.match(detail)
    })
  }

  it('names id and task of a message whose body is bad, so that its failure can be stored', () => {
    const result = decodeMessage(messageOf('handmade-not-json-content'))

    expect(result).to.deep.include({ ok: false })
    if (!result.ok) expect(result.bad).to.include({ id: 'hm-7', task: 'proj.tasks.add' })
  })

  it('reads the arguments as their Python values', () => {
    const { args, kwargs } = decoded('task-json-types')

    expect(args).to.deep.equal([
      new Date('2024-02-29T12:30:01.250Z'),
      new Date('2024-02-29T12:30:00Z'),
      new CalendarDate('2024-02-29'),
      new ClockTime('01:02:03'),
      new Uuid('12345678-1234-5678-1234-567812345678'),
      new Decimal('10.250'),
      Buffer.from('plain bytes'),
      Buffer.from('fffe00', 'hex'),
      [1, [2, 3]],
    ])
    expect(kwargs).to.deep.equal({ d: { when: new Date('2023-12-31T18:30:00Z') } })
  })

  it('reads big integers exactly, and the numbers JSON has not', () => {
    expect(decoded('task-numbers').args).to.deep.equal([
      9007199254740992n,
      18446744073709551616n,
      -1,
      0.1,
      1e300,
      1e-7,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      1,
    ])
  })

  it('reads text of any script, and control characters', () => {
    const expected = fixture('task-unicode').body_decoded as readonly [unknown, unknown]

    expect(decoded('task-unicode')).to.deep.include({ args: expected[0], kwargs: expected[1] })
  })

  for (const format of ['zlib', 'gzip', 'brotli']) {
    it(`reads a body compressed with ${format}`, () => {
      expect(decoded(`task-compressed-${format}`).args).to.deep.equal(['x'.repeat(200)])
    })
  }

  it('reads zstd where Node has it, and names it otherwise', () => {
    const result = decodeMessage(messageOf('task-compressed-zstd'))

    if (result.ok) expect(result.message.args).to.deep.equal(['x'.repeat(200)])
    else expect(result.bad.detail).to.include('application/zstd')
  })

  it('reads limits, dates, stamps and user headers', () => {
    expect(decoded('task-time-limits')).to.include({ timeLimit: 30, softTimeLimit: 20 })
    expect(decoded('task-eta-aware').eta).to.equal(Date.parse('2030-01-02T03:04:05+02:00'))
    expect(decoded('task-eta-naive').eta).to.equal(Date.parse('2030-01-02T03:04:05.123Z'))
    expect(decoded('task-expires-naive').expires).to.equal(Date.parse('2030-01-02T03:04:05Z'))
    expect(decoded('handmade-eta-ms-z').eta).to.equal(Date.parse('2020-01-01T00:00:00.123Z'))
    expect(decoded('stamped')).to.deep.include({
      stampedHeaders: ['stamp_key', 'multi'],
      stamps: { stamp_key: 'stamp-v', multi: ['a', 'b'] },
    })
    expect(decoded('task-custom-id').headers).to.deep.equal({ 'x-trace': 'abc' })
    expect(decoded('task-custom-id')).to.include({ rootId: 'root-x', parentId: 'parent-x', shadow: 'shadow.name', replyTo: 'rq' })
  })

  it('keeps the chain reversed, and reads links and chords', () => {
    expect(decoded('chain-3').chain.map((signature) => signature.task)).to.deep.equal(['proj.tasks.add', 'proj.tasks.mul'])
    expect(decoded('link-and-link-error').callbacks.map((signature) => signature.immutable)).to.deep.equal([false, true])
    expect(decoded('link-and-link-error').errbacks[0]?.args).to.deep.equal(['extra'])
    expect(decoded('chord-2')).to.have.nested.property('chord.task', 'proj.tasks.tsum')
    expect(decoded('group-3')).to.have.property('groupIndex', 0)
  })

  it('reads protocol 1, its links included', () => {
    const message = decoded('variant-protocol-1')

    expect(message).to.deep.include({ protocol: 1, task: 'proj.tasks.add', args: [1, 2], kwargs: {}, chain: [] })
    expect(message.eta).to.equal(Date.parse('2026-11-22T06:40:27.245Z'))
    expect(message.callbacks[0]?.task).to.equal('proj.tasks.mul')
  })

  it('knows a message that was given back', () => {
    expect(messagesOf('visibility-restore').map((raw) => messageIn(raw).redelivered)).to.include(true)
    expect(decoded('task-simple').redelivered).to.equal(false)
  })

  it('reads a plain body, a null embed, and does without lang and delivery_tag', () => {
    for (const name of [
      'handmade-minimal-plain-body',
      'handmade-embed-null',
      'handmade-no-lang',
      'handmade-no-delivery-tag',
      'handmade-minimal',
    ]) {
      expect(decoded(name)).to.deep.include({ protocol: 2, args: [1, 2], kwargs: {}, callbacks: [], chain: [], chord: null })
    }
    expect(decoded('handmade-minimal-plain-body').body).to.deep.equal({ text: '[[1, 2], {}, {}]', encoding: 'utf-8' })
  })
})
