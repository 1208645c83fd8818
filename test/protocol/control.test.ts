import { expect } from 'chai'
import fc from 'fast-check'
import {
  CONTROL_EXCHANGE,
  type ControlRequest,
  decodeControl,
  decodeReply,
  encodeControl,
  encodeReply,
  REPLY_EXCHANGE,
} from '../../src/protocol/control.js'
import { CONTROL_METHODS, INSPECT_METHODS } from '../../src/protocol/control-methods.js'
import { parseJson } from '../../src/protocol/json.js'
import { fixture, fixtureNames } from './fixtures.js'

function opened(raw: string): unknown {
  const envelope = JSON.parse(raw)
  delete envelope.properties.delivery_tag
  return { ...envelope, body: parseJson(Buffer.from(envelope.body, 'base64').toString()) }
}

/** A request with any body and headers. */
function carrying(body: unknown, headers: unknown = { clock: 1, expires: 0 }): Buffer {
  const envelope = JSON.parse(encodeControl({ method: 'ping', arguments: {} }, { clock: 1, expires: 0 }))
  return Buffer.from(JSON.stringify({ ...envelope, headers, body: Buffer.from(JSON.stringify(body)).toString('base64') }))
}

function requestOf(raw: Uint8Array): ControlRequest {
  const decoded = decodeControl(raw)
  if (!decoded.ok) throw new Error(decoded.why)
  return decoded.request
}

function refusal(raw: Uint8Array): string {
  const decoded = decodeControl(raw)
  return decoded.ok ? 'no refusal' : decoded.why
}

const FIXTURES = fixtureNames('pidbox-')

describe('a control request', () => {
  it('is what Celery broadcasts, without and with an address to answer to', () => {
    const args = (id: string) => ({ task_id: id, terminate: false, signal: 'SIGTERM' })
    const reply = { ticket: 'e54377d7-1504-4f4c-95cf-dcd4e7b69bfd', routingKey: 'f2035a3d-7a43-3be7-8c5b-4316780f0533' }

    const quiet = encodeControl({ method: 'revoke', arguments: args('to-revoke-0') }, { clock: 213, expires: 1795329097.905281 })
    const asking = encodeControl(
      { method: 'revoke', arguments: args('to-revoke-1'), destination: ['w1@host1'], reply },
      { clock: 209, expires: 1795329097.3853989 },
    )

    expect(opened(quiet)).to.deep.equal(opened(fixture('pidbox-revoke-noreply').requests?.[0]?.raw ?? ''))
    expect(opened(asking)).to.deep.equal(opened(fixture('pidbox-revoke').requests?.[0]?.raw ?? ''))
    expect(CONTROL_EXCHANGE).to.equal('celery.pidbox')
  })

  it('of Celery is read, each one captured, and would be sent the same by us', () => {
    expect(FIXTURES).to.have.length.greaterThan(60)
    for (const name of FIXTURES) {
      for (const { raw } of fixture(name).requests ?? []) {
        const decoded = decodeControl(Buffer.from(raw))
        if (!decoded.ok) throw new Error(`${name}: ${decoded.why}`)
        const { clock, expires, ...request } = decoded.request

        expect(opened(encodeControl(request, { clock, expires })), name).to.deep.equal(opened(raw))
        expect(CONTROL_METHODS.has(request.method), request.method).to.equal(request.method !== 'no_such_command')
      }
    }
    expect([...INSPECT_METHODS].filter((method) => !CONTROL_METHODS.has(method))).to.deep.equal([])
  })

  it('may leave out what has a meaning when it is absent, as for kombu', () => {
    const all = { destination: undefined, reply: undefined, arguments: {}, clock: 1, expires: 0 }

    expect(requestOf(carrying({ method: 'ping' }))).to.deep.equal({ method: 'ping', ...all })
    expect(requestOf(carrying({ method: 'ping', destination: [], arguments: null }))).to.deep.equal({ method: 'ping', ...all })
    expect(requestOf(carrying({ method: 'ping', pattern: 'w*' }))).to.deep.equal({ method: 'ping', ...all })
    expect(requestOf(carrying({ method: 'ping' }, null))).to.deep.equal({ method: 'ping', ...all, clock: 0 })
    expect(requestOf(carrying({ method: 'ping' }, { clock: 'soon', expires: -1 }))).to.deep.equal({ method: 'ping', ...all, clock: 0 })
  })

  it('is none when it is hostile (M20), and it is said why', () => {
    const to = { exchange: REPLY_EXCHANGE, routing_key: 'a' }
    const bodies: [unknown, RegExp][] = [
      [null, /body.*an object/],
      [[], /body.*an object/],
      ['shutdown', /body.*an object/],
      [{}, /body\.method/],
      [{ method: 5 }, /body\.method/],
      [{ method: '' }, /body\.method/],
      [{ method: 'x'.repeat(256) }, /body\.method/],
      [{ method: 'ping', arguments: [] }, /body\.arguments/],
      [{ method: 'ping', arguments: 'x' }, /body\.arguments/],
      [{ method: 'ping', destination: 5 }, /body\.destination/],
      [{ method: 'ping', destination: 'w1@host1' }, /body\.destination/],
      [{ method: 'ping', destination: ['w1@host1', 5] }, /body\.destination/],
      [{ method: 'ping', pattern: {}, matcher: 'glob' }, /body\.pattern/],
      [{ method: 'ping', pattern: 'a'.repeat(256), matcher: 'pcre' }, /body\.pattern/],
      [{ method: 'ping', pattern: 'a', matcher: 'eval' }, /body\.matcher/],
      [{ method: 'ping', reply_to: 'x', ticket: 't' }, /body\.reply_to/],
      [{ method: 'ping', reply_to: to }, /body\.ticket/],
      [{ method: 'ping', reply_to: { ...to, routing_key: 7 }, ticket: 't' }, /routing_key/],
      [{ method: 'ping', reply_to: { ...to, exchange: 'celery' }, ticket: 't' }, /exchange: expected reply\.celery\.pidbox/],
      [{ method: 'ping', arguments: { text: 'x'.repeat(2 ** 20) } }, /1000000/],
    ]

    for (const [body, why] of bodies) expect(refusal(carrying(body)), JSON.stringify(body).slice(0, 80)).to.match(why)
    const deep = `{"method": "ping", "arguments": {"a": ${'['.repeat(100)}${']'.repeat(100)}}}`
    const envelope = JSON.parse(carrying(null).toString())
    const other = (fields: object) => Buffer.from(JSON.stringify({ ...envelope, ...fields }))
    expect(refusal(other({ body: Buffer.from(deep).toString('base64') }))).to.match(/nested deeper/)
    expect(refusal(other({ 'content-type': 'application/x-python-serialize' }))).to.match(/content-type/)
    expect(refusal(other({ body: 5 }))).to.match(/body/)
    expect(refusal(Buffer.from('null'))).to.match(/envelope/)
    expect(refusal(Buffer.alloc(0))).to.match(/envelope/)
  })

  it('reaches no prototype', () => {
    const body = '{"method": "ping", "arguments": {"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}}'
    const envelope = JSON.parse(carrying(null).toString())

    const request = requestOf(Buffer.from(JSON.stringify({ ...envelope, body: Buffer.from(body).toString('base64') })))

    expect(Object.keys(request.arguments)).to.not.include('__proto__')
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined)
    expect(CONTROL_METHODS.has('__proto__')).to.equal(false)
  })

  it('is read or refused whatever the bytes are', () => {
    const valid = fixture('pidbox-revoke').requests?.[0]?.raw ?? ''
    const damaged = fc
      .tuple(fc.nat(valid.length), fc.nat(20), fc.string({ maxLength: 20 }))
      .map(([at, length, insert]) => Buffer.from(valid.slice(0, at) + insert + valid.slice(at + length)))
    const bodies = fc.record(
      {
        method: fc.oneof(fc.string(), fc.jsonValue()),
        arguments: fc.jsonValue(),
        destination: fc.jsonValue(),
        pattern: fc.jsonValue(),
        matcher: fc.oneof(fc.constantFrom('glob', 'pcre'), fc.jsonValue()),
        ticket: fc.jsonValue(),
        reply_to: fc.oneof(fc.record({ exchange: fc.constant(REPLY_EXCHANGE), routing_key: fc.jsonValue() }), fc.jsonValue()),
      },
      { requiredKeys: [] },
    )
    const raws = fc.oneof(
      fc.uint8Array(),
      damaged,
      fc.tuple(bodies, fc.jsonValue()).map(([body, headers]) => carrying(body, headers)),
    )

    fc.assert(
      fc.property(raws, (raw) => {
        const decoded = decodeControl(raw)

        if (!decoded.ok) {
          expect(decoded.why).to.be.a('string').with.length.greaterThan(0)
          return
        }
        const { method, arguments: args, destination = [], reply, clock } = decoded.request
        expect(method).to.be.a('string')
        expect(args).to.be.an('object')
        expect(destination.every((node) => typeof node === 'string')).to.equal(true)
        expect(Number.isSafeInteger(clock)).to.equal(true)
        if (reply !== undefined)
          expect([reply.ticket, reply.routingKey]).to.satisfy((all: unknown[]) => all.every((one) => typeof one === 'string'))
      }),
    )
  })
})

