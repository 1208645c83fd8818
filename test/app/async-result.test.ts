import { expect } from 'chai'
import { AsyncResult, type ResultSource, type TaskState } from '../../src/app/async-result.js'
import type { Celerity } from '../../src/app/celerity.js'
import { currentRequest } from '../../src/app/current.js'
import { ResultFeed } from '../../src/app/result-feed.js'
import { TaskRevoked } from '../../src/app/throwables.js'
import { CelerityError } from '../../src/errors.js'
import { celeryError, RemoteTaskError } from '../../src/protocol/error-wire.js'
import { encodeResult, type Outcome, stateOf } from '../../src/protocol/result.js'
import type { ResultStore } from '../../src/results/store.js'
import { aLog, anApp, failureOf } from './an-app.js'

const succeeded = (value: unknown): Outcome => ({ kind: 'success', value })
const progress = (meta: unknown): Outcome => ({ kind: 'meta', state: 'PROGRESS', meta })
const failed: Outcome = {
  kind: 'error',
  state: 'FAILURE',
  error: { type: 'SmtpError', module: 'kuma.mail', message: ['busy', 421], traceback: 'Traceback …' },
}
const revoked: Outcome = { kind: 'error', state: 'REVOKED', error: celeryError('TaskRevokedError', ['expired']) }

const json = (id: string, outcome: Outcome, children: string[] = []) =>
  encodeResult({
    ...{ id, outcome, dateDone: Date.UTC(2026, 0, 1), markers: true },
    children: children.map((child) => ({ id: child, parent: null, members: null })),
  })

