import { expect } from 'chai'
import fc from 'fast-check'
import { joinTasks, mergeTask, recordOf, type TaskEvent, type TaskRecord } from '../../src/events/cluster.js'
import { decodeEvents } from '../../src/protocol/event.js'
import { capturedSpecialCases, envelopeOf } from '../protocol/captured-events.js'
import { arbitraryTaskEvent, aTaskEvent } from './some-events.js'

function recordFrom(events: readonly TaskEvent[]): TaskRecord {
  const [first, ...rest] = events
  if (first === undefined) throw new Error('no events')
  return rest.reduce<TaskRecord>((record, event) => mergeTask(record, event), mergeTask(undefined, first))
}

const received = (change = {}) =>
  aTaskEvent('task-received', { clock: 2, timestamp: 1001, fields: { name: 'a.b', args: '(1,)', kwargs: '{}', retries: 0 }, ...change })
const started = (change = {}) => aTaskEvent('task-started', { clock: 3, timestamp: 1002, ...change })
const succeeded = (change = {}) =>
  aTaskEvent('task-succeeded', { clock: 4, timestamp: 1005, fields: { result: '5', runtime: 3 }, ...change })
const retried = (change = {}) =>
  aTaskEvent('task-retried', { clock: 4, timestamp: 1003, fields: { exception: "E('x')", traceback: 'T' }, ...change })
const failed = (change = {}) => aTaskEvent('task-failed', { clock: 9, timestamp: 1009, fields: { exception: "E('y')" }, ...change })
const sent = (change = {}) =>
  aTaskEvent('task-sent', { hostname: 'gen1@web', clock: 900, timestamp: 1000, fields: { name: 'a.b', queue: 'mail' }, ...change })