describe('a control reply', () => {
  it('of Celery is read, each one captured, and would be sent the same by us', () => {
    for (const name of FIXTURES) {
      for (const { raw, key = '' } of fixture(name).replies ?? []) {
        const decoded = decodeReply(Buffer.from(raw))
        if (!decoded.ok) throw new Error(`${name}: ${decoded.why}`)
        const { ticket, clock, values } = decoded.reply
        const [[node, value] = ['', null]] = Object.entries(values)
        const stamp = { ticket, clock, routingKey: key.replace('.reply.celery.pidbox', '') }

        expect(opened(encodeReply(stamp, node, value)), name).to.deep.equal(opened(raw))
      }
    }
  })

  it('may hold the bare Infinity that Python writes', () => {
    const decoded = decodeReply(Buffer.from(fixture('pidbox-conf-defaults').replies?.[0]?.raw ?? ''))

    const conf = decoded.ok ? (decoded.reply.values['w1@host1'] as Record<string, unknown>) : {}
    expect(conf['result_backend_max_retries']).to.equal(Infinity)
  })

  it('carries names and values of any characters', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.jsonValue(), fc.string(), (node, value, ticket) => {
        fc.pre(node !== '__proto__' && !JSON.stringify(value).includes('__'))
        const decoded = decodeReply(Buffer.from(encodeReply({ ticket, routingKey: 'a"b', clock: 3 }, node, value)))

        // As text: JSON has no -0, Python's and ours has.
        expect(JSON.stringify(decoded)).to.equal(JSON.stringify({ ok: true, reply: { ticket, clock: 3, values: { [node]: value } } }))
      }),
    )
  })

  it('is read or refused whatever the bytes are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (raw) => void decodeReply(raw),
      ),
    )
    expect(decodeReply(carrying({ 'w@h': 1 }, { ticket: 5 }))).to.include({ ok: false })
    expect(decodeReply(carrying([], { ticket: 't' }))).to.include({ ok: false })
  })
})