async function store(app: Celerity, id: string, outcome: Outcome, children: string[] = []): Promise<void> {
  await (await app.results()).set([{ id, state: stateOf(outcome), json: json(id, outcome, children), ttl: 60 }])
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('a result', () => {
  it('is given at once when it is there', async () => {
    const app = anApp()
    await store(app, 'a', succeeded(5))

    expect(await app.result('a').get()).to.equal(5)
  })

  it('wakes who waits for it when it comes', async () => {
    const app = anApp()
    const waiting = app.result('a').get({ timeout: 10 })
    await turn()

    await store(app, 'a', progress({ done: 1 }))
    await store(app, 'a', succeeded({ total: 3 }))

    expect(await waiting).to.deep.equal({ total: 3 })
  })

  it('is no more than what is known: PENDING without a word from a worker', async () => {
    const result = anApp().result('unheard-of')

    expect(await result.state()).to.equal('PENDING')
    expect(await result.info()).to.equal(null)
    expect(await result.ready()).to.equal(false)
    expect(await result.traceback()).to.equal(null)
    expect(await result.children()).to.deep.equal([])
  })

  it('tells its state, what belongs to it, and who was sent', async () => {
    const app = anApp()
    await store(app, 'a', progress({ done: 1 }))
    const result = app.result('a')

    expect(await result.state()).to.equal('PROGRESS')
    expect(await result.info()).to.deep.equal({ done: 1 })
    expect(await result.ready()).to.equal(false)
    await store(app, 'a', succeeded(5), ['b', 'c'])
    expect(await result.ready()).to.equal(true)
    expect(await result.successful()).to.equal(true)
    expect(await result.info()).to.equal(5)
    expect((await result.children()).map(({ id }) => id)).to.deep.equal(['b', 'c'])
  })

  it('throws a failure with its Python type, its arguments and its traceback', async () => {
    const app = anApp()
    await store(app, 'a', failed)
    const result = app.result('a')

    const error = (await failureOf(result.get())) as unknown as RemoteTaskError

    expect(error).to.be.instanceOf(RemoteTaskError)
    expect(error).to.deep.include({ name: 'SmtpError', pythonType: 'SmtpError', pythonModule: 'kuma.mail', traceback: 'Traceback …' })
    expect(error.args).to.deep.equal(['busy', 421])
    expect(await result.failed()).to.equal(true)
    expect(await result.traceback()).to.equal('Traceback …')
  })

  it('gives a failure instead of throwing it when asked to', async () => {
    const app = anApp()
    await store(app, 'a', failed)

    expect(await app.result('a').get({ propagate: false })).to.be.instanceOf(RemoteTaskError)
    expect(await app.result('a').wait()).to.equal('FAILURE')
  })

  it('throws TaskRevoked, with the reason, for a task that did not run', async () => {
    const app = anApp()
    await store(app, 'a', revoked)

    const error = await failureOf(app.result('a').get())

    expect(error).to.be.instanceOf(TaskRevoked)
    expect(error.message).to.equal('task a did not run: expired')
    expect(error.code).to.equal('E_TASK_REVOKED')
  })

  it('stops waiting at the timeout, and at the signal', async () => {
    const app = anApp()
    const controller = new AbortController()

    const late = await failureOf(app.result('a').get({ timeout: '10ms' }))
    const aborted = failureOf(app.result('a').get({ signal: controller.signal }))
    controller.abort(new Error('the request went away'))

    expect(late.code).to.equal('E_RESULT_TIMEOUT')
    expect(late.message).to.equal('task a was not done within 0.01 s')
    expect((await aborted).message).to.equal('the request went away')
    expect((await failureOf(app.result('a').get({ signal: AbortSignal.abort(new Error('before')) }))).message).to.equal('before')
  })

  it('is asked for no more once it is final', async () => {
    const app = anApp()
    await store(app, 'a', succeeded(5))
    const result = app.result('a')
    await result.get()
    await (await app.results()).forget(['a'])

    expect(await result.state()).to.equal('SUCCESS')
    expect(await result.get()).to.equal(5)
  })

  it('can be forgotten', async () => {
    const app = anApp()
    await store(app, 'a', succeeded(5))
    const result = app.result('a')
    await result.get()

    await result.forget()

    expect(await result.state()).to.equal('PENDING')
  })

  it('says what it cannot read', async () => {
    const app = anApp()
    await (await app.results()).set([{ id: 'a', state: 'SUCCESS', json: '{"status": 5}', ttl: 60 }])

    expect((await failureOf(app.result('a').state())).code).to.equal('E_RESULT_UNREADABLE')
    expect((await failureOf(app.result('a').get())).code).to.equal('E_RESULT_UNREADABLE')
  })

  it('says that results are switched off', async () => {
    const app = anApp({ resultBackend: 'disabled' })

    expect((await failureOf(app.result('a').get())).code).to.equal('E_RESULTS_DISABLED')
  })

  it('warns of a task that waits for another', async () => {
    const { log, lines } = aLog()
    const app = anApp({}, { log })
    await store(app, 'child', succeeded(1))

    await currentRequest.run({ id: 'me', rootId: 'me', task: 'kuma.waits', children: [] }, () => app.result('child').get())

    expect(lines.map(({ level, fields }) => [level, fields])).to.deep.equal([['warning', { task: 'kuma.waits', id: 'me', waits: 'child' }]])
  })

  it('ends the waiting when the application is closed', async () => {
    const app = anApp()
    const waiting = failureOf(app.result('a').get())
    await turn()

    await app.close()

    expect((await waiting).message).to.equal('the application was closed')
    expect((await failureOf(app.result('a').get())).message).to.equal('the application was closed')
  })
})

describe('following a result', () => {
  it('yields the present state and then every change, to the last', async () => {
    const app = anApp()
    const seen: TaskState[] = []
    const following = (async () => {
      for await (const state of app.result('a').follow({ timeout: 10 })) {
        seen.push(state)
        if (state.state === 'PENDING') await store(app, 'a', progress(1))
        else if (state.info === 1) await store(app, 'a', progress(2))
        else if (state.info === 2) await store(app, 'a', succeeded('done'))
      }
    })()

    await following

    expect(seen).to.deep.equal([
      { state: 'PENDING', info: null },
      { state: 'PROGRESS', info: 1 },
      { state: 'PROGRESS', info: 2 },
      { state: 'SUCCESS', info: 'done' },
    ])
  })

  it('yields a final state once, and ends', async () => {
    const app = anApp()
    await store(app, 'a', failed)
    const states: string[] = []

    for await (const { state } of app.result('a').follow()) states.push(state)

    expect(states).to.deep.equal(['FAILURE'])
  })

  it('stops watching when the caller has seen enough', async () => {
    const watches = aStore({})
    const result = new AsyncResult('a', sourceOf(watches.store))

    for await (const { state } of result.follow()) {
      expect(state).to.equal('PENDING')
      break
    }
    await turn()

    expect(watches.open).to.equal(0)
  })
})

/** A store that counts. */
function aStore(stored: Record<string, string>) {
  const counts = { watches: 0, reads: 0, open: 0, changed: (_id: string, _json: string) => {}, whileReading: () => {} }
  const store = {
    async watch(_ids: readonly string[], changed: (id: string, json: string) => void) {
      counts.watches++
      counts.open++
      counts.changed = changed
      return {
        close: async () => {
          counts.open--
        },
      }
    },
    async get(ids: readonly string[]) {
      counts.reads++
      const before = ids.map((id) => stored[id] ?? null)
      counts.whileReading()
      return before
    },
  } as unknown as ResultStore
  return Object.assign(counts, { store })
}

function sourceOf(store: ResultStore): ResultSource {
  const feed = new ResultFeed(async () => store)
  return {
    read: (id) => feed.read(id),
    listen: (id, listener) => feed.listen(id, listener),
    forget: async () => {},
    revoke: async () => {},
    noteWait: () => {},
  }
}

describe('waiting for many results', () => {
  const ids = Array.from({ length: 1000 }, (_, at) => `id-${at}`)

  it('makes one watch and one read for a thousand of them', async () => {
    const counts = aStore(Object.fromEntries(ids.map((id) => [id, json(id, succeeded(id))])))
    const source = sourceOf(counts.store)

    const values = await Promise.all(ids.map((id) => new AsyncResult(id, source).get()))

    expect(values).to.deep.equal(ids)
    expect(counts).to.deep.include({ watches: 1, reads: 1, open: 0 })
  })

  it('makes one read for a thousand states', async () => {
    const counts = aStore({})
    const source = sourceOf(counts.store)

    await Promise.all(ids.map((id) => new AsyncResult(id, source).state()))

    expect(counts.reads).to.equal(1)
  })

  it('misses no change that comes while it begins to watch, and takes no older state for a newer', async () => {
    const counts = aStore({ a: json('a', progress(1)) })
    counts.whileReading = () => counts.changed('a', json('a', succeeded('new')))

    const seen: unknown[] = []
    for await (const { info } of new AsyncResult('a', sourceOf(counts.store)).follow({ timeout: 5 })) seen.push(info)

    expect(seen).to.deep.equal(['new'])
  })

  it('says a change once when the store says it twice', async () => {
    const counts = aStore({ a: json('a', progress(1)) })
    const seen: unknown[] = []
    for await (const { info } of new AsyncResult('a', sourceOf(counts.store)).follow({ timeout: 5 })) {
      seen.push(info)
      if (seen.length === 1)
        for (const outcome of [progress(1), progress(2), progress(2), succeeded(3)]) counts.changed('a', json('a', outcome))
    }

    expect(seen).to.deep.equal([1, 2, 3])
  })

  it('asks once more when an outage has left it a dead connection, and says so when that is of no use either', async () => {
    for (const [failures, outcome] of [
      [1, 'done'],
      [2, 'E_RESULTS_UNREACHABLE'],
    ] as const) {
      for (const step of ['watch', 'get'] as const) {
        const counts = aStore({ a: json('a', succeeded('done')) })
        const original = counts.store[step].bind(counts.store) as (...args: unknown[]) => Promise<unknown>
        let left: number = failures
        Object.assign(counts.store, {
          async [step](...args: unknown[]) {
            if (left-- > 0) throw new CelerityError('E_RESULTS_UNREACHABLE', { message: 'away' })
            return original(...args)
          },
        })

        const got = await new AsyncResult('a', sourceOf(counts.store)).get().catch((error: { code: string }) => error.code)

        expect(got, `${failures} ${step}`).to.equal(outcome)
        expect(counts.open).to.equal(0)
      }
    }
  })

  it('tells everybody when the store cannot be reached', async () => {
    const source = sourceOf({
      watch: async () => {
        throw new Error('away')
      },
    } as unknown as ResultStore)

    const errors = await Promise.all(['a', 'b'].map((id) => failureOf(new AsyncResult(id, source).get())))

    expect(errors.map(({ message }) => message)).to.deep.equal(['away', 'away'])
  })
})

describe('revoking', () => {
  it('is remembered at the broker, and told to Python’s workers as Celery tells them', async () => {
    const app = anApp()
    const broker = await app.broker()
    const heard: { routingKey: string; raw: string }[] = []
    await broker.subscribe('celery.pidbox', '*', ({ routingKey, raw }) => heard.push({ routingKey, raw: raw.toString() }))
    const result = await app.send('kuma.add', [1, 2])

    await result.revoke()
    await app.revoke(['b', 'c'])
    await app.revoke([])

    expect(await broker.revoked()).to.deep.equal(new Set([result.id, 'b', 'c']))
    const bodies = heard.map(({ raw }) => JSON.parse(Buffer.from(JSON.parse(raw).body, 'base64').toString()))
    const rest = { destination: null, pattern: null, matcher: null }
    expect(heard[0]?.routingKey).to.equal('')
    expect(bodies).to.deep.equal([
      { method: 'revoke', arguments: { task_id: result.id, terminate: false, signal: 'SIGTERM' }, ...rest },
      { method: 'revoke', arguments: { task_id: ['b', 'c'], terminate: false, signal: 'SIGTERM' }, ...rest },
    ])
  })
})
