import { deflateSync } from 'node:zlib'
import { expect } from 'chai'
import { type BadMessage, DEFAULT_LIMITS, decodeMessage } from '../../src/protocol/message.js'
import { anEnvelope, type EnvelopeChanges } from './envelope.js'

function refusal(raw: Uint8Array, limits = DEFAULT_LIMITS): BadMessage {
  const result = decodeMessage(raw, limits)
  if (result.ok) throw new Error('it was read')
  return result.bad
}

/** What is wrong, the envelope, the code, and how the detail starts. */
const FIELDS: readonly (readonly [string, EnvelopeChanges, string, string])[] = [
  ['no id (a crash loop in Celery)', { headers: { id: undefined } }, 'malformed-headers', 'headers.id: '],
  ['an object for an id', { headers: { id: {} } }, 'malformed-headers', 'headers.id: '],
  ['an id of 256 characters', { headers: { id: 'x'.repeat(256) } }, 'malformed-headers', 'headers.id: '],
  ['an id with a line end', { headers: { id: 'a\r\nb' } }, 'malformed-headers', 'headers.id: '],
  ['an id that steps up a path', { headers: { id: '../../etc/passwd' } }, 'malformed-headers', 'headers.id: '],
  ['an id with a lone surrogate', { headers: { id: 'a\ud800' } }, 'malformed-headers', 'headers.id: '],
  ['null for a task', { headers: { task: null } }, 'malformed-headers', 'headers.task: '],
  ['a number for a task', { headers: { task: 5 } }, 'malformed-headers', 'headers.task: '],
  ['a task name of a megabyte', { headers: { task: 'x'.repeat(1_000_000) } }, 'malformed-headers', 'headers.task: '],
  ['a list for headers', { envelope: { headers: [] } }, 'malformed-envelope', 'headers: '],
  ['no headers', { envelope: { headers: undefined } }, 'malformed-envelope', 'headers: '],
  ['no properties', { envelope: { properties: undefined } }, 'malformed-envelope', 'properties: '],
  ['text for properties', { envelope: { properties: 'x' } }, 'malformed-envelope', 'properties: '],
  ['a list for delivery_info', { properties: { delivery_info: [] } }, 'malformed-envelope', 'properties.delivery_info: '],
  [
    'a number for the routing key',
    { properties: { delivery_info: { routing_key: 3 } } },
    'malformed-envelope',
    'properties.delivery_info.routing_key: ',
  ],
  ['text for a priority', { properties: { priority: '3' } }, 'malformed-envelope', 'properties.priority: '],
  ['a huge priority', { properties: { priority: 1e300 } }, 'malformed-envelope', 'properties.priority: '],
  ['an unknown body encoding', { properties: { body_encoding: 'hex' } }, 'malformed-envelope', 'properties.body_encoding: '],
  ['an unknown text encoding', { envelope: { 'content-encoding': 'utf-16' } }, 'malformed-envelope', 'content-encoding: '],
  ['no content type', { envelope: { 'content-type': undefined } }, 'content-disallowed', 'content-type: '],
  ['an object for a content type', { envelope: { 'content-type': {} } }, 'content-disallowed', 'content-type: '],
  ['no body', { envelope: { body: undefined } }, 'malformed-envelope', 'body: '],
  ['an object for a body', { envelope: { body: {} } }, 'malformed-envelope', 'body: '],
  ['negative retries', { headers: { retries: -1 } }, 'malformed-headers', 'headers.retries: '],
  ['half a retry', { headers: { retries: 0.5 } }, 'malformed-headers', 'headers.retries: '],
  ['text for retries', { headers: { retries: '1' } }, 'malformed-headers', 'headers.retries: '],
  ['one time limit', { headers: { timelimit: [1] } }, 'malformed-headers', 'headers.timelimit: '],
  ['text in the time limits', { headers: { timelimit: ['5', null] } }, 'malformed-headers', 'headers.timelimit[0]: '],
  ['a negative time limit', { headers: { timelimit: [null, -1] } }, 'malformed-headers', 'headers.timelimit[1]: '],
  ['an endless time limit', { headers: { timelimit: [1e300, null] } }, 'malformed-headers', 'headers.timelimit[0]: '],
  ['a word for an eta', { headers: { eta: 'tomorrow' } }, 'malformed-headers', 'headers.eta: '],
  ['a number for an eta', { headers: { eta: 5 } }, 'malformed-headers', 'headers.eta: '],
  ['an eta in the year 0', { headers: { eta: '0000-01-01T00:00:00' } }, 'malformed-headers', 'headers.eta: '],
  ['an eta past the year 9999', { headers: { eta: '9999-12-31T23:59:59-10:00' } }, 'malformed-headers', 'headers.eta: '],
  ['a day that is none', { headers: { expires: '2023-02-29T00:00:00Z' } }, 'malformed-headers', 'headers.expires: '],
  ['a number for a parent', { headers: { parent_id: 5 } }, 'malformed-headers', 'headers.parent_id: '],
  ['text for a flag', { headers: { ignore_result: 'yes' } }, 'malformed-headers', 'headers.ignore_result: '],
  ['a list for stamps', { headers: { stamps: [] } }, 'malformed-headers', 'headers.stamps: '],
  ['numbers for names of stamps', { headers: { stamped_headers: [1] } }, 'malformed-headers', 'headers.stamped_headers: '],
  ['an unknown compression', { headers: { compression: 'application/x-rar' } }, 'compression', 'headers.compression: "application/x-rar"'],
  ['a body that is not compressed as it says', { headers: { compression: 'application/x-gzip' } }, 'compression', 'headers.compression: '],
  ['args that are no list', { body: [{}, {}, {}] }, 'malformed-body', 'body[0]: '],
  ['kwargs that are a list', { body: [[], [], {}] }, 'malformed-body', 'body[1]: '],
  ['an embed that is a list', { body: [[], {}, []] }, 'malformed-body', 'body[2]: '],
  ['a body of two', { body: [[], {}] }, 'malformed-body', 'body: '],
  ['a body that is a number', { body: 5 }, 'malformed-body', 'body: '],
  ['callbacks that are a number', { body: [[], {}, { callbacks: 5 }] }, 'malformed-body', 'body[2].callbacks: '],
  ['a callback without a task', { body: [[], {}, { callbacks: [{ args: [] }] }] }, 'malformed-body', 'body[2].callbacks[0].task: '],
  ['a chain of numbers', { body: [[], {}, { chain: [1] }] }, 'malformed-body', 'body[2].chain[0]: '],
  ['a chord that is text', { body: [[], {}, { chord: 'x' }] }, 'malformed-body', 'body[2].chord: '],
  [
    'a marker that holds nonsense',
    { body: [[{ __type__: 'datetime', __value__: 'soon' }], {}, {}] },
    'malformed-body',
    'body: not JSON (a marker',
  ],
]