describe('the record of a task', () => {
  it('is the same in any order of its events, and however often they come', () => {
    const shuffled = fc
      .array(arbitraryTaskEvent, { minLength: 1, maxLength: 12 })
      .chain((events) =>
        fc.tuple(
          fc.constant(events),
          fc.shuffledSubarray([...events, ...events], { minLength: events.length, maxLength: events.length * 2 }),
        ),
      )
    fc.assert(
      fc.property(shuffled, ([events, others]) => {
        expect(recordFrom([...others, ...events])).to.deep.equal(recordFrom(events))
      }),
      { numRuns: 500 },
    )
  })

  it('is the join of the records of some of its events and of the others', () => {
    const some = fc.array(arbitraryTaskEvent, { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(some, some, (ones, others) => {
        const all = recordFrom([...ones, ...others])
        expect(joinTasks(recordFrom(ones), recordFrom(others))).to.deep.equal(all)
        expect(joinTasks(recordFrom(others), recordFrom(ones))).to.deep.equal(all)
        expect(joinTasks(all, recordFrom(ones))).to.equal(all)
      }),
    )
  })

  it('keeps the parent that the first try named: a retry is sent by the task itself', () => {
    const first = received({ fields: { name: 'a.b', parent_id: 'above' } })
    const again = received({ timestamp: 1004, fields: { name: 'a.b', parent_id: first.uuid, retries: 1 } })

    expect(recordFrom([first, again]).parentId).to.equal('above')
    expect(recordFrom([again, first])).include({ parentId: 'above', retries: 1 })
  })

  it('is kept as JSON and comes back the same', () => {
    fc.assert(
      fc.property(fc.array(arbitraryTaskEvent, { minLength: 1 }), (events) => {
        const record = recordFrom(events)
        expect(recordOf(record.id, JSON.parse(JSON.stringify(record.parts)))).to.deep.equal(record)
      }),
    )
  })

  it('tells the whole of a success', () => {
    const record = recordFrom([sent(), received(), started(), succeeded()])

    const { parts: _, ...told } = record
    expect(told).to.deep.equal({
      id: 'a-1',
      name: 'a.b',
      state: 'SUCCESS',
      worker: 'w1@host',
      queue: 'mail',
      args: '(1,)',
      kwargs: '{}',
      result: '5',
      exception: null,
      traceback: null,
      runtime: 3,
      retries: 0,
      eta: null,
      expires: null,
      rootId: null,
      parentId: null,
      sentFrom: null,
      sentAt: 1000,
      receivedAt: 1001,
      startedAt: 1002,
      endedAt: 1005,
      stateAt: 1005,
      clock: 4,
      tries: [],
    })
  })

  it('tells the tries of a task that was retried, then succeeded', () => {
    const again = received({ clock: 5, timestamp: 1004, fields: { name: 'a.b', retries: 1 } })

    const record = recordFrom([received(), started(), retried(), again, succeeded({ clock: 7 })])

    expect(record).to.include({ state: 'SUCCESS', retries: 1, exception: null })
    expect(record.tries).to.deep.equal([
      { at: 1003, clock: 4, outcome: 'retried', exception: "E('x')", traceback: 'T', worker: 'w1@host', runtime: null },
    ])
  })

  it('is not its own parent, though each retry is sent by the try before it', () => {
    const again = received({ clock: 5, timestamp: 1004, fields: { name: 'a.b', retries: 1, parent_id: received().uuid } })

    expect(recordFrom([received(), retried(), again]).parentId).to.equal(null)
    expect(recordFrom([received({ fields: { name: 'a.b', parent_id: 'p' } })]).parentId).to.equal('p')
  })

  it('has the error of a task that waits for its next try', () => {
    expect(recordFrom([received(), started(), retried()])).to.include({ state: 'RETRY', exception: "E('x')", traceback: 'T' })
  })

  it('is that of the later try, once that began', () => {
    const again = received({ clock: 5, timestamp: 1004 })

    expect(recordFrom([retried(), again, started(), received()])).to.include({ state: 'RECEIVED', stateAt: 1004, endedAt: null })
  })

  it('stays final, whatever comes late or twice', () => {
    const later = { timestamp: 2000, clock: 50 }

    expect(recordFrom([succeeded(), started(later), received(later)]).state).to.equal('SUCCESS')
    expect(recordFrom([failed(), retried(later)]).state).to.equal('FAILURE')
    expect(recordFrom([failed(later), succeeded()])).to.include({ state: 'SUCCESS', exception: null })
    expect(recordFrom([aTaskEvent('task-revoked', later), failed()]).state).to.equal('FAILURE')
  })

  it('is revoked before it was received, and then has no name until it is known', () => {
    const revoked = aTaskEvent('task-revoked', { fields: { terminated: false } })

    expect(recordFrom([revoked])).to.include({ state: 'REVOKED', name: null, endedAt: 1000 })
    expect(recordFrom([revoked, received()])).to.include({ state: 'REVOKED', name: 'a.b' })
    expect(recordFrom([sent({ timestamp: 5000 }), revoked])).to.include({ state: 'REVOKED', name: 'a.b', queue: 'mail' })
  })

  it('is pending while it was only sent, however far the clock of its client runs ahead', () => {
    expect(recordFrom([sent()])).to.include({ state: 'PENDING', worker: null, clock: 0, name: 'a.b' })
    expect(recordFrom([received(), sent({ timestamp: 1e9 })])).to.include({ state: 'RECEIVED', queue: 'mail' })
  })

  it('takes what Celery sends of one moment in the order of its clock, then of a life', () => {
    const now = { timestamp: 1000, clock: 5 }

    expect(recordFrom([started(now), received(now)]).state).to.equal('STARTED')
    expect(recordFrom([started({ ...now, clock: 4 }), received(now)]).state).to.equal('RECEIVED')
    expect(recordFrom([aTaskEvent('task-progress', now), started(now)]).state).to.equal('PROGRESS')
  })

  it('cuts what is long, and passes by what is of the wrong kind', () => {
    const long = { name: 5, args: 'x'.repeat(1e6), kwargs: [], retries: 'many', eta: 'soon', expires: 1, root_id: {}, queue: null }

    const record = recordFrom([received({ fields: long }), failed({ fields: { exception: {}, traceback: 'x'.repeat(1e6), runtime: 'x' } })])

    expect(record).to.include({
      name: null,
      kwargs: null,
      retries: 0,
      eta: null,
      expires: null,
      rootId: null,
      exception: null,
      runtime: null,
    })
    expect(record.args).to.have.length(4_097)
    expect(record.traceback).to.have.length(16_385)
  })

  it('keeps the last twenty tries', () => {
    const many = Array.from({ length: 50 }, (_, index) => retried({ timestamp: 1000 + index, clock: index }))

    expect(recordFrom(many).tries.map(({ at }) => at)).to.deep.equal(Array.from({ length: 20 }, (_, index) => 1030 + index))
  })

  it('tells every special case that was captured: limits, lost processes, revocations, tasks that nobody knows', () => {
    const states = new Map<string, TaskRecord>()
    for (const event of decodeEvents(envelopeOf(capturedSpecialCases())).events as readonly TaskEvent[]) {
      states.set(event.uuid, mergeTask(states.get(event.uuid), event))
    }

    expect([...states.values()].map(({ name, state }) => `${name} ${state}`)).to.deep.equal([
      'proj.tasks.sleeper FAILURE',
      'proj.tasks.sleeper FAILURE',
      'proj.extra.die FAILURE',
      'proj.tasks.add RECEIVED',
      'proj.tasks.sleeper REVOKED',
      'proj.tasks.ignored SUCCESS',
      'null FAILURE',
      'proj.tasks.ignore_me STARTED',
    ])
  })
})
