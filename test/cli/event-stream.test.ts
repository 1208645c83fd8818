import { expect } from 'chai'
import { EventStream, type EventStreamOptions } from '../../src/cli/event-stream.js'
import { TaskTexts } from '../../src/cli/task-texts.js'
import type { ClusterEvent } from '../../src/protocol/event.js'

describe('a stream of events', () => {
  it('holds those of the types that are asked for', () => {
    const { stream, sink } = aStream({ types: ['task-*ed', 'worker-online'] })

    stream.hear(['task-failed', 'task-sent', 'worker-online', 'worker-offline', 'task-retried'].map(anEvent))

    expect(sink.text).equal('task-failed\nworker-online\ntask-retried\n')
  })

  it('ends at its limit, once', () => {
    const { stream, sink, ends } = aStream({ limit: 2 })

    stream.hear(['a-1', 'a-2', 'a-3'].map(anEvent))
    stream.hear([anEvent('a-4')])

    expect(sink.text).equal('a-1\na-2\n')
    expect(ends.count).equal(1)
  })

  it('passes over what a slow reader does not take, and counts it; what has to be remembered of it is', () => {
    const noted: string[] = []
    const { stream, sink } = aStream({ note: ({ type }) => noted.push(type) })

    sink.writableLength = 64 * 1024 * 1024
    stream.hear([anEvent('a-1'), anEvent('a-2')])
    sink.writableLength = 0
    stream.hear([anEvent('a-3')])

    expect(sink.text).equal('a-3\n')
    expect(stream.passedOver).equal(2)
    expect(noted).deep.equal(['a-1', 'a-2', 'a-3'])
  })
})

describe('texts of tasks', () => {
  it('are known from the event that told them on, and not without end', () => {
    const texts = new TaskTexts(({ fields: { name } }) => (typeof name === 'string' ? name : null))
    const received = { ...anEvent('task-received'), uuid: 'first', fields: { name: 't.add' } }

    texts.note(received)
    expect(texts.of({ ...anEvent('task-started'), uuid: 'first' })).equal('t.add')
    expect(texts.of({ ...anEvent('task-started'), uuid: 'other' })).equal(null)
    for (let index = 0; index < 10_000; index++) texts.note({ ...received, uuid: String(index) })
    expect(texts.of(received)).equal(null)
    texts.note({ ...received, uuid: 'long', fields: { name: 'x'.repeat(100_000) } })
    expect(texts.of({ ...received, uuid: 'long' })).equal(null)
  })
})

function anEvent(type: string): ClusterEvent {
  return { type, hostname: 'w@h', timestamp: 1, utcoffset: 0, pid: 1, clock: 1, localReceived: null, fields: {} }
}

function aStream(options: Partial<EventStreamOptions>) {
  const sink = {
    text: '',
    writableLength: 0,
    write(text: string) {
      sink.text += text
    },
  }
  const ends = { count: 0 }
  const stream = new EventStream(
    sink,
    { types: [], limit: Number.POSITIVE_INFINITY, line: ({ type }) => type, ...options },
    () => ends.count++,
  )
  return { stream, sink, ends }
}
