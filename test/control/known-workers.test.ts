import { expect } from 'chai'
import fc from 'fast-check'
import type { Broker, KnownWorker } from '../../src/broker/broker.js'
import { knownWorkers, readWorkerState } from '../../src/control/known-workers.js'
import type { WorkerState } from '../../src/control/worker-state.js'

const STATE: WorkerState = {
  node: 'celery@a',
  pid: 7,
  version: '0.1.0',
  started: 1_795_330_130,
  concurrency: 4,
  queues: ['celery', 'mail'],
  active: [{ id: 'i', name: 't', since: 1_795_330_140 }],
  processed: 12,
  blockedMs: 0,
  answers: { clock: { clock: 5 } },
}

const worker = (change: Partial<KnownWorker> = {}): KnownWorker => ({
  incarnation: 'x',
  node: 'celery@a',
  queues: ['celery'],
  isAlive: true,
  state: JSON.stringify(STATE),
  stateAge: 3_500,
  ...change,
})

const known = (...workers: readonly KnownWorker[]) => knownWorkers({ workers: async () => workers } as unknown as Broker)

describe('what is known of workers', () => {
  it('is what each said of itself, and how long ago', async () => {
    expect(await known(worker())).to.deep.equal([{ node: 'celery@a', isAlive: true, queues: ['celery', 'mail'], age: 3.5, state: STATE }])
  })

  it('is what the registry says where there is no word that can be read', async () => {
    for (const state of [null, '', 'null', '[]', '{"node": 5}', '{"node": "celery@a"']) {
      expect(await known(worker({ state }))).to.deep.equal([
        { node: 'celery@a', isAlive: true, queues: ['celery'], age: null, state: null },
      ])
    }
  })

  it('is what the registry says of its queues until it has said itself', async () => {
    const [found] = await known(worker({ state: JSON.stringify({ ...STATE, queues: [] }) }))

    expect(found!.queues).to.deep.equal(['celery'])
  })

  it('is, of several workers of one name, what the living one said last', async () => {
    const found = await known(
      worker({ isAlive: false, stateAge: 100 }),
      worker({ stateAge: 9_000 }),
      worker({ stateAge: 2_000 }),
      worker({ node: 'celery@0', state: null, stateAge: null }),
    )

    expect(found.map(({ node, age }) => [node, age])).to.deep.equal([
      ['celery@0', null],
      ['celery@a', 2],
    ])
  })

  it('never fails on what somebody else has written there', () => {
    fc.assert(
      fc.property(fc.json(), (json) => void readWorkerState(json)),
      { numRuns: 300 },
    )
    fc.assert(
      fc.property(fc.record({ node: fc.string(), active: fc.jsonValue(), queues: fc.jsonValue(), answers: fc.jsonValue() }), (given) => {
        const state = readWorkerState(JSON.stringify(given))
        expect(state?.queues.every((queue) => typeof queue === 'string')).to.equal(true)
        expect(Number.isFinite(state?.concurrency)).to.equal(true)
      }),
      { numRuns: 300 },
    )
  })
})
