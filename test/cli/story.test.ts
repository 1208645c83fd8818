import { expect } from 'chai'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { gatherStory, type Snapshots } from '../../src/cli/story/gather.js'
import { storyText } from '../../src/cli/story/story-text.js'
import { type Evidence, tellStory } from '../../src/cli/story/task-story.js'
import { findMessage } from '../../src/cli/story/whereabouts.js'
import { mergeTask, type TaskRecord } from '../../src/events/cluster.js'
import { celeryError } from '../../src/protocol/error-wire.js'
import { createEncoder } from '../../src/protocol/message.js'
import { encodeResult, type TaskResult } from '../../src/protocol/result.js'
import { openResults } from '../../src/results/open.js'
import { plain } from '../../src/terminal/colour.js'

const NOTHING: Evidence = { result: null, snapshot: null, whereabouts: null, children: [] }
const result = (outcome: TaskResult['outcome']): TaskResult => {
  return { id: 'a', outcome, dateDone: 1_700_000_000_000, children: [], groupId: null, parentId: null, extended: null, try: null }
}
/** A record of the monitor's, as one event makes it, and what a test says of it. */
const recordOf = (fields: Partial<TaskRecord> & { readonly id: string }): TaskRecord => {
  const common = { hostname: 'w1@h', timestamp: 0, utcoffset: 0, pid: 1, clock: 1, localReceived: null, fields: {} }
  return { ...mergeTask(undefined, { ...common, type: 'task-started' as const, uuid: fields.id }), ...fields }
}
const look = { paint: plain, width: undefined, now: 1_700_000_060_000 }

