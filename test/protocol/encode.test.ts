import { expect } from 'chai'
import fc from 'fast-check'
import { CelerityError } from '../../src/errors.js'
import { parseIso } from '../../src/protocol/dates.js'
import { createEncoder, decodeMessage, type TaskCall, type TaskMessage } from '../../src/protocol/message.js'
import type { Signature } from '../../src/protocol/signature.js'
import { CalendarDate, ClockTime, Decimal, Uuid } from '../../src/protocol/values.js'
import { fixture, messageOf, messagesOf } from './fixtures.js'
import { wireKey, wireValue } from './wire-values.js'

const NOW = Date.parse('2026-11-22T06:25:52.923Z')

const encoder = createEncoder({ origin: 'gen1@vm', replyTo: 'reply', markers: true, now: () => NOW })
const plainEncoder = createEncoder({ origin: 'gen1@vm', replyTo: 'reply', markers: false, now: () => NOW })

function messageIn(raw: Buffer | string): TaskMessage {
  const result = decodeMessage(Buffer.from(raw))
  if (!result.ok) throw new Error(result.bad.detail)
  return result.message
}

interface Envelope {
  body: unknown
  headers: Record<string, unknown>
  properties: Record<string, unknown>
}

/** The envelope parsed, its body opened, without what is random or differs by nature: ids, tags, senders; dates as milliseconds. */
function comparable(raw: Buffer | string): Envelope {
  const envelope = JSON.parse(raw.toString()) as Envelope
  if (envelope.headers['compression'] === undefined) {
    envelope.body = JSON.parse(
      Buffer.from(envelope.body as string, 'base64')
        .toString('utf8')
        .replaceAll('NaN', '"NaN"')
        .replaceAll('Infinity', '"inf"'),
    )
  } else envelope.body = messageIn(raw as string).args
  for (const key of ['origin', 'sent_at']) delete envelope.headers[key] // Celery does not say when
  for (const key of ['reply_to', 'delivery_tag', 'origin']) delete envelope.properties[key]
  for (const key of ['eta', 'expires'])
    if (envelope.headers[key] !== null) envelope.headers[key] = parseIso(envelope.headers[key] as string)
  return envelope
}

const sig = (task: string, args: readonly unknown[], more: Partial<Signature> = {}): Signature => ({
  task: `proj.tasks.${task}`,
  args,
  kwargs: {},
  options: {},
  subtask_type: null,
  immutable: false,
  ...more,
})

/** The call that each fixture's `how` names. */
const CALLS: Readonly<Record<string, Omit<TaskCall, 'id' | 'queue'> & { readonly queue?: string }>> = {
  'task-simple': { task: 'proj.tasks.add', args: [2, 3] },
  'task-noargs': { task: 'proj.tasks.noop', args: [] },
  'task-kwargs': { task: 'proj.tasks.echo', args: ['a'], kwargs: { k: 1, nested: { x: [1, 2.5, null, true] } } },
  'task-priority-3': { task: 'proj.tasks.add', args: [1, 2], priority: 3 },
  'task-priority--1': { task: 'proj.tasks.add', args: [1, 2], priority: -1 },
  'task-queue': { task: 'proj.tasks.add', args: [1, 2], queue: 'other' },
  'task-time-limits': { task: 'proj.tasks.add', args: [1, 2], timeLimit: 30, softTimeLimit: 20 },
  'task-ignore-result-option': { task: 'proj.tasks.add', args: [1, 2], ignoreResult: true },
  'task-eta-aware': { task: 'proj.tasks.add', args: [1, 2], eta: Date.parse('2030-01-02T03:04:05+02:00') },
  'task-expires-seconds': { task: 'proj.tasks.add', args: [1, 2], expires: NOW + 60_000 },
  'task-unicode': {
    task: 'proj.tasks.echo',
    args: ['žluťoučký kůň', 'Ω≈ç√', '日本語', '🎉 emoji', 'nul\0 tab\t quote" back\\slash'],
    kwargs: { key: 'ключ' },
  },
  'task-numbers': {
    task: 'proj.tasks.echo',
    args: [9007199254740992n, 18446744073709551616n, -1, 0.1, 1e300, 1e-7, Number.POSITIVE_INFINITY, Number.NaN, 1],
  },
  'task-compressed-zlib': { task: 'proj.tasks.echo', args: ['x'.repeat(200)], compression: 'zlib' },
  'task-compressed-gzip': { task: 'proj.tasks.echo', args: ['x'.repeat(200)], compression: 'gzip' },
  'task-compressed-brotli': { task: 'proj.tasks.echo', args: ['x'.repeat(200)], compression: 'brotli' },
  'link-and-link-error': {
    task: 'proj.tasks.add',
    args: [1, 2],
    callbacks: [sig('mul', [10]), sig('ret', ['im'], { immutable: true })],
    errbacks: [sig('on_err', ['extra'])],
  },
  stamped: { task: 'proj.tasks.add', args: [1, 2], stamps: { stamp_key: 'stamp-v', multi: ['a', 'b'] } },
}

