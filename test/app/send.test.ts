import { hostname } from 'node:os'
import { expect } from 'chai'
import { Celerity } from '../../src/app/celerity.js'
import { currentRequest } from '../../src/app/current.js'
import { settingsOf } from '../../src/config/load.js'
import { VERSION } from '../../src/version.js'
import { anApp, failureOf, read, waiting } from './an-app.js'

const clock = { now: () => Date.UTC(2026, 0, 1), monotonic: () => 0, sleep: async () => {} }

describe('sending a task', () => {
  it('puts one message into the default queue, and gives the handle of its result', async () => {
    const app = anApp()
    const add = app.task('kuma.add', async (x: number, y: number) => x + y)

    const result = await add.delay(2, 3)

    const [message] = await waiting(app)
    expect(message).to.deep.include({ id: result.id, task: 'kuma.add', args: [2, 3], kwargs: {}, queue: 'celery', priority: 0 })
    expect(message).to.deep.include({ rootId: result.id, parentId: null, eta: null, expires: null, retries: 0, ignoreResult: false })
    expect(message?.origin).to.equal(`gen${process.pid}@${hostname()}`)
  })

  it('says where it was sent from, for each way of sending', async () => {
    const app = anApp()
    const add = app.task('kuma.add', (x: number, y: number) => x + y)
    const lines: number[] = []
    const here = () => lines.push(Number(/:(\d+):\d+\)?$/.exec(new Error().stack?.split('\n')[2] ?? '')?.[1]))

    await Promise.all([add.delay(1, 2), here()])
    await Promise.all([add.applyAsync([1, 2]), here()])
    await Promise.all([add.s(1).delay(2), here()])
    await Promise.all([add.s(1).applyAsync([2]), here()])
    await Promise.all([app.send('kuma.add', [1, 2]), here()])
    await Promise.all([app.sendMany([add.s(1, 2)]), here()])

    const sites = (await waiting(app)).map((message) => message.headers['sent_from'])
    expect(sites).to.deep.equal(
      lines.map((line) => ({ at: `test/app/send.test.ts:${line}`, host: hostname(), pid: process.pid, version: VERSION })),
    )
  })

  it('does not say it when told not to', async () => {
    const app = anApp({ taskSendOrigin: false })

    await app.send('kuma.add', [1])

    expect((await waiting(app))[0]?.headers).to.deep.equal({})
  })

  it('takes options of the call', async () => {
    const app = anApp({}, { clock })
    const add = app.task('kuma.add', (x: number, y: number) => x + y)

    await add.applyAsync([1, 2], {
      taskId: 'my-id',
      kwargs: { z: 3 },
      countdown: '10s',
      expires: 60,
      priority: 3,
      headers: { locale: 'de', task: 'not this one' },
      timeLimit: '1m',
      softTimeLimit: 30,
      shadow: 'addition',
      retries: 2,
      ignoreResult: true,
      compression: 'zlib',
      link: add.s(1),
      linkError: [add.si(1, 1), app.signature('kuma.alert', ['x'], { queue: 'alerts' })],
    })

    const [message] = await waiting(app)
    expect(message).to.deep.include({ id: 'my-id', task: 'kuma.add', kwargs: { z: 3 }, priority: 3, timeLimit: 60, softTimeLimit: 30 })
    expect(message).to.deep.include({
      eta: clock.now() + 10_000,
      expires: clock.now() + 60_000,
      shadow: 'addition',
      retries: 2,
      ignoreResult: true,
    })
    expect(message?.headers['locale']).to.equal('de')
    expect(message?.compression).to.equal('application/x-gzip')
    const rest = { kwargs: {}, options: {}, subtask_type: null, immutable: false }
    expect(message?.callbacks).to.deep.equal([{ task: 'kuma.add', args: [1], ...rest }])
    expect(message?.errbacks).to.deep.equal([
      { task: 'kuma.add', args: [1, 1], ...rest, immutable: true },
      { task: 'kuma.alert', args: ['x'], ...rest, options: { queue: 'alerts' } },
    ])
  })

  it('takes moments as dates, ISO texts and milliseconds', async () => {
    const app = anApp({}, { clock })
    const at = Date.UTC(2026, 5, 1)

    await app.send('a', [], { eta: new Date(at), expires: new Date(at) })
    await app.send('a', [], { eta: '2026-06-01T02:00:00+02:00', countdown: 5 })
    await app.send('a', [], { eta: at })

    const messages = await waiting(app)
    expect(messages.map((message) => message.eta)).to.deep.equal([at, at, at])
    expect(messages[0]?.expires).to.equal(at)
  })

  it('leaves the waiting to the worker: a message for later is in its queue at once, as Celery does it', async () => {
    const app = anApp()

    await app.send('a', [], { countdown: 3600 })

    expect(await waiting(app)).to.have.length(1)
  })

  it('refuses moments and spans that are none, before anything is sent', async () => {
    const app = anApp()

    for (const options of [
      { eta: 'tomorrow' },
      { countdown: -1 },
      { expires: 'x' as '5m' },
      { eta: Number.NaN },
      { timeLimit: 'x' as '5m' },
    ]) {
      expect((await failureOf(app.send('a', [], options))).code).to.equal('E_ARGUMENTS')
    }
    expect(await waiting(app)).to.deep.equal([])
  })

  it('refuses a task where a signature belongs, and says what to give', async () => {
    const app = anApp()
    const add = app.task('kuma.add', (x: number) => x)

    const error = await failureOf(app.send('a', [], { link: add as never }))

    expect(error.message).to.equal('link: give a signature, such as add.s(), not the task itself')
  })

  it('names what cannot be sent', async () => {
    const error = await failureOf(anApp().send('a', [{ x: () => {} }]))

    expect(error.code).to.equal('E_ENCODE')
    expect(error.message).to.contain('args[0].x: a function cannot be sent')
  })

  it('finds the queue: the call before the task, the task before the routes, the routes before the default', async () => {
    const app = anApp({ taskRoutes: { 'kuma.*': { queue: 'routed', priority: 6 } }, taskDefaultQueue: 'rest', taskDefaultPriority: 9 })
    const own = app.task('kuma.own', { queue: 'own', priority: 3 }, () => {})
    const routed = app.task('kuma.routed', () => {})

    await own.applyAsync([], { queue: 'called', priority: 0 })
    await own.delay()
    await routed.delay()
    await app.send('other')

    const found = await Promise.all(['called', 'own', 'routed', 'rest'].map((queue) => waiting(app, queue)))
    expect(found.map(([message]) => [message?.task, message?.priority])).to.deep.equal([
      ['kuma.own', 0],
      ['kuma.own', 3],
      ['kuma.routed', 6],
      ['other', 9],
    ])
  })

  it('carries what the task itself says: expiry, results ignored, compression', async () => {
    const app = anApp({}, { clock })
    const task = app.task('kuma.add', { expires: '1m', ignoreResult: true, compression: 'brotli' }, () => {})

    const result = await task.delay()

    expect((await waiting(app))[0]).to.deep.include({
      expires: clock.now() + 60_000,
      ignoreResult: true,
      compression: 'application/x-brotli',
    })
    expect((await failureOf(result.get())).code).to.equal('E_RESULTS_DISABLED')
  })

  it('makes what a running task sends its child, under the same root', async () => {
    const app = anApp()
    const children: string[] = []

    const sent = await currentRequest.run({ id: 'parent', rootId: 'root', task: 'kuma.parent', children }, async () => {
      await Promise.resolve()
      return app.sendMany([app.signature('a').set({ taskId: 'one' }), app.signature('b')])
    })

    const messages = await waiting(app)
    expect(messages.map(({ rootId, parentId }) => [rootId, parentId])).to.deep.equal([
      ['root', 'parent'],
      ['root', 'parent'],
    ])
    expect(children).to.deep.equal(sent.map(({ id }) => id))
    expect(children[0]).to.equal('one')
  })

  it('sends many at once in their order, with the options of their signatures', async () => {
    const app = anApp()
    const add = app.task('kuma.add', (x: number, y: number) => x + y)

    const results = await app.sendMany([add.s(1, 2), add.si(3, 4).set({ priority: 0, taskId: 'second' }), add.s(5, 6)])

    const messages = await waiting(app)
    expect(messages.map(({ args }) => args)).to.deep.equal([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    expect(results.map(({ id }) => id)).to.deep.equal(messages.map(({ id }) => id))
    expect(results[1].id).to.equal('second')
    expect(await app.sendMany([])).to.deep.equal([])
  })

  it('puts what is given late before what a signature holds, unless it is immutable', async () => {
    const app = anApp()
    const pair = app.task('kuma.pair', (x: number, y: number) => [x, y])

    await pair.s(1).delay(2)
    await pair.si(1, 2).applyAsync()
    await app.signature('kuma.pair', [2], { kwargs: { a: 1, b: 1 } }).applyAsync([1], { kwargs: { b: 2 } })

    const messages = await waiting(app)
    expect(messages.map(({ args, kwargs }) => [args, kwargs])).to.deep.equal([
      [[2, 1], {}],
      [[1, 2], {}],
      [[1, 2], { a: 1, b: 2 }],
    ])
  })

  it('keeps span and moment apart through a signature', async () => {
    const app = anApp({}, { clock })
    const signature = app.signature('a').set({ countdown: '1m', expires: '5m' })

    await signature.delay()
    await signature.set({ expires: new Date(clock.now() + 1000) }).delay()

    const messages = await waiting(app)
    expect(messages.map(({ eta, expires }) => [eta, expires])).to.deep.equal([
      [clock.now() + 60_000, clock.now() + 300_000],
      [clock.now() + 60_000, clock.now() + 1000],
    ])
  })

  it('fails within the deadline, and never hangs, when the broker is away', async () => {
    const app = new Celerity('kuma')
    app.configure(
      settingsOf({ brokerUrl: 'redis://127.0.0.1:1/0', resultBackend: 'disabled', taskPublishDeadline: 0.2, brokerDeadline: 0.4 }),
    )
    const started = performance.now()

    const error = await failureOf(app.send('a'))

    expect(error.code).to.be.oneOf(['E_BROKER_UNREACHABLE', 'E_PUBLISH_TIMEOUT'])
    expect(performance.now() - started).to.be.below(2500)
    await app.close()
  })
})

describe('a follow-up', () => {
  it('is built from a signature of Python’s, its options read with care', async () => {
    const app = anApp({}, { clock })
    const { builder } = await app.runtime()

    const built = builder.buildSignature(
      {
        task: 'proj.tasks.add',
        args: [3],
        kwargs: { k: null },
        options: {
          ...{ task_id: 'abc', queue: 'py', reply_to: 'r', countdown: 5, expires: '2026-01-02T00:00:00+00:00', ignore_result: true },
          ...{
            compression: 'bzip2',
            priority: 'high',
            time_limit: null,
            stamped_headers: ['tenant'],
            tenant: 'acme',
            group_id: 'g',
            group_index: 1,
          },
          link: [{ task: 'proj.tasks.mul', args: [2], kwargs: {}, options: {}, subtask_type: null, immutable: false }],
        },
        subtask_type: null,
        immutable: false,
      },
      [7],
      { parentId: 'parent', rootId: 'root' },
    )

    expect(built).to.deep.include({ id: 'abc', ignoresResult: true })
    await (await app.broker()).publish([built.outgoing])
    const [message] = await waiting(app, 'py')
    expect(message).to.deep.include({ task: 'proj.tasks.add', args: [7, 3], kwargs: { k: null }, rootId: 'root', parentId: 'parent' })
    expect(message).to.deep.include({ eta: clock.now() + 5000, expires: Date.UTC(2026, 0, 2), compression: null, priority: 0 })
    expect(message).to.deep.include({ stampedHeaders: ['tenant'], stamps: { tenant: 'acme' }, group: 'g', groupIndex: 1 })
    expect(message?.callbacks.map(({ task }) => task)).to.deep.equal(['proj.tasks.mul'])
  })

  it('is sent whatever nonsense its options hold', async () => {
    const { builder } = await anApp({}, { clock }).runtime()
    const options = {
      countdown: -5,
      eta: 'soon',
      expires: {},
      time_limit: -1,
      link: [5, {}, { task: 'bare' }],
      chain: 5,
      headers: [],
      task_id: 7,
      queue: null,
      retries: 'x',
    }
    const signature = { task: 'a', args: [], kwargs: {}, options, subtask_type: null, immutable: false }

    const { outgoing } = builder.buildSignature(signature, [], {})

    expect(outgoing.queue).to.equal('celery')
    expect(read(Buffer.from(outgoing.raw as string))).to.deep.include({
      eta: clock.now(),
      expires: null,
      timeLimit: null,
      callbacks: [{ task: 'bare', args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false }],
      chain: [],
      retries: 0,
    })
  })

  it('carries on the steps that come after it, none at the end as well', async () => {
    const { builder } = await anApp().runtime()
    const step = (task: string, options = {}) => ({ task, args: [], kwargs: {}, options, subtask_type: null, immutable: false })
    const steps = [step('third'), step('second')]

    const messages = [steps, []].map((chain) => String(builder.buildSignature(step('first', { chain }), [], {}).outgoing.raw))

    expect(messages.map((raw) => read(Buffer.from(raw)).chain)).to.deep.equal([steps, []])
    expect(Buffer.from(JSON.parse(messages[1] as string).body, 'base64').toString()).to.include('"chain": []')
  })

  it('keeps only its own arguments when it is immutable', async () => {
    const { builder } = await anApp().runtime()
    const signature = { task: 'a', args: [1], kwargs: {}, options: {}, subtask_type: null, immutable: true }

    expect(JSON.parse(builder.buildSignature(signature, [9], {}).outgoing.raw as string).headers.argsrepr).to.equal('(1,)')
  })
})
