import { expect } from 'chai'
import { encodeResult, type Outcome } from '../../src/protocol/result.js'
import { tryOf } from '../../src/protocol/try.js'
import type { ResultStore } from '../../src/results/store.js'
import { eventually } from '../eventually.js'
import { elsewhere, gate, Stage } from './a-worker.js'

const LOST: Outcome = {
  kind: 'error',
  state: 'FAILURE',
  error: { type: 'TimeLimitExceeded', module: 'builtins', message: [1], traceback: null },
}

describe('a worker whose results are on another server than the broker', () => {
  let stage: Stage
  let results: ResultStore
  beforeEach(async () => {
    stage = new Stage()
    results = elsewhere(await stage.app.results())
  })
  afterEach(() => stage.end())

  /** As another run of the message stores it, which no fence keeps out. @param life null: its own */
  async function store(id: string, outcome: Outcome, life: string | null = null): Promise<void> {
    const [message] = await (await stage.app.broker()).inFlight((await onlyWorker()) ?? '', 1)
    const own = tryOf(message?.raw ?? Buffer.alloc(0), { headers: {}, retries: 0 })
    if (own === null) throw new Error('the message has no life of its own')
    const json = encodeResult({ id, outcome, dateDone: 0, markers: true, try: life === null ? own : { life, number: 0 } })
    await results.set([{ id, state: outcome.kind === 'success' ? 'SUCCESS' : 'FAILURE', json, ttl: 60 }])
  }
  const onlyWorker = async () => (await (await stage.app.broker()).workers())[0]?.incarnation

  it('leaves the final state that another run of its task stored first, and what follows follows from that', async () => {
    const done: string[] = []
    stage.app.task('kuma.note', (_: unknown, what: string) => void done.push(what))
    const work = stage.app.task('kuma.work', { bind: true }, async (task) => {
      await store(task.id, LOST)
      return 'late'
    })
    const link = stage.app.signature('kuma.note', ['linked'])
    const linkError = stage.app.signature('kuma.note', ['mourned'])
    const { id } = await work.applyAsync([], { link, linkError })
    await stage.work({ parts: { results } })
    await stage.settled()
    await eventually(() => done.length > 0)

    expect((await stage.result(id))?.outcome).to.nested.include({ state: 'FAILURE', 'error.type': 'TimeLimitExceeded' })
    expect(done).to.deep.equal(['mourned'])
    expect(stage.said('another run of it ended first')).length(1)
  })

  it('stores its outcome over a failure of what was sent under the same id before', async () => {
    let runs = 0
    const work = stage.app.task('kuma.work', { bind: true }, async (task) => {
      runs++
      await store(task.id, LOST, 'a-former-life')
      return 'anew'
    })
    const { id } = await work.delay()
    await stage.work({ parts: { results } })

    await stage.settled()

    expect((await stage.result(id))?.outcome).to.deep.equal({ kind: 'success', value: 'anew' })
    expect(runs).to.equal(1)
  })

  it('stores the outcome of each try, and none of an earlier one after it', async () => {
    const second = gate()
    const first = gate<string>()
    const work = stage.app.task('kuma.work', { bind: true }, async (task) => {
      if (task.retries === 0) task.retry({ countdown: 0 })
      await second.passed
      return 'second'
    })
    const set = results.set.bind(results)
    let earlier = ''
    const parts = {
      results: new Proxy(results, {
        get(target, key) {
          if (key !== 'set') return Reflect.get(target, key, target)
          return async (batch: Parameters<ResultStore['set']>[0]) => {
            const retry = batch.find(({ state }) => state === 'RETRY')
            if (retry !== undefined) first.open(retry.json)
            return set(batch)
          }
        },
      }),
    }
    const { id } = await work.delay()
    await stage.work({ parts })
    earlier = await first.passed
    await eventually(async () => (await stage.result(id))?.try?.number === 0)
    second.open()
    expect(await stage.app.result(id).get({ timeout: 5 })).to.equal('second')

    const late = earlier.replace('"RETRY"', '"FAILURE"')
    expect(await results.set([{ id, state: 'FAILURE', json: late, ttl: 60 }])).to.not.deep.equal([null])
    expect(await stage.result(id)).to.nested.include({ 'outcome.value': 'second', 'try.number': 1 })
  })
})