describe('encoding a call', () => {
  for (const [name, call] of Object.entries(CALLS)) {
    it(`gives what Celery sends: ${name}`, () => {
      const raw = messageOf(name)
      const { id } = messageIn(raw)

      const ours = comparable(encoder.encode({ queue: 'celery', ...call, id }))
      const theirs = comparable(raw)

      if (name === 'task-numbers') Object.assign(theirs.headers, { argsrepr: ours.headers['argsrepr'] }) // 1.0 is 1 in JavaScript
      expect(ours).to.deep.equal(theirs)
      expect(Object.keys(ours.headers)).to.deep.equal(Object.keys(theirs.headers))
      expect(Object.keys(ours.properties)).to.deep.equal(Object.keys(theirs.properties))
    })
  }

  it('gives the fields that a workflow sets: chain, chord, group, parent, root, shadow, user headers', () => {
    const chain = messageIn(messageOf('chain-3'))
    const chord = messagesOf('chord-2').map(messageIn)[1]
    const custom = messageIn(messageOf('task-custom-id'))
    for (const message of [chain, chord, custom]) {
      if (message === undefined) throw new Error('no message')
      const again = messageIn(
        encoder.encode({
          id: message.id,
          task: message.task,
          args: message.args,
          queue: message.queue,
          rootId: message.rootId,
          parentId: message.parentId ?? undefined,
          group: message.group ?? undefined,
          groupIndex: message.groupIndex ?? undefined,
          shadow: message.shadow ?? undefined,
          replyTo: message.replyTo ?? undefined,
          origin: message.origin ?? undefined,
          headers: message.headers,
          chain: message.chain.length === 0 ? undefined : message.chain,
          chord: message.chord ?? undefined,
        }),
      )
      expect({ ...again, correlationId: message.correlationId }).to.deep.equal({ ...message, sentAt: NOW, body: again.body })
    }
  })

  it('marks Python values as kombu 5.6 does', () => {
    const expected = fixture('task-json-types').body_decoded as readonly [readonly unknown[]]
    const args = [
      new Date('2024-02-29T12:30:01.250Z'),
      new CalendarDate('2024-02-29'),
      new ClockTime('01:02:03'),
      new Uuid('12345678123456781234567812345678'),
      new Decimal('10.250'),
      Buffer.from('plain bytes'),
      Buffer.from('fffe00', 'hex'),
    ]

    const { body, headers } = comparable(encoder.encode({ id: 'i', task: 't', args, queue: 'q' }))

    const [aware, , ...others] = expected[0]
    expect((body as readonly unknown[])[0]).to.deep.equal([aware, ...others.slice(0, 6)])
    expect(headers['argsrepr']).to.equal(
      '(datetime.datetime(2024, 2, 29, 12, 30, 1, 250000, tzinfo=datetime.timezone.utc), datetime.date(2024, 2, 29), datetime.time(1, 2, 3), ' +
        "UUID('12345678-1234-5678-1234-567812345678'), Decimal('10.250'), b'plain bytes', b'fffe00')",
    )
  })

  it('sends the strings of kombu 5.2 when told to do without markers', () => {
    const expected = messageIn(messageOf('celery52-task-json-types'))
    const args = [
      new Date('2024-02-29T12:30:00Z'),
      new CalendarDate('2024-02-29'),
      new ClockTime('01:02:03'),
      new Uuid('12345678-1234-5678-1234-567812345678'),
      new Decimal('10.250'),
    ]

    const ours = messageIn(plainEncoder.encode({ id: 'i', task: 't', args, queue: 'q' }))

    expect(ours.args).to.deep.equal([expected.args[0], ...expected.args.slice(2)])
    expect(messageIn(plainEncoder.encode({ id: 'i', task: 't', args: [new Date(1.5e12 + 7)], queue: 'q' })).args).to.deep.equal([
      '2017-07-14T02:40:00.007000Z',
    ])
  })

  it('adds user headers beside its own, which they cannot replace, and the place of the call', () => {
    const headers = { 'x-trace': 'č', retries: 99, id: 'other', when: new Date(0), sent_from: 'user', nothing: undefined }

    const message = messageIn(encoder.encode({ id: 'i', task: 't', args: [], queue: 'q', headers }, '"web.ts:3"'))

    expect(message).to.include({ id: 'i', retries: 0 })
    expect(message.headers).to.deep.equal({ sent_from: 'web.ts:3', 'x-trace': 'č', when: new Date(0) })
  })

  it('says when it was sent, and a retry when that was; Celery passes it by', () => {
    const raw = encoder.encode({ id: 'i', task: 't', args: [], queue: 'q', headers: { sent_at: 5, mine: 1 } })
    const later = createEncoder({ origin: 'gen1@vm', replyTo: 'reply', markers: true, now: () => NOW + 1500 })

    expect(raw).to.contain('"sent_at": 1795328752.923')
    expect(messageIn(raw)).to.deep.include({ sentAt: NOW, headers: { mine: 1 } })
    expect(messageIn(later.encodeRetry(messageIn(raw), { retries: 1, queue: 'q', priority: 0 }))).to.deep.include({
      sentAt: NOW + 1500,
      headers: { mine: 1 },
    })
  })

  it('keeps a header sent_at of the user that is no number', () => {
    const message = messageIn(encoder.encode({ id: 'i', task: 't', args: [], queue: 'q', headers: { sent_at: 'noon', none: null } }))
    const again = messageIn(encoder.encodeRetry(message, { retries: 1, queue: 'q', priority: 0 }))
    const empty = messageIn(encoder.encode({ id: 'i', task: 't', args: [], queue: 'q', headers: { sent_at: null } }))

    for (const one of [message, again]) expect(one).to.deep.include({ sentAt: null, headers: { sent_at: 'noon', none: null } })
    expect(empty).to.deep.include({ sentAt: NOW, headers: {} })
  })

  it('is all ASCII', () => {
    const raw = encoder.encode({ id: 'ž', task: 'úloha', args: ['日本語'], queue: 'fronta-č', stamps: { ž: 'ř' }, headers: { ď: 'ť' } })

    expect(raw).to.match(/^[\x20-\x7e]*$/)
    expect(messageIn(raw)).to.deep.include({ id: 'ž', task: 'úloha', queue: 'fronta-č', argsrepr: "('日本語',)", stamps: { ž: 'ř' } })
  })

  it('gives every message a delivery tag of its own', () => {
    const tags = [1, 2].map(() => comparableTag(encoder.encode({ id: 'i', task: 't', args: [], queue: 'q' })))

    expect(new Set(tags).size).to.equal(2)
  })

  it('names what cannot be sent', () => {
    const cases: readonly (readonly [Partial<TaskCall>, string])[] = [
      [{ args: [{ x: [() => 1] }] }, 'args[0].x[0]: a function cannot be sent'],
      [{ kwargs: { s: new Set() } }, 'kwargs.s: a Set cannot be sent'],
      [{ headers: { p: Promise.resolve() } }, 'headers.p: a promise cannot be sent'],
      [{ eta: Number.NaN }, 'eta: outside the years 1 to 9999'],
      [{ eta: Number.POSITIVE_INFINITY }, 'eta: outside the years 1 to 9999'],
      [{ timeLimit: Number.NaN }, 'timeLimit: NaN cannot be sent'],
      [{ id: 'a b' }, 'id: a task id has 1 to 255 visible characters'],
      [{ task: '' }, 'task: the name of a task is missing'],
    ]
    for (const [change, message] of cases) {
      expect(() => encoder.encode({ id: 'i', task: 't', args: [], queue: 'q', ...change })).to.throw(CelerityError, message)
    }
  })

  it('is read back as it was, whatever the arguments', () => {
    fc.assert(
      fc.property(fc.array(wireValue), fc.dictionary(wireKey, wireValue), (args, kwargs) => {
        const message = messageIn(encoder.encode({ id: 'i', task: 't', args, kwargs, queue: 'q' }))

        expect(message.args).to.deep.equal(args)
        expect(message.kwargs).to.deep.equal(kwargs)
      }),
      { numRuns: 500 },
    )
  })
})