describe('the story of a task', () => {
  it('is none when nobody knows anything', () => {
    expect(tellStory('a', NOTHING)).equal(null)
  })

  it('has no parent when that is the task itself, as that of a retry is', () => {
    const success = result({ kind: 'success', value: 3 })

    expect(tellStory('a', { ...NOTHING, result: { ...success, parentId: 'a' } })?.parent).equal(null)
    expect(tellStory('a', { ...NOTHING, result: { ...success, parentId: 'p' } })?.parent).equal('p')
  })

  it('believes the result before the snapshot, which is older', () => {
    const snapshot = recordOf({
      id: 'a',
      name: 'kuma.add',
      state: 'STARTED',
      worker: 'w1@h',
      sentAt: 1_699_999_990,
      startedAt: 1_699_999_995,
    })

    const story = tellStory('a', { ...NOTHING, snapshot, result: result({ kind: 'success', value: 5 }) })

    expect(story).include({ name: 'kuma.add', state: 'SUCCESS', value: 5, worker: 'w1@h', queueWait: 5 })
    expect(story?.sources).deep.equal(['result', 'snapshot'])
  })

  it('of a failure says why, and how to send and to debug it', () => {
    const snapshot = recordOf({ id: 'a', name: 'kuma.add', state: 'FAILURE' })
    const error = celeryError('WorkerLostError', ['gone'], 'Traceback:\n  line 1')

    const story = tellStory('a', { ...NOTHING, snapshot, result: result({ kind: 'error', state: 'FAILURE', error }) })

    expect(story?.error).deep.equal({ type: 'WorkerLostError', message: 'gone', traceback: 'Traceback:\n  line 1' })
    expect(story?.next.map(({ command }) => command)).deep.equal([
      `tasks call kuma.add --args '[…]'`,
      `TASKS_TASK_ALWAYS_EAGER=1 tasks call kuma.add --args '[…]' --wait`,
    ])
    expect(storyText(story!, look)).match(/^kuma\.add a {2}FAILURE\n[\s\S]*WorkerLostError: gone\n {2}Traceback:\n {4}line 1\n\nNext: /)
  })

  it('reads type and message of an error that only the monitor saw', () => {
    const snapshot = recordOf({
      id: 'a',
      name: 'py.div',
      state: 'FAILURE',
      exception: "ZeroDivisionError('division by zero')",
      traceback: 'T',
    })

    expect(tellStory('a', { ...NOTHING, snapshot })?.error).deep.equal({
      type: 'ZeroDivisionError',
      message: "'division by zero'",
      traceback: 'T',
    })
  })

  it('shows hostile text as text', () => {
    const snapshot = recordOf({ id: 'a', name: '\x1b]52;c;x\x07', state: 'FAILURE', exception: 'E(\x1b[2J)', args: '\u202egnol' })

    expect(storyText(tellStory('a', { ...NOTHING, snapshot })!, look)).not.match(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
  })
})

describe('what is known of a task, gathered', () => {
  let broker: Broker
  beforeEach(async () => {
    broker = await openBroker('memory://', {})
  })
  afterEach(() => broker.close())

  const encoder = createEncoder({ origin: 'test', replyTo: 'r', markers: true })
  const send = (id: string, queue: string) => {
    return broker.publish([{ queue, priority: 0, raw: encoder.encode({ id, task: 'kuma.add', args: [1, "it's"], queue }) }])
  }

  it('finds the message where it waits, and how many are before it', async () => {
    await send('first', 'celery')
    await send('second', 'celery')

    const found = await findMessage(broker, ['mail', 'celery'], 'second')

    expect(found).include({ kind: 'waiting', queue: 'celery', ahead: 1 })
    expect(tellStory('second', { ...NOTHING, whereabouts: found })).include({ state: 'PENDING', name: 'kuma.add', args: `(1, 'it\\'s')` })
  })

  it('finds it in flight, with the worker that has it', async () => {
    await send('one', 'celery')
    const consumer = await broker.register({ incarnation: 'i', node: 'w1@h', leaseMs: 30_000, queues: ['celery'] })
    await consumer.take(1, ['celery'], 1)

    const found = await findMessage(broker, ['celery'], 'one')
    const story = tellStory('one', { ...NOTHING, whereabouts: found })

    expect(found).include({ kind: 'in flight', node: 'w1@h', isStarted: false, isAlive: true })
    expect(story?.next[0]?.command).equal('tasks inspect active -d w1@h')
  })

  it('finds it among the dead letters, and says how to put it back, arguments quoted for a shell', async () => {
    await send('one', 'celery')
    const consumer = await broker.register({ incarnation: 'i', node: 'w1@h', leaseMs: 30_000, queues: ['celery'] })
    const taken = await consumer.take(1, ['celery'], 1)
    if (taken === 'lost') throw new Error('lost')
    const [delivery] = taken.deliveries
    await consumer.settle([{ delivery: delivery!, fate: { kind: 'dead', reason: 'unregistered', detail: 'no such task' } }])

    const found = await findMessage(broker, ['celery'], 'one')
    const story = tellStory('one', { ...NOTHING, whereabouts: found })

    expect(story?.place).include({ kind: 'dead', detail: 'unregistered: no such task' })
    expect(story?.next.map(({ command }) => command)[1]).match(/^tasks dead retry \S+$/)
  })

  it('tells kin of results and snapshots as a tree, each once, and who could not be asked', async () => {
    const results = await openResults('memory://', {})
    const json = (id: string, children: readonly string[]) =>
      encodeResult({
        id,
        outcome: { kind: 'success', value: 1 },
        dateDone: 0,
        markers: true,
        children: children.map((child) => ({ id: child, parent: null, members: null })),
      })
    await results.set([
      { id: 'a', state: 'SUCCESS', json: json('a', ['b']), ttl: 0 },
      { id: 'b', state: 'SUCCESS', json: json('b', ['a', 'c']), ttl: 0 },
    ])
    const snapshots: Snapshots = {
      task: (id) => Promise.resolve(id === 'c' ? recordOf({ id, name: 'kuma.c', state: 'STARTED' }) : null),
      childrenOf: (id) => Promise.resolve(id === 'a' ? [recordOf({ id: 'd', name: 'kuma.d', state: 'FAILURE' })] : []),
    }
    const absent: string[] = []

    const story = await gatherStory('a', {
      broker: () => Promise.reject(new Error('away')),
      queues: () => Promise.resolve([]),
      results: () => Promise.resolve(results),
      snapshots: () => Promise.resolve(snapshots),
      absent: (who, why) => absent.push(`${who}: ${why}`),
    })
    await results.close()

    expect(absent).deep.equal(['the broker: away'])
    expect(story?.children.map(({ id }) => id)).deep.equal(['b', 'd'])
    expect(story?.children[0]?.children).deep.equal([{ id: 'c', name: 'kuma.c', state: 'STARTED', children: [] }])
    expect(storyText(story!, look)).contain('it sent\n  ├ ? b SUCCESS\n  │ └ kuma.c c STARTED')
  })
})
