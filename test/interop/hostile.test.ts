import { deflateSync } from 'node:zlib'
import { expect } from 'chai'
import { resultKey } from '../../src/protocol/result.js'
import { anEnvelope, type EnvelopeChanges } from '../protocol/envelope.js'
import { Scene } from './scene.js'
import { Target } from './target.js'

/** Among the dead letters with this reason; and, where its id could be read, failed for who waits. */
type Ending = { readonly dead: string; readonly state?: 'FAILURE' } | { readonly state: string; readonly dead?: undefined }

interface Bad {
  readonly what: string
  /** The id it can be asked for by. */
  readonly id: string
  readonly raw: Buffer
  readonly ending: Ending
}

const QUEUE = 'hostile'
const ENVELOPE = { dead: 'malformed-envelope' } as const
const BODY = { dead: 'malformed-body', state: 'FAILURE' } as const
const HEADERS = { dead: 'malformed-headers', state: 'FAILURE' } as const
/** Text that would move the cursor, reverse the line, or end it. */
const ESCAPES = '\u001b[2J\u001b]0;owned\u0007\u202e\u200b\u0000\r\n'

let made = 0

function bytes(what: string, raw: Buffer | string, ending: Ending = ENVELOPE): Bad {
  return { what, id: '', raw: Buffer.from(raw), ending }
}

/** A good call of `kuma.collect` with something changed. */
function changed(what: string, changes: EnvelopeChanges, ending: Ending): Bad {
  const id = `hostile-${++made}`
  const raw = anEnvelope({ ...changes, headers: { task: 'kuma.collect', id, ...changes.headers } })
  return { what, id, raw, ending }
}

const inHeaders = (what: string, headers: EnvelopeChanges['headers'], ending: Ending = HEADERS) =>
  changed(what, headers === undefined ? {} : { headers }, ending)
const inBody = (what: string, body: unknown, ending: Ending = BODY) => changed(what, { body }, ending)
const plainBody = (what: string, body: string, ending: Ending = BODY) =>
  changed(what, { envelope: { body }, properties: { body_encoding: 'utf-8' } }, ending)

const step = (options: object = {}) => ({ task: 'kuma.add', args: [], kwargs: {}, options, subtask_type: null, immutable: false })

