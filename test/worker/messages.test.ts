import { expect } from 'chai'
import { failureOf } from '../app/an-app.js'
import { Stage } from './a-worker.js'

describe('a message that cannot be run', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })
  afterEach(() => stage.end())

  const publish = async (raw: string | Buffer) => (await stage.app.broker()).publish([{ queue: 'celery', priority: 0, raw }])

  it('of an unknown task fails as NotRegistered and goes to the dead letters', async () => {
    await stage.work()

    const error = await failureOf((await stage.app.send('python.only', [1])).get({ timeout: 5 }))

    expect(error).to.include({ pythonType: 'NotRegistered', pythonModule: 'celery.exceptions', message: 'python.only' })
    expect((await stage.dead()).map(({ reason, detail }) => [reason, detail])).to.deep.equal([
      ['unregistered', 'no task python.only is registered in this worker'],
    ])
  })

  it('with wrong arguments fails with the TypeError that Python would raise', async () => {
    stage.app.task('kuma.add', { params: ['x', 'y'] }, (x: number, y: number) => x + y)
    await stage.work()

    const few = await failureOf((await stage.app.send('kuma.add', [1])).get({ timeout: 5 }))
    const unknown = await failureOf((await stage.app.send('kuma.add', [1], { kwargs: { z: 1 } })).get({ timeout: 5 }))

    expect(few).to.include({ pythonType: 'TypeError', message: "kuma.add() missing 1 required positional argument: 'y'" })
    expect(unknown).to.include({ pythonType: 'TypeError', message: "kuma.add() got an unexpected keyword argument 'z'" })
    expect(await stage.settled()).to.include({ dead: 0 })
  })

  const BAD: readonly (readonly [what: string, raw: string | Buffer, code: string])[] = [
    ['is empty', '', 'malformed-envelope'],
    ['is no JSON', '\x00\xff', 'malformed-envelope'],
    ['is null', 'null', 'malformed-envelope'],
    ['is an empty object', '{}', 'malformed-envelope'],
    ['is of another sort of content', envelope({ contentType: 'application/x-python-serialize' }), 'content-disallowed'],
    ['has an eta that is none', envelope({ headers: { eta: 'soon' } }), 'malformed-headers'],
  ]
  for (const [what, raw, code] of BAD) {
    it(`and ${what} goes to the dead letters, bytes unchanged, and the worker goes on`, async () => {
      const add = stage.app.task('kuma.add', (x: number, y: number) => x + y)
      await stage.work()
      await publish(raw)

      expect(await (await add.delay(1, 2)).get({ timeout: 5 })).to.equal(3)
      await stage.settled()
      const [letter] = await stage.dead()
      expect(letter?.reason).to.equal(code)
      expect(letter?.raw.equals(Buffer.from(raw))).to.equal(true)
    })
  }

  it('and names its id fails for who waits for it', async () => {
    await stage.work()
    await publish(envelope({ id: 'the-id', contentType: 'application/x-python-serialize' }))

    const error = await failureOf(stage.app.result('the-id').get({ timeout: 5 }))

    expect(error).to.include({ pythonType: 'ContentDisallowed', pythonModule: 'kombu.exceptions' })
  })

  it('since it is part of a chord fails, and its body with it, instead of waiting for ever', async () => {
    stage.app.task('kuma.add', (x: number, y: number) => x + y)
    const body = { task: 'kuma.sum', args: [], kwargs: {}, options: { task_id: 'the-body' }, subtask_type: null, immutable: false }
    await stage.work()
    await publish(envelope({ id: 'the-header', embed: { callbacks: null, errbacks: null, chain: null, chord: body } }))

    expect(await failureOf(stage.app.result('the-header').get({ timeout: 5 }))).to.include({ pythonType: 'InvalidTaskError' })
    expect(await failureOf(stage.app.result('the-body').get({ timeout: 5 }))).to.include({ pythonType: 'ChordError' })
    expect(await stage.dead()).to.have.length(1)
  })
})

interface Parts {
  readonly id?: string
  readonly contentType?: string
  readonly headers?: object
  readonly embed?: object
}

/** A message of `kuma.add(1, 2)` as kombu writes it. */
function envelope({ id = 'an-id', contentType = 'application/json', headers = {}, embed = {} }: Parts): string {
  return JSON.stringify({
    body: Buffer.from(JSON.stringify([[1, 2], {}, embed])).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': contentType,
    headers: { lang: 'py', task: 'kuma.add', id, root_id: id, parent_id: null, group: null, retries: 0, ...headers },
    properties: {
      correlation_id: id,
      delivery_mode: 2,
      delivery_info: { exchange: '', routing_key: 'celery' },
      priority: 0,
      body_encoding: 'base64',
      delivery_tag: 'a-tag',
    },
  })
}
