/** The conformance suite of the result stores, written from the port's comments (src/results/store.ts). */
import { expect } from 'chai'
import type { Context } from 'mocha'
import { tryField } from '../../src/protocol/try.js'
import type { EncodedResult, ResultStore } from '../../src/results/store.js'
import { eventually } from './broker/stage.js'

export interface ResultsHarness {
  /** Another connection to the same server each time. */
  open(): Promise<ResultStore>
  /** Ends the server; the connections were closed before. */
  destroy(): Promise<void>
}

/**
 * @param name  of the adapter, for titles
 * @param start a server of its own for each test, empty; `open` connects to it
 */
export function describeResults(name: string, start: (context: Context) => Promise<ResultsHarness>): void {
  describe(`results ${name}`, function () {
    this.timeout(15_000)
    let harness: ResultsHarness
    let store: ResultStore
    let open: ResultStore[]

    async function connect(): Promise<ResultStore> {
      const another = await harness.open()
      open.push(another)
      return another
    }
    async function listen(ids: readonly string[], on: ResultStore = store) {
      const heard: string[] = []
      const watch = await on.watch(ids, (id, json) => heard.push(`${id} ${json}`))
      return { heard, watch }
    }

    beforeEach(async function () {
      harness = await start(this)
      open = []
      store = await connect()
    })
    afterEach(async () => {
      await Promise.all(open.map((each) => each.close()))
      await harness.destroy()
    })

    describe('set and get', () => {
      it('keeps the JSON text exactly as it was given', async () => {
        const json = '{"status": "SUCCESS", "result": "é 😀 \\u0000 \\ud800", "n": 1e400}'

        await store.set([result('a', { json })])

        expect(await store.get(['a'])).to.deep.equal([json])
      })

      it('keeps large results', async () => {
        const json = JSON.stringify('x'.repeat(1_000_000))

        await store.set([result('a', { json })])

        expect((await store.get(['a']))[0] === json).to.equal(true)
      })

      it('answers id by id in the order asked, null for what it does not know', async () => {
        await store.set([result('a', { json: '1' }), result('b', { json: '2' })])

        expect(await store.get(['b', 'x', 'a', 'b'])).to.deep.equal(['2', null, '1', '2'])
        expect(await store.get([])).to.deep.equal([])
      })

      it('is seen by every connection once it is written', async () => {
        const other = await connect()

        await store.set([result('a', { json: '1' })])

        expect(await other.get(['a'])).to.deep.equal(['1'])
      })

      it('writes nothing when there is nothing to write', async () => {
        await store.set([])

        expect(await store.get(['a'])).to.deep.equal([null])
      })

      it('replaces an earlier state', async () => {
        for (const state of ['STARTED', 'PROGRESS', 'RETRY', 'FAILURE', 'RETRY', 'SUCCESS'])
          await store.set([result('a', { state, json: state })])

        expect(await store.get(['a'])).to.deep.equal(['SUCCESS'])
      })

      it('never overwrites a SUCCESS', async () => {
        await store.set([result('a', { json: encoded('SUCCESS') })])
        for (const state of ['FAILURE', 'STARTED', 'SUCCESS', 'REVOKED'])
          await store.set([result('a', { state, json: encoded(state, 'late') })])

        expect(await store.get(['a'])).to.deep.equal([encoded('SUCCESS')])
      })

      it('takes the last of two writes to one id in one call, unless the first is a SUCCESS', async () => {
        await store.set([
          result('a', { state: 'STARTED', json: encoded('STARTED') }),
          result('a', { state: 'FAILURE', json: encoded('FAILURE') }),
          result('b', { json: encoded('SUCCESS') }),
          result('b', { state: 'FAILURE', json: encoded('FAILURE') }),
        ])

        expect(await store.get(['a', 'b'])).to.deep.equal([encoded('FAILURE'), encoded('SUCCESS')])
      })

      it('keeps ids apart that differ by little', async () => {
        const ids = ['a', 'A', 'a ', ' a', 'a%', 'a_', "a'", '\u00e9', 'e\u0301']
        await store.set(ids.map((id, index) => result(id, { json: String(index) })))

        expect(await store.get(ids)).to.deep.equal(ids.map((_, index) => String(index)))
      })
    })

    describe('results that name their try', () => {
      const FINAL = ['SUCCESS', 'FAILURE', 'REVOKED']

      it('keep the first final state of a life, and tell it to who comes second', async () => {
        for (const first of FINAL) {
          for (const second of [...FINAL, 'RETRY', 'STARTED']) {
            const id = `${first} ${second}`
            const [earlier, later] = [tried(id, first, 0), tried(id, second, 1, 'late')]

            expect(await store.set([earlier])).to.deep.equal([null])
            expect(await store.set([result('other'), later]), id).to.deep.equal([null, earlier.json])

            expect(await store.get([id])).to.deep.equal([earlier.json])
          }
        }
      })

      it('are stored once when they are sent twice', async () => {
        const once = tried('a', 'FAILURE', 0)

        expect(await store.set([once])).to.deep.equal([null])
        expect(await store.set([once])).to.deep.equal([null])
        expect(await store.get(['a'])).to.deep.equal([once.json])
      })

      it('give way to the next try, and change nothing that it wrote', async () => {
        for (const state of ['STARTED', 'PROGRESS', 'RETRY']) {
          const next = tried(state, 'STARTED', 2)
          await store.set([tried(state, state, 1)])
          await store.set([next])

          for (const late of [...FINAL, 'RETRY', 'PROGRESS']) expect(await store.set([tried(state, late, 1)])).to.deep.equal([null])

          expect(await store.get([state])).to.deep.equal([next.json])
          await store.set([tried(state, 'SUCCESS', 2)])
          expect(await store.get([state])).to.deep.equal([tried(state, 'SUCCESS', 2).json])
        }
      })

      it('give way to each state of the same try until it has ended', async () => {
        for (const state of ['STARTED', 'PROGRESS', 'RETRY', 'STARTED', 'FAILURE']) await store.set([tried('a', state, 0)])

        expect(await store.get(['a'])).to.deep.equal([tried('a', 'FAILURE', 0).json])
      })

      it('give way to what was sent anew under their id, and to who says nothing of tries, unless they are a SUCCESS', async () => {
        const [failed, anew] = [tried('a', 'FAILURE', 3), tried('a', 'FAILURE', 0, 'x', 'another-life')]
        await store.set([failed])
        expect(await store.set([anew])).to.deep.equal([null])
        expect(await store.get(['a'])).to.deep.equal([anew.json])

        await store.set([result('a', { state: 'STARTED', json: encoded('STARTED') })])
        expect(await store.get(['a'])).to.deep.equal([encoded('STARTED')])

        const done = tried('a', 'SUCCESS', 0)
        await store.set([done])
        expect(await store.set([anew, result('a', { state: 'FAILURE', json: encoded('FAILURE') })])).to.deep.equal([null, null])
        expect(await store.get(['a'])).to.deep.equal([done.json])
      })

      it('are written anew when the first has expired', async () => {
        await store.set([{ ...tried('a', 'FAILURE', 0), ttl: 0.2 }])
        await eventually(async () => (await store.get(['a']))[0] === null)

        expect(await store.set([tried('a', 'SUCCESS', 0)])).to.deep.equal([null])
        expect(await store.get(['a'])).to.deep.equal([tried('a', 'SUCCESS', 0).json])
      })
    })

    describe('expiry', () => {
      it('removes a result after its time, a SUCCESS too, and then lets it be written anew', async () => {
        await store.set([result('short', { ttl: 0.2 }), result('long', { ttl: 60 }), result('ever', { ttl: 0 })])
        await eventually(async () => (await store.get(['short']))[0] === null)
        await store.set([result('short', { state: 'FAILURE', json: encoded('FAILURE') })])

        expect(await store.get(['short', 'long', 'ever'])).to.deep.equal([encoded('FAILURE'), encoded('SUCCESS'), encoded('SUCCESS')])
      })

      it('starts anew with each write', async () => {
        await store.set([result('a', { state: 'STARTED', ttl: 0.2 })])
        await store.set([result('a', { state: 'PROGRESS', ttl: 60, json: encoded('PROGRESS') })])
        const later = performance.now() + 300
        await eventually(() => performance.now() > later)

        expect(await store.get(['a'])).to.deep.equal([encoded('PROGRESS')])
      })

      it('swept or not, leaves only what has not run out', async () => {
        await store.set([result('short', { ttl: 0.05 }), result('long', { ttl: 60 }), result('ever', { ttl: 0 })])
        await eventually(async () => (await store.get(['short']))[0] === null)

        expect(await store.sweep()).to.be.within(0, 1) // stores that expire by themselves have nothing left to sweep
        expect(await store.sweep()).to.equal(0)
        expect(await store.get(['short', 'long', 'ever'])).to.deep.equal([null, encoded('SUCCESS'), encoded('SUCCESS')])
      })
    })

    describe('watch', () => {
      it('tells of a write on another connection', async () => {
        const { heard } = await listen(['a'])

        await (await connect()).set([result('a', { json: '{"n": 1}' })])

        await eventually(() => heard.length > 0)
        expect(heard[0]).to.equal('a {"n": 1}')
      })

      it('tells of a write on its own connection', async () => {
        const { heard } = await listen(['a'])

        await store.set([result('a', { json: '1' })])

        await eventually(() => heard.length > 0)
        expect(heard[0]).to.equal('a 1')
      })

      it('tells of each state in turn', async () => {
        const { heard } = await listen(['a'])
        const writer = await connect()

        for (const state of ['STARTED', 'PROGRESS', 'SUCCESS']) {
          await writer.set([result('a', { state, json: state })])
          await eventually(() => heard.at(-1) === `a ${state}`)
        }

        expect([...new Set(heard)]).to.deep.equal(['a STARTED', 'a PROGRESS', 'a SUCCESS'])
      })

      it('tells only of the ids asked for', async () => {
        const { heard } = await listen(['a', 'b'])

        await store.set(['x', 'a', 'y', 'b'].map((id) => result(id, { json: id })))

        await eventually(() => heard.length >= 2)
        expect([...new Set(heard)].sort()).to.deep.equal(['a a', 'b b'])
      })

      it('tells every watcher, also two of the same id', async () => {
        const first = await listen(['a'])
        const second = await listen(['a', 'b'])
        const third = await listen(['a'], await connect())

        await store.set([result('a', { json: '1' })])

        await eventually(() => [first, second, third].every(({ heard }) => heard.includes('a 1')))
      })

      it('tells nothing of what was written before: who watches first and gets second misses nothing', async () => {
        await store.set([result('before', { json: '1' })])
        const { heard } = await listen(['before', 'after'])
        await store.set([result('after', { json: '2' })])

        await eventually(() => heard.includes('after 2'))
        expect(heard.filter((line) => line !== 'before 1')).to.deep.equal(['after 2'])
        expect(await store.get(['before'])).to.deep.equal(['1'])
      })

      it('tells of a result that was forgotten and written anew', async () => {
        await store.set([result('a', { json: '1' })])
        const { heard } = await listen(['a'])

        await store.forget(['a'])
        await store.set([result('a', { json: '2' })])

        await eventually(() => heard.includes('a 2'))
      })

      it('tells nothing once it is closed, and leaves the others listening', async () => {
        const closed = await listen(['a'])
        const kept = await listen(['a'])
        await closed.watch.close()
        await closed.watch.close()

        await store.set([result('a')])

        await eventually(() => kept.heard.length > 0)
        expect(closed.heard).to.deep.equal([])
      })

      it('of thousands of ids hears them all', async () => {
        const ids = Array.from({ length: 2_000 }, (_, index) => `id-${index}`)
        const heard = new Set<string>()
        await store.watch(ids, (id) => heard.add(id))

        await (await connect()).set(ids.map((id) => result(id)))

        await eventually(() => heard.size === ids.length)
      })
    })

    describe('forget', () => {
      it('removes a result, a SUCCESS too, and lets it be written anew', async () => {
        await store.set([result('a'), result('b')])

        await store.forget(['a', 'never-there'])

        expect(await store.get(['a', 'b'])).to.deep.equal([null, encoded('SUCCESS')])
        await store.set([result('a', { state: 'FAILURE', json: encoded('FAILURE') })])
        expect(await store.get(['a'])).to.deep.equal([encoded('FAILURE')])
      })

      it('of nothing removes nothing', async () => {
        await store.set([result('a')])

        await store.forget([])

        expect(await store.get(['a'])).to.deep.equal([encoded('SUCCESS')])
      })
    })

    it('prepares writes without writing them', async () => {
      store.prepare(result('a'))

      expect(await store.get(['a'])).to.deep.equal([null])
    })

    it('names the same server on every connection', async () => {
      expect((await connect()).server).to.equal(store.server)
    })

    it('may be closed twice, and what is asked of it later fails', async () => {
      await store.close()
      await store.close()

      const failure = await store.get(['a']).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(failure).to.include({ code: 'E_RESULTS_UNREACHABLE' })
    })
  })
}

function result(id: string, options: Partial<EncodedResult> = {}): EncodedResult {
  return { id, state: 'SUCCESS', json: encoded(options.state ?? 'SUCCESS'), ttl: 60, ...options }
}

/** As our workers write it where the store is not the broker's. */
function tried(id: string, state: string, number: number, value = '', life = 'a-life'): EncodedResult {
  return result(id, { state, json: `${encoded(state, value).slice(0, -1)}${tryField({ life, number })}}` })
}

/** As Celery writes it: stores that hold nothing but the JSON find the state in there. */
function encoded(state: string, value = ''): string {
  return `{"status": "${state}", "result": "${value}", "traceback": null, "children": [], "date_done": "2026-01-01T00:00:00", "task_id": "x"}`
}
