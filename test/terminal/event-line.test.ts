import { expect } from 'chai'
import type { ClusterEvent } from '../../src/protocol/event.js'
import { paint, plain } from '../../src/terminal/colour.js'
import { eventLine } from '../../src/terminal/event-line.js'

describe('a line for an event', () => {
  const lines: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    ['task-received', { args: '(1, 2)', kwargs: '{}' }, 'task-received    t.add id1 (1, 2) {}'],
    ['task-started', {}, 'task-started     t.add id1'],
    ['task-succeeded', { result: '3', runtime: 0.015 }, 'task-succeeded   t.add id1 in 15ms: 3'],
    ['task-failed', { exception: "E('x')", traceback: 'long' }, "task-failed      t.add id1: E('x')"],
    ['task-retried', { exception: 'E()' }, 'task-retried     t.add id1: E()'],
    ['task-revoked', { terminated: true, expired: false }, 'task-revoked     t.add id1 terminated'],
    ['task-revoked', { terminated: false, expired: true }, 'task-revoked     t.add id1 expired'],
    ['task-rejected', { requeue: true }, 'task-rejected    t.add id1 goes back'],
    ['worker-heartbeat', { active: 1, processed: 9, loadavg: [0.5, 1, 2] }, 'worker-heartbeat 1 active, 9 processed, load 0.50 1.00 2.00'],
    ['worker-online', { sw_ident: 'celerity', sw_ver: '1' }, 'worker-online    celerity 1'],
    ['task-custom', { step: 3, deep: {} }, 'task-custom      t.add id1 step=3 deep=…'],
    ['job-custom', { step: 3 }, 'job-custom       step=3'],
  ]
  for (const [type, fields, text] of lines) {
    it(`says «${text}»`, () => {
      expect(eventLine(anEvent(type, fields), 't.add', plain).replace(/^\S+ w@h /, '')).equal(text)
    })
  }

  it('begins with the time of day where the reader is, and says ? for a name that is not known', () => {
    expect(eventLine(anEvent('task-started', {}), null, plain)).match(/^\d\d:\d\d:\d\d\.250 w@h task-started {5}\? id1$/)
  })

  it('is coloured by what happened', () => {
    const coloured = paint({ isTTY: true, allowed: true, env: {} })

    expect(eventLine(anEvent('task-failed', {}), 't.add', coloured)).contain('\x1b[31mtask-failed')
  })

  it('is one line of bounded length that does nothing to a terminal', () => {
    const evil = `\x1b[2J\n\u202e${'x'.repeat(10_000)}`

    for (const type of ['task-received', 'task-failed', 'task-x', 'worker-online']) {
      const fields = { args: evil, exception: evil, sw_ident: evil, [evil]: evil }
      const line = eventLine({ ...anEvent(type, fields), hostname: '\x1b[2J' }, '\x1b[2J', plain)
      expect(line).match(/^[\x20-\x7e…]*$/)
      expect(line.length).below(2000)
    }
  })
})

function anEvent(type: string, fields: Readonly<Record<string, unknown>>): ClusterEvent {
  const isTask = type.startsWith('task-')
  return {
    type,
    hostname: 'w@h',
    timestamp: 1.25,
    utcoffset: 0,
    pid: 1,
    clock: 1,
    localReceived: null,
    ...(isTask && { uuid: 'id1' }),
    fields,
  }
}