describe('bad messages', () => {
  for (const [what, changes, code, start] of FIELDS) {
    it(`are refused with the path of the field: ${what}`, () => {
      const bad = refusal(anEnvelope(changes))

      expect(bad.code, bad.detail).to.equal(code)
      expect(bad.detail.slice(0, start.length)).to.equal(start)
    })
  }

  it('are refused when the bytes are no envelope', () => {
    for (const text of ['', ' ', 'x', 'null', '5', '[]', '"x"', '{', '{}', '{"body": "x"}', '\0', 'NaN', '{"headers": {}}']) {
      expect(refusal(Buffer.from(text)).code, text).to.equal('malformed-envelope')
    }
    expect(refusal(Buffer.from([0xff, 0xfe, 0x00])).detail).to.equal('envelope: not UTF-8')
  })

  it('are refused when the base64 is damaged, where Node would read on', () => {
    for (const body of [
      'W1sxLCAyXSwge30sIHt9XQ',
      'W1sxLCAyXSwge30sIHt9XQ=',
      'W1sx LCAyXSwge30sIHt9XQ==',
      'W1sx-CAyXSwge30sIHt9XQ==',
      'W1==LCAyXSwge30s',
      '=',
      'é===',
    ]) {
      expect(refusal(anEnvelope({ envelope: { body } })), body).to.include({ code: 'malformed-body', detail: 'body: damaged base64' })
    }
  })

  it('are refused when the body is not UTF-8', () => {
    expect(refusal(anEnvelope({ envelope: { body: Buffer.from([0x5b, 0xff, 0x5d]).toString('base64') } })).detail).to.equal(
      'body: not UTF-8',
    )
  })

  it('never decode content of a type that was not agreed on, not even its base64', () => {
    const bad = refusal(anEnvelope({ envelope: { 'content-type': 'application/x-yaml', body: '!!' } }))

    expect(bad).to.include({ code: 'content-disallowed', id: 'id-1', task: 'proj.add' })
    expect(refusal(anEnvelope(), { ...DEFAULT_LIMITS, acceptContent: new Set() }).code).to.equal('content-disallowed')
    const yaml = { ...DEFAULT_LIMITS, acceptContent: new Set(['application/x-yaml']) }
    expect(refusal(anEnvelope({ envelope: { 'content-type': 'application/x-yaml' } }), yaml).code).to.equal('content-disallowed')
  })

  it('are refused by size before they are looked at', () => {
    expect(refusal(Buffer.alloc(2000, 'x'), { ...DEFAULT_LIMITS, maxBytes: 1999 })).to.include({ code: 'too-large', id: null })
  })

  it('are refused when a small body would decompress to a huge one', () => {
    const bomb = deflateSync(Buffer.alloc(40_000_000, '['))
    const raw = anEnvelope({ headers: { compression: 'application/x-gzip' }, envelope: { body: bomb.toString('base64') } })

    const bad = refusal(raw, { ...DEFAULT_LIMITS, maxBodyBytes: 1_000_000 })

    expect(bad).to.include({ code: 'too-large', detail: 'body: more than 1000000 bytes when decompressed', id: 'id-1' })
  })

  it('are refused when they nest 100,000 or 5,000,000 levels deep, within milliseconds', () => {
    for (const levels of [513, 100_000, 5_000_000]) {
      const deep = '['.repeat(levels)
      const start = performance.now()
      const inBody = refusal(anEnvelope({ envelope: { body: deep }, properties: { body_encoding: 'utf-8' } }))
      const inEnvelope = refusal(Buffer.from(`{"headers": {"x": ${deep}`))
      const spent = performance.now() - start

      expect(inBody).to.include({ code: 'too-deep', id: 'id-1' })
      expect(inEnvelope.code).to.equal('too-deep')
      expect(spent).to.be.below(1000) // tens of milliseconds; the bound leaves room for a busy machine
    }
  })

  it('are read up to the limit of nesting', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
    const body = (levels: number) => ({ envelope: { body: `[[${nested(levels)}], {}, {}]` }, properties: { body_encoding: 'utf-8' } })

    expect(decodeMessage(anEnvelope(body(510))).ok).to.equal(true)
    expect(refusal(anEnvelope(body(511))).code).to.equal('too-deep')
  })

  it('leave no prototype behind', () => {
    const poison =
      '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "\\u005f_proto__": {"polluted": 1}, "ok": 1}'
    const raw = Buffer.from(
      `{"body": ${JSON.stringify(`[[${poison}], ${poison}, {}]`)}, "content-type": "application/json", "content-encoding": "utf-8", ` +
        `"headers": {"task": "t", "id": "i", "__proto__": {"polluted": 1}, "mine": ${poison}}, "properties": {"__proto__": null}}`,
    )

    const result = decodeMessage(raw)

    if (!result.ok) throw new Error(result.bad.detail)
    const { args, kwargs, headers } = result.message
    for (const object of [args[0], kwargs, headers['mine']]) {
      expect(Reflect.ownKeys(object as object)).to.deep.equal(['ok'])
      expect(Object.getPrototypeOf(object)).to.equal(Object.prototype)
    }
    expect(Reflect.ownKeys(headers)).to.deep.equal(['mine'])
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined)
  })

  it('never quote the contents of the message beyond the field itself', () => {
    const secret = 'hunter2'.repeat(20)

    expect(refusal(Buffer.from(`{"password": ${secret}}`)).detail).not.to.include('hunter2')
    expect(refusal(anEnvelope({ headers: { retries: secret } })).detail).not.to.include('hunter2')
  })
})

describe('a hybrid message (protocol 2 headers, protocol 1 body)', () => {
  it('is read as Celery reads it: the headers win over the body', () => {
    const body = {
      task: 'other',
      id: 'other',
      args: [1],
      kwargs: { k: 2 },
      retries: 3,
      callbacks: [{ task: 'cb' }],
      eta: '2030-01-01T00:00:00',
    }

    const result = decodeMessage(anEnvelope({ headers: { retries: 1 }, body }))

    if (!result.ok) throw new Error(result.bad.detail)
    expect(result.message).to.deep.include({ protocol: 2, id: 'id-1', task: 'proj.add', args: [1], kwargs: { k: 2 }, retries: 1 })
    expect(result.message.callbacks[0]?.task).to.equal('cb')
    expect(result.message.eta).to.equal(Date.parse('2030-01-01T00:00:00Z'))
  })
})
