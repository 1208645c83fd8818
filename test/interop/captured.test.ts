import { expect } from 'chai'
import { resultKey } from '../../src/protocol/result.js'
import { fixture, fixtureNames, messageOf } from '../protocol/fixtures.js'
import { Scene } from './scene.js'
import { Target } from './target.js'

/** What becomes of the messages that were made by hand: the final state of the task, or the reason among the dead letters. */
const HANDMADE: Readonly<Record<string, { readonly state: string } | { readonly dead: string }>> = {
  'handmade-body-object-kwargs-list': { dead: 'malformed-body' },
  'handmade-embed-null': { state: 'SUCCESS' },
  'handmade-eta-bad': { dead: 'malformed-headers' },
  'handmade-eta-ms-z': { state: 'SUCCESS' },
  'handmade-eta-z': { state: 'SUCCESS' },
  'handmade-expires-past': { state: 'REVOKED' },
  'handmade-garbage-object': { dead: 'malformed-headers' },
  'handmade-minimal': { state: 'SUCCESS' },
  'handmade-minimal-plain-body': { state: 'SUCCESS' },
  'handmade-no-delivery-tag': { state: 'SUCCESS' }, // a real Celery worker exits here, and at the one that is no JSON
  'handmade-no-lang': { state: 'SUCCESS' },
  'handmade-not-json-content': { dead: 'malformed-body' },
  'handmade-not-json-envelope': { dead: 'malformed-envelope' },
  'handmade-pickle-content': { dead: 'content-disallowed' },
  'handmade-v1': { state: 'SUCCESS' },
}

describe('messages captured from real programs, put into a real queue', function () {
  this.timeout(20_000)
  let scene: Scene
  let target: Target

  before(async function () {
    scene = await Scene.open(this, { python: false })
    target = await Target.open(scene, 'celery', { jsonTypeMarkers: true })
  })
  after(() => scene?.close())

  it('of Celery 5.6 bring dates, decimals, uuids and bytes to the handler', async () => {
    const result = await run(messageOf('task-json-types'))

    expect(result).to.deep.equal([
      { Date: '2024-02-29T12:30:01.250Z' },
      { Date: '2024-02-29T12:30:00.000Z' },
      { CalendarDate: '2024-02-29' },
      { ClockTime: '01:02:03' },
      { Uuid: '12345678-1234-5678-1234-567812345678' },
      { Decimal: '10.250' },
      { Buffer: Buffer.from('plain bytes').toString('hex') },
      { Buffer: 'fffe00' },
      [1, [2, 3]],
      { d: { when: { Date: '2023-12-31T18:30:00.000Z' } } },
    ])
  })

  it('of Celery 5.6 get their markers back in the result', async () => {
    const raw = withTask(messageOf('task-json-types'), 'kuma.collect', 'markers-back')

    await run(raw)

    const [sent] = fixture('task-json-types').body_decoded as [unknown[]]
    const stored = JSON.parse((await scene.redis.get(resultKey('', 'markers-back'))) ?? '') as { result: unknown[] }
    const dates = ['2024-02-29T12:30:01.250000+00:00', '2024-02-29T12:30:00+00:00']
    expect(stored.result.slice(0, 2)).to.deep.equal(dates.map((value) => ({ __type__: 'datetime', __value__: value })))
    expect(stored.result.slice(2, 9)).to.deep.equal(sent.slice(2, 9))
  })

  it('of Celery 5.2 bring the same as strings', async () => {
    expect(await run(messageOf('celery52-task-json-types'))).to.deep.equal([
      '2024-02-29T12:30:00Z',
      '2024-02-29T12:30:00.123456',
      '2024-02-29T00:00:00',
      '01:02:03',
      '12345678-1234-5678-1234-567812345678',
      '10.250',
    ])
  })

  it('keep numbers that JSON has not, and those beyond 2^53', async () => {
    const result = await run(messageOf('task-numbers'))

    const large = [{ bigint: '9007199254740992' }, { bigint: '18446744073709551616' }]
    expect(result).to.deep.equal([...large, -1, 0.1, 1e300, 1e-7, { number: 'Infinity' }, { number: 'NaN' }, 1])
  })

  it('keep text of all planes', async () => {
    const [args, kwargs] = fixture('task-unicode').body_decoded as [string[], object]

    expect(await run(messageOf('task-unicode'))).to.deep.equal([...args, kwargs])
  })

  for (const compression of ['zlib', 'gzip', 'brotli']) {
    it(`are read when they are compressed with ${compression}`, async () => {
      expect(await run(messageOf(`task-compressed-${compression}`))).to.deep.equal(['x'.repeat(200)])
    })
  }

  for (const [name, reason] of [
    ['task-compressed-bzip2', 'compression'],
    ['task-compressed-lzma', 'compression'],
    ['task-msgpack', 'content-disallowed'],
    ['task-pickle', 'content-disallowed'],
    ['task-signed-auth', 'content-disallowed'],
    ['task-yaml', 'content-disallowed'],
  ] as const) {
    it(`are refused where nobody here reads them, and the sender hears of it: ${name}`, async () => {
      const raw = messageOf(name)

      await target.take(raw)

      expect(await target.deadLetter(raw)).to.include({ reason })
      expect(await target.ends(idOf(raw))).to.equal('FAILURE')
    })
  }

  for (const name of fixtureNames('handmade-')) {
    it(`leave the worker up, and end somewhere: ${name}`, async () => {
      const raw = messageOf(name)
      const expected = HANDMADE[name]
      if (expected === undefined) throw new Error('say above what becomes of it')

      await target.take(raw)

      if ('dead' in expected) expect(await target.deadLetter(raw)).to.include({ reason: expected.dead })
      else expect(await target.ends(idOf(raw))).to.equal(expected.state)
    })
  }

  /** What the task returns that the message asks for. */
  async function run(raw: Buffer): Promise<unknown> {
    await target.take(raw)
    return scene.app.result(idOf(raw)).get({ timeout: 10 })
  }
})

interface Envelope {
  readonly headers: { task?: string; id?: string }
  readonly properties: { readonly correlation_id?: string }
  readonly body: string
}

function idOf(raw: Buffer): string {
  const { headers, body } = JSON.parse(raw.toString()) as Envelope
  return headers.id ?? (JSON.parse(Buffer.from(body, 'base64').toString()) as { id: string }).id // protocol 1 has it in the body
}

/** The same bytes with another task and id. */
function withTask(raw: Buffer, task: string, id: string): Buffer {
  const { headers } = JSON.parse(raw.toString()) as Envelope
  return Buffer.from(raw.toString().replace(`"${headers.task}"`, `"${task}"`).replaceAll(`"${headers.id}"`, `"${id}"`))
}
