import { expect } from 'chai'
import { openBroker } from '../../src/broker/open.js'
import { CelerityError } from '../../src/errors.js'
import { stateOf } from '../../src/protocol/result.js'
import type { ResultStore } from '../../src/results/store.js'
import { eventually } from '../eventually.js'
import { elsewhere, Stage, unreachable } from './a-worker.js'

describe('housekeeping', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })
  afterEach(() => stage.end())

  it('ends a message only when what became of it is stored, with results on another server', async () => {
    const once = stage.app.task('kuma.once', { acks: 'early' }, () => {})
    const { id } = await once.delay()
    const other = await stage.connect()
    const gone = await other.register({ incarnation: 'gone', node: 'celery@gone', leaseMs: 1, queues: ['celery'] })
    const taken = await gone.take(1, ['celery'], 1)
    if (taken !== 'lost') await gone.start(taken.deliveries)
    let isAway = true
    let tries = 0
    const results = elsewhere(await stage.app.results())
    const set: ResultStore['set'] = (some) => (isAway && ++tries > 0 ? Promise.reject(unreachable()) : results.set(some))
    const flaky = new Proxy(results, { get: (_, key) => (key === 'set' ? set : Reflect.get(results, key, results)) })
    await stage.work({ parts: { results: flaky }, options: { leaseMs: 150 } })

    await eventually(() => tries > 1)
    expect(await stage.counts()).to.include({ leased: 1 })
    isAway = false
    await stage.settled()

    expect(stateOf((await stage.result(id))!.outcome)).to.equal('FAILURE')
  })

  it('stores what became of tasks that were lost though the rest of the round fails, and says so at once and once a minute', async () => {
    const once = stage.app.task('kuma.once', { acks: 'early' }, () => {})
    const { id } = await once.delay()
    const other = await openBroker(stage.url, {})
    const gone = await other.register({ incarnation: 'gone', node: 'celery@gone', leaseMs: 1, queues: ['celery'] })
    const taken = await gone.take(1, ['celery'], 1)
    if (taken !== 'lost') await gone.start(taken.deliveries)
    let rounds = 0
    const after = (step: string) => {
      if (step !== 'tend') return
      rounds++
      throw new CelerityError('E_BROKER_REFUSED', { message: 'WRONGTYPE' })
    }
    await stage.work({ parts: { results: elsewhere(await stage.app.results()) }, options: { leaseMs: 150 }, after })

    const result = await eventually(async () => (await stage.result(id)) ?? undefined)
    await eventually(() => rounds > 2)

    expect(stateOf(result.outcome)).to.equal('FAILURE')
    expect(stage.said('will be tried again').filter(({ level }) => level === 'warning')).to.have.length(1)
    await other.close()
  })

  it('says nothing of a broker that is away: the takes do', async () => {
    let rounds = 0
    const before = (step: string) => {
      if (step !== 'tend') return
      rounds++
      throw new CelerityError('E_BROKER_UNREACHABLE', { message: 'away' })
    }
    await stage.work({ options: { leaseMs: 150 }, before })
    await eventually(() => rounds > 2)

    expect(stage.said('will be tried again').filter(({ level }) => level !== 'debug')).to.deep.equal([])
  })
})