/** By the fault catalogue: not JSON, not a message, wrong fields, wrong bodies, too much of it, and what is only odd. */
const CORPUS: readonly Bad[] = [
  bytes('nothing at all', ''),
  bytes('a space', ' '),
  bytes('bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3])),
  bytes('escape sequences', ESCAPES),
  bytes('half an envelope', anEnvelope().subarray(0, 100)),
  bytes('an envelope and more', Buffer.concat([anEnvelope(), Buffer.from('{}')])),
  bytes('null', 'null'),
  bytes('a number that is none', 'NaN'),
  bytes('a list', '[[], {}, {}]'),
  bytes('an empty object', '{}'),
  bytes('five million brackets', '['.repeat(5_000_000), { dead: 'too-deep' }),
  bytes('seventeen megabytes', `{"body": "${'x'.repeat(17 * 1024 * 1024)}"}`, { dead: 'too-large' }),

  changed('no properties', { envelope: { properties: undefined } }, { dead: 'malformed-envelope', state: 'FAILURE' }),
  changed('a list for headers', { envelope: { headers: [] } }, ENVELOPE),
  changed('a number for the routing key', { properties: { delivery_info: { routing_key: 3 } } }, { dead: 'malformed-envelope' }),
  changed('an encoding of the body that is none', { properties: { body_encoding: 'rot13' } }, { dead: 'malformed-envelope' }),
  changed('text for a priority', { properties: { priority: 'high' } }, { dead: 'malformed-envelope' }),

  inHeaders('no id', { id: undefined }, { dead: 'malformed-headers' }),
  inHeaders('an object for an id', { id: { $ne: null } }, { dead: 'malformed-headers' }),
  inHeaders('a megabyte of id', { id: 'x'.repeat(1_048_576) }, { dead: 'malformed-headers' }),
  inHeaders('an id with line ends', { id: 'a\r\nSET x 1\r\n' }, { dead: 'malformed-headers' }),
  inHeaders('an id that steps up a path', { id: '../../etc/passwd' }, { dead: 'malformed-headers' }),
  inHeaders('a list for a task', { task: ['kuma.add'] }),
  inHeaders('an eta that is a word', { eta: 'tomorrow' }),
  inHeaders('an eta past the year 9999', { eta: '9999-12-31T23:59:59-10:00' }),
  inHeaders('an object for expires', { expires: {} }),
  inHeaders('negative retries', { retries: -1 }),
  inHeaders('an endless time limit', { timelimit: [1e300, null] }),
  inHeaders('a time limit that is text', { timelimit: ['5', null] }),

  changed('damaged base64', { envelope: { body: 'W1tdLCB7fSwge31d!' } }, BODY),
  changed('a body that is no UTF-8', { envelope: { body: Buffer.from([0x5b, 0xff, 0x5d]).toString('base64') } }, BODY),
  plainBody('a body that is no JSON', '{oops'),
  inBody('a body of two', [[], {}]),
  inBody('args that are an object', [{}, {}, {}]),
  inBody('a marker that holds nonsense', [[{ __type__: 'datetime', __value__: 'soon' }], {}, {}]),
  inBody('callbacks that are a number', [[], {}, { callbacks: 5 }]),
  inBody('a chain of numbers', [[], {}, { chain: [1, 2] }]),
  plainBody('a body of 100,000 levels', `[${'['.repeat(100_000)}`, { dead: 'too-deep', state: 'FAILURE' }),
  plainBody('callbacks in callbacks, 600 deep', nested(600), { dead: 'too-deep', state: 'FAILURE' }),

  changed('pickle', { envelope: { 'content-type': 'application/x-python-serialize', body: 'gASVAAAA' } }, refused('content-disallowed')),
  changed('YAML that would run code', { envelope: { 'content-type': 'application/x-yaml', body: yaml() } }, refused('content-disallowed')),
  changed('no content type', { envelope: { 'content-type': undefined } }, refused('content-disallowed')),
  inHeaders('a compression that nobody knows', { compression: 'application/x-rar' }, refused('compression')),
  inHeaders('a body that is not compressed as it says', { compression: 'application/x-gzip' }, refused('compression')),
  changed('a bomb: 70 MB in 70 kB', { headers: { compression: 'application/x-gzip' }, envelope: { body: bomb() } }, refused('too-large')),

  inHeaders('a task that nobody has', { task: 'no.such.task' }, refused('unregistered')),
  inHeaders('a task whose name is escape sequences', { task: `x${ESCAPES}` }, refused('unregistered')),
  inHeaders('a task that is a property of every object', { task: 'constructor' }, refused('unregistered')),
  inHeaders('__proto__ for a task', { task: '__proto__' }, refused('unregistered')),
  inBody('the join of a chord', [[], {}, { chord: step({ task_id: 'hostile-chord' }) }], refused('unsupported')),

  changed(
    'an error handler that fails',
    { headers: { task: 'kuma.fail' }, body: [[], {}, { errbacks: [{ ...step(), task: 'kuma.fail' }] }] },
    { state: 'FAILURE' },
  ),
  changed(
    'a chain of 2,000 after a failure',
    { headers: { task: 'kuma.fail' }, body: [[], {}, { chain: chain(2_000) }] },
    { state: 'FAILURE' },
  ),
  inBody('a callback with nonsense for options', [[], {}, { callbacks: [step({ queue: 5, eta: [], task_id: {} })] }], { state: 'SUCCESS' }),
  inHeaders('headers of ours with nonsense in them', { sent_from: { at: 5 }, celerity_slot: 'soon' }, { state: 'SUCCESS' }),
  plainBody('prototypes', `[[${poison()}], ${poison()}, {}]`, { state: 'SUCCESS' }),
  inBody('lone surrogates and escapes', [['\ud800', ESCAPES, '🎉'], {}, {}], { state: 'SUCCESS' }),
]

function refused(dead: string): Ending {
  return { dead, state: 'FAILURE' }
}

function chain(steps: number): readonly object[] {
  return Array.from({ length: steps }, (_, at) => step({ task_id: `chained-${at}` }))
}

function nested(levels: number): string {
  const open = '{"task": "kuma.add", "options": {"link": ['
  return `[[], {}, {"callbacks": [${open.repeat(levels)}${']}}'.repeat(levels)}]}]`
}

function yaml(): string {
  return Buffer.from('- !!python/object/apply:os.system ["touch owned"]').toString('base64')
}

function bomb(): string {
  return deflateSync(Buffer.alloc(70 * 1024 * 1024, '[')).toString('base64')
}

function poison(): string {
  return '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "ok": 1}'
}

describe('hostile messages in a real queue', function () {
  this.timeout(30_000)
  let scene: Scene
  let target: Target

  before(async function () {
    scene = await Scene.open(this, { python: false })
    target = await Target.open(scene, QUEUE, { jsonTypeMarkers: true })
  })
  after(() => scene?.close())

  describe('leave the worker up, and end among the dead letters or in a final state:', () => {
    for (const { what, id, raw, ending } of CORPUS) {
      it(what, async () => {
        await target.take(raw)

        if (ending.dead !== undefined) expect(await target.deadLetter(raw)).to.include({ reason: ending.dead, queue: QUEUE })
        if (ending.state !== undefined) expect(await target.ends(id)).to.equal(ending.state)
      })
    }
  })

  describe('all of them', () => {
    it('have left a sentence each about what is wrong', async () => {
      const letters = await scene.dead(QUEUE)

      expect(letters).to.have.length(CORPUS.filter(({ ending }) => ending.dead !== undefined).length)
      for (const { detail, reason } of letters) expect(detail.length, `${reason}: ${detail}`).to.be.within(10, 300)
    })

    it('have reached no terminal: the log holds no control characters of theirs', () => {
      expect(target.log).not.to.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    })

    it('have told those who wait for what would have followed', async () => {
      expect(await target.ends('chained-0')).to.equal('FAILURE')
      expect(await target.ends('chained-1999')).to.equal('FAILURE')
      expect(await scene.app.result('hostile-chord').get({ timeout: 10, propagate: false })).to.include({ pythonType: 'ChordError' })
    })
  })

  describe('that are only odd', () => {
    it('with an id twice run twice, and have one result', async () => {
      const raw = anEnvelope({ headers: { task: 'kuma.record', id: 'twice' }, body: [['twice'], {}, {}] })
      await scene.redis.lpush(QUEUE, raw)

      await target.take(raw)

      expect(await target.ends('twice')).to.equal('SUCCESS')
      expect(scene.ledger().filter((line) => line === 'node twice')).to.have.length(2)
    })

    it('with the id of a task that has succeeded do not take its result from it', async () => {
      await target.take(anEnvelope({ headers: { task: 'kuma.collect', id: 'again' }, body: [['first'], {}, {}] }))
      expect(await target.ends('again')).to.equal('SUCCESS')

      await target.take(anEnvelope({ headers: { task: 'kuma.fail', id: 'again' }, body: [['ValueError', 'second'], {}, {}] }))
      await target.take(anEnvelope({ headers: { task: 'no.such.task', id: 'again' } }))

      const stored = await scene.redis.get(resultKey('', 'again'))
      expect(JSON.parse(stored ?? '')).to.deep.include({ status: 'SUCCESS', result: ['first'] })
    })

    it('find garbage where their result goes, and put it right', async () => {
      await scene.redis.set(resultKey('', 'garbage'), '{"status": ')
      await scene.redis.lpush(resultKey('', 'a-list'), 'x')

      for (const id of ['garbage', 'a-list']) {
        await target.take(anEnvelope({ headers: { task: 'kuma.collect', id }, body: [[id], {}, {}] }))
        expect(await scene.app.result(id).get({ timeout: 10 })).to.deep.equal([id])
      }
    })

    it('that name an exception of another kind make no object of it', async () => {
      const result = { exc_type: 'exec', exc_message: ['touch owned'], exc_module: 'child_process' }
      const json = JSON.stringify({ status: 'FAILURE', result, traceback: null, children: [], date_done: null, task_id: 'remote' })
      await scene.redis.set(resultKey('', 'remote'), json)

      const error = await scene.app.result('remote').get({ timeout: 10, propagate: false })

      expect(error).to.include({ pythonType: 'exec', pythonModule: 'child_process', code: 'E_TASK_FAILED' })
    })

    it('in one queue do not keep another from being served, not even when its key is no list', async () => {
      await scene.redis.del(`${QUEUE}-too`)
      await scene.redis.set(`${QUEUE}-too`, 'no list')

      await target.take('not json either')

      expect(target.log).to.match(new RegExp(`queue ${QUEUE}-too can't be read: .*WRONGTYPE`))
    })
  })
})
