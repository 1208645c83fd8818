import { expect } from 'chai'
import fc from 'fast-check'
import { type Cluster, emptyCluster, isAlive, reduce } from '../../src/events/cluster.js'
import type { ClusterEvent } from '../../src/protocol/event.js'
import { anEvent, aTaskEvent } from './some-events.js'

function clusterOf(events: readonly ClusterEvent[], limits = {}, now = 1000): Cluster {
  return events.reduce((cluster, event) => reduce(cluster, event, now), emptyCluster(limits))
}

const load = { freq: 2, active: 3, processed: 40, loadavg: [1, 0.5, 0.25], sw_ident: 'py-celery', sw_ver: '5.6.3' }
const beat = (change: Partial<ClusterEvent> = {}) => anEvent('worker-heartbeat', { fields: load, ...change })

describe('what is known of the workers', () => {
  it('is what their last heartbeat says', () => {
    const cluster = clusterOf([anEvent('worker-online'), beat({ timestamp: 1002, clock: 9 }), beat({ clock: 5, fields: { active: 1 } })])

    expect(cluster.workers.get('w1@host')).to.deep.include({
      node: 'w1@host',
      isOffline: false,
      heartbeatAt: 1002,
      freq: 2,
      active: 3,
      processed: 40,
      loadavg: [1, 0.5, 0.25],
      pid: 7,
      software: 'py-celery 5.6.3',
      clock: 9,
    })
  })

  it('keeps their load when they answer the command heartbeat, which does not tell it', () => {
    const answer = beat({ timestamp: 1003, fields: { freq: 5, sw_ident: 'celerity' } })

    expect(clusterOf([beat(), answer]).workers.get('w1@host')).to.include({ freq: 5, active: 3, software: 'celerity' })
  })

  it('has them alive for two heartbeats by our clock, whatever theirs says', () => {
    const [worker] = clusterOf([beat({ timestamp: 10, localReceived: 5_000 })]).workers.values()
    if (worker === undefined) throw new Error('no worker')

    expect([5_000, 5_003.9, 5_004.1].map((now) => isAlive(worker, now))).to.deep.equal([true, true, false])
  })

  it('has them gone when they say so, and back when they come back', () => {
    const offline = anEvent('worker-offline', { timestamp: 1010, clock: 99, fields: load })
    const back = anEvent('worker-online', { timestamp: 1011, clock: 1, fields: load })
    const alive = (events: ClusterEvent[]) => [...clusterOf(events).workers.values()].map((worker) => isAlive(worker, 1011))

    expect(alive([beat({ timestamp: 1009 }), offline])).to.deep.equal([false])
    expect(alive([offline, beat({ timestamp: 1009 })])).to.deep.equal([false])
    expect(alive([back, offline])).to.deep.equal([true])
  })

  it('is the same in any order of their heartbeats, and however often they come', () => {
    const some = fc.record({
      type: fc.constantFrom('worker-online', 'worker-heartbeat', 'worker-offline'),
      timestamp: fc.constantFrom(1000, 1001),
      clock: fc.constantFrom(1, 2),
      localReceived: fc.constantFrom(null, 1000, 1001),
      fields: fc.oneof(fc.constant({}), fc.constant(load), fc.dictionary(fc.constantFrom(...Object.keys(load)), fc.anything())),
    })
    const shuffled = fc
      .array(
        some.map((change) => anEvent(change.type, change)),
        { minLength: 1, maxLength: 8 },
      )
      .chain((events) => fc.tuple(fc.constant(events), fc.shuffledSubarray(events)))
    fc.assert(
      fc.property(shuffled, ([events, others]) => {
        expect([...clusterOf([...others, ...events]).workers]).to.deep.equal([...clusterOf(events).workers])
      }),
    )
  })

  it('does not take clients, elections and the events of others for workers', () => {
    const cluster = clusterOf([aTaskEvent('task-sent', { hostname: 'gen1@web' }), anEvent('worker-elect'), anEvent('shop-opened')])

    expect(cluster.workers.size).to.equal(0)
    expect(cluster.counts).to.deep.equal({ heard: 1, ignored: 2, forgotten: 0 })
  })
})

describe('what is kept of a cluster', () => {
  it('is the newest tasks: of more than the limit the oldest final ones go first', () => {
    const events = ['a', 'b', 'c'].map((uuid) => aTaskEvent('task-started', { uuid }))
    const cluster = clusterOf([...events, aTaskEvent('task-succeeded', { uuid: 'b' })], { tasks: 3 })

    reduce(cluster, aTaskEvent('task-started', { uuid: 'd' }), 1000)
    expect([...cluster.tasks.keys()]).to.deep.equal(['a', 'c', 'd'])
    reduce(cluster, aTaskEvent('task-succeeded', { uuid: 'e' }), 1000)
    expect([...cluster.tasks.keys()]).to.deep.equal(['c', 'd', 'e'])
    expect(cluster.counts.forgotten).to.equal(2)
  })

  it('is nothing of which nobody has heard for too long', () => {
    const cluster = emptyCluster({ age: 60 })
    reduce(cluster, aTaskEvent('task-started', { uuid: 'old' }), 1000)
    reduce(cluster, beat({ hostname: 'old@host' }), 1000)
    reduce(cluster, aTaskEvent('task-started', { uuid: 'young' }), 1050)

    reduce(cluster, aTaskEvent('task-started', { uuid: 'new' }), 1061)
    reduce(cluster, beat(), 1061)

    expect([...cluster.tasks.keys()]).to.deep.equal(['young', 'new'])
    expect([...cluster.workers.keys()]).to.deep.equal(['w1@host'])
  })

  it('is as many workers as the limit says', () => {
    const beats = Array.from({ length: 100 }, (_, index) => beat({ hostname: `w${index}@host` }))

    expect(clusterOf(beats, { workers: 10 }).workers.size).to.equal(10)
  })

  it('is bounded in size, however long the texts and however many the tries', () => {
    const cluster = emptyCluster({ characters: 1_000_000 })
    const long = 'x'.repeat(1_000_000)
    for (let index = 0; index < 2_000; index++) {
      const fields = { args: long, exception: long, traceback: long }
      reduce(cluster, aTaskEvent('task-retried', { uuid: `t${index % 400}`, timestamp: 1000 + index, fields }), 1000)
    }

    expect(cluster.tasks.size).to.be.within(10, 50)
  })

  it('grows no further at ten thousand events a second', () => {
    const cluster = emptyCluster({ tasks: 1_000 })
    for (let index = 0; index < 60_000; index++) {
      const type = ['task-received', 'task-started', 'task-succeeded'][index % 3] ?? ''
      reduce(cluster, aTaskEvent(type, { uuid: `t${Math.floor(index / 3)}`, clock: index }), index / 10_000)
    }

    expect(cluster.tasks.size).to.be.within(980, 1_000)
    expect(cluster.counts).to.deep.equal({ heard: 60_000, ignored: 0, forgotten: 20_000 - cluster.tasks.size })
  })
})