describe('encoding a retry', () => {
  it('gives what Celery republishes: same body, its own id as parent, the origin as a property', () => {
    const [first, second] = messagesOf('retry-republish')
    if (first === undefined || second === undefined) throw new Error('no messages')
    const eta = messageIn(second).eta ?? 0

    const ours = encoder.encodeRetry(messageIn(first), { retries: 1, eta, queue: 'celery', priority: 0 })

    expect(comparable(ours)).to.deep.equal(comparable(second))
    expect(Object.keys(JSON.parse(ours).properties)).to.deep.equal(Object.keys(JSON.parse(second.toString()).properties))
    expect(JSON.parse(ours).properties.origin).to.equal(JSON.parse(second.toString()).properties.origin)
    expect(JSON.parse(ours).body).to.equal(JSON.parse(first.toString()).body)
  })

  it('keeps a compressed body and a plain one, links, chain and user headers', () => {
    for (const name of ['task-compressed-zlib', 'handmade-minimal-plain-body', 'chain-3', 'link', 'task-custom-id', 'chord-2']) {
      const message = messageIn(messageOf(name))
      const again = messageIn(encoder.encodeRetry(message, { retries: 2, queue: 'q', priority: 6, headers: { try: 2 } }))

      for (const field of ['args', 'kwargs', 'callbacks', 'chain', 'chord', 'rootId', 'compression', 'argsrepr', 'group'] as const) {
        expect(again[field], `${name} ${field}`).to.deep.equal(message[field])
      }
      expect(again).to.deep.include({ retries: 2, queue: 'q', priority: 6, parentId: message.id, headers: { ...message.headers, try: 2 } })
    }
  })

  it('takes new arguments, and keeps what follows the task', () => {
    const message = messageIn(messageOf('link'))

    const again = messageIn(encoder.encodeRetry(message, { retries: 1, args: [7], kwargs: { k: 1 }, queue: 'q', priority: 0 }))

    expect(again).to.deep.include({ args: [7], kwargs: { k: 1 }, argsrepr: '(7,)', kwargsrepr: "{'k': 1}", callbacks: message.callbacks })
  })

  it('turns a message of protocol 1 into one of protocol 2', () => {
    const message = messageIn(messageOf('variant-protocol-1'))

    const again = messageIn(encoder.encodeRetry(message, { retries: 1, queue: 'celery', priority: 0 }))

    expect(again).to.deep.include({
      protocol: 2,
      id: message.id,
      args: message.args,
      callbacks: message.callbacks,
      expires: message.expires,
    })
  })
})

function comparableTag(raw: string): unknown {
  return (JSON.parse(raw) as Envelope).properties['delivery_tag']
}
