import { expect } from 'chai'
import { Ignore, RemoteTaskError } from '../../src/index.js'
import { failureOf } from '../app/an-app.js'
import { eventually } from '../eventually.js'
import { gate, Stage } from './a-worker.js'

describe('what a task leaves', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })
  afterEach(() => stage.end())

  it('is nothing when its result is ignored, by the task or by the call', async () => {
    let runs = 0
    const quiet = stage.app.task('kuma.quiet', { ignoreResult: true }, () => ++runs)
    const loud = stage.app.task('kuma.loud', () => ++runs)
    await stage.work()

    const ids = [(await quiet.delay()).id, (await loud.applyAsync([], { ignoreResult: true })).id, (await stage.app.send('kuma.quiet')).id]
    await eventually(() => runs === 3)
    await stage.settled()

    expect(await Promise.all(ids.map((id) => stage.result(id)))).to.deep.equal([null, null, null])
  })

  it('is its failure all the same when errors are to be stored even if ignored', async () => {
    await stage.end()
    stage = new Stage({ taskStoreErrorsEvenIfIgnored: true })
    const quiet = stage.app.task('kuma.quiet', { ignoreResult: true }, () => {
      throw new Error('lost otherwise')
    })
    await stage.work()

    const { id } = await quiet.delay()

    expect(await eventually(async () => (await stage.result(id))?.outcome)).to.nested.include({ state: 'FAILURE' })
  })

  it('is what it said itself when it asks to be ignored', async () => {
    const page = stage.app.task('kuma.page', { bind: true }, async (task) => {
      await task.updateState('HELD', { by: 'an editor' })
      throw new Ignore()
    })
    await stage.work()

    const result = await page.delay()
    await stage.settled()

    expect((await stage.result(result.id))?.outcome).to.deep.equal({ kind: 'meta', state: 'HELD', meta: { by: 'an editor' } })
  })

  it('shows progress in its order, and the outcome last though nobody awaited the progress', async () => {
    const states: string[] = []
    const watched = gate()
    const dash = stage.app.task('kuma.dash', { bind: true }, async (task) => {
      await watched.passed
      for (const percent of [0, 50, 100]) void task.progress({ percent })
      return 'done'
    })
    await stage.work()
    const result = await dash.delay()

    for await (const { state, info } of result.follow({ timeout: 5 })) {
      if (state === 'PENDING') watched.open()
      states.push(`${state} ${JSON.stringify(info)}`)
    }

    expect(states).to.deep.equal([
      'PENDING null',
      'PROGRESS {"percent":0}',
      'PROGRESS {"percent":50}',
      'PROGRESS {"percent":100}',
      'SUCCESS "done"',
    ])
  })

  it('is its outcome, also when the store is slow with the progress before it', async () => {
    const slow = gate()
    const ended = gate()
    const dash = stage.app.task('kuma.dash', { bind: true }, (task) => {
      void task.progress({ percent: 50 })
      ended.open()
      throw new Error('half-way')
    })
    let told = 0
    await stage.work({ before: (step) => step === 'tell' && ++told > 0 && slow.passed })
    const result = await dash.delay()
    await ended.passed
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    slow.open()
    await stage.settled()

    expect(told).to.equal(1)
    expect(await result.state()).to.equal('FAILURE')
  })

  it('cannot be a state that is the worker’s to set, nor progress that cannot be sent', async () => {
    const page = stage.app.task('kuma.page', { bind: true }, async (task) => {
      const said = await Promise.allSettled([task.updateState('SUCCESS', 1), task.progress({ call: () => {} })])
      return said.map((one) => (one.status === 'rejected' ? one.reason.code : 'stored'))
    })
    await stage.work()

    expect(await (await page.delay()).get({ timeout: 5 })).to.deep.equal(['E_USAGE', 'E_ENCODE'])
  })

  it('is null for a handler that returns nothing', async () => {
    const nothing = stage.app.task('kuma.nothing', () => {})
    await stage.work()

    expect(await (await nothing.delay()).get({ timeout: 5 })).to.equal(null)
  })

  it('is EncodeError when its result cannot be sent, in the store and in the log', async () => {
    const values: Record<string, () => unknown> = {
      function: () => ({ deep: [() => 1] }),
      circle: () => {
        const circle: Record<string, unknown> = {}
        circle['self'] = circle
        return circle
      },
      getter: () => ({
        get trap() {
          throw new Error('trapped')
        },
      }),
      toJSON: () => ({
        toJSON() {
          throw null
        },
      }),
      proxy: () =>
        new Proxy(
          {},
          {
            get() {
              throw new Error('trapped')
            },
            ownKeys() {
              throw new Error('trapped')
            },
          },
        ),
    }
    const make = stage.app.task('kuma.make', (kind: string) => values[kind]?.())
    await stage.work()

    for (const kind of Object.keys(values)) {
      const error = await failureOf((await make.delay(kind)).get({ timeout: 5 }))
      expect(error, kind).to.be.instanceOf(RemoteTaskError)
      if (kind === 'function') {
        expect(error).to.include({ pythonType: 'EncodeError', pythonModule: 'kombu.exceptions' })
        expect(error.message).to.contain('deep[0]')
      }
    }
    expect(stage.said('raised unexpected')).to.have.length(Object.keys(values).length)
    expect(stage.said('succeeded')).to.deep.equal([])
    expect(await stage.settled()).to.include({ dead: 0 })
  })

  it('is a failure whatever it throws, hostile things included', async () => {
    const trap = () => {
      throw new Error('trapped')
    }
    class Hostile extends Error {
      override get name(): string {
        return trap()
      }
      override get message(): string {
        return trap()
      }
      override get stack(): string {
        return trap()
      }
    }
    const all = ['get', 'has', 'getPrototypeOf', 'ownKeys', 'getOwnPropertyDescriptor'] as const
    const things: readonly unknown[] = [
      null,
      undefined,
      'text',
      42n,
      Symbol('s'),
      {},
      Object.create(null),
      new Hostile(),
      new Proxy(new Error('x'), Object.fromEntries(all.map((one) => [one, trap]))),
      { toString: trap, toJSON: trap, name: {}, message: { toString: trap } },
      Object.assign(new Error('named'), { name: Symbol('s'), args: [() => {}] }),
    ]
    const hurl = stage.app.task('kuma.hurl', (index: number) => {
      throw things[index]
    })
    const add = stage.app.task('kuma.add', (x: number) => x + 1)
    await stage.work()

    for (const index of things.keys()) {
      const result = await hurl.delay(index)
      expect(await result.wait({ timeout: 5 }), `thing ${index}`).to.equal('FAILURE')
    }
    expect(await (await add.delay(1)).get({ timeout: 5 })).to.equal(2)
    expect(stage.said('raised unexpected')).to.have.length(things.length)
    expect(await stage.settled()).to.include({ dead: 0 })
  })

  it('names the children it sent, itself as their parent, and the first of all as their root', async () => {
    const seen: unknown[] = []
    const leaf = stage.app.task('kuma.leaf', { bind: true }, (task) => {
      seen.push([task.parentId, task.rootId])
    })
    const branch = stage.app.task('kuma.branch', { bind: true }, async (task) => {
      const child = await leaf.delay()
      return [task.id, task.rootId, child.id]
    })
    const root = stage.app.task('kuma.root', async () => (await branch.delay()).id)
    await stage.work()

    const first = await root.delay()
    const middle = stage.app.result<[string, string, string]>(await first.get({ timeout: 5 }))
    const [id, rootId, leafId] = await middle.get({ timeout: 5 })
    await stage.app.result(leafId).wait({ timeout: 5 })

    expect([id, rootId]).to.deep.equal([middle.id, first.id])
    expect(seen).to.deep.equal([[middle.id, first.id]])
    expect((await first.children()).map((child) => child.id)).to.deep.equal([middle.id])
    expect((await middle.children()).map((child) => child.id)).to.deep.equal([leafId])
  })

  it('is stored with its arguments when results are extended, also when they cannot be sent on', async () => {
    await stage.end()
    stage = new Stage({ resultExtended: true, jsonTypeMarkers: false })
    stage.app.task('kuma.size', (bytes: Uint8Array) => bytes.length)
    await stage.work()
    const body = Buffer.from('[[{"__type__": "base64", "__value__": "AAEC"}], {}, {}]').toString('base64')
    const properties = { body_encoding: 'base64', delivery_info: { exchange: '', routing_key: 'celery' }, delivery_tag: '1', priority: 0 }
    const headers = { lang: 'py', task: 'kuma.size', id: 'bytes' }
    const raw = JSON.stringify({ body, 'content-encoding': 'utf-8', 'content-type': 'application/json', headers, properties })
    await (await stage.app.broker()).publish([{ queue: 'celery', priority: 0, raw }])

    expect(await stage.app.result('bytes').get({ timeout: 5 })).to.equal(3)
    expect((await stage.result('bytes'))?.extended).to.deep.include({ name: 'kuma.size', args: ["(b'\u0000\u0001\u0002',)"] })
  })
})
