import { expect } from 'chai'
import fc from 'fast-check'
import { decodeEvents } from '../../src/protocol/event.js'
import { EventEncoder, utcOffset, workerEvent } from '../../src/protocol/event-encode.js'
import { createEncoder, decodeMessage, type TaskCall, type TaskMessage } from '../../src/protocol/message.js'
import { bodyOf, capturedMessages, capturedTypes, type RawEvent } from './captured-events.js'
import { fixture } from './fixtures.js'

const NODE = { node: 'w1@host1', pid: 6551 }

/** An event of that type as Celery wrote it. */
function captured(type: string, at = 0): RawEvent {
  const event = capturedTypes()[type]?.[at]
  if (event === undefined) throw new Error(`no ${type} was captured`)
  return event
}

function msOf(event: RawEvent): number {
  return (event['timestamp'] as number) * 1000
}

function aMessage(change: Partial<TaskCall> = {}): TaskMessage {
  const encoder = createEncoder({ origin: 'gen1@host', replyTo: 'r', markers: true })
  const decoded = decodeMessage(
    Buffer.from(encoder.encode({ id: 'a-1', task: 'proj.tasks.sleeper', args: [25], queue: 'celery', ...change })),
  )
  if (!decoded.ok) throw new Error(decoded.bad.detail)
  return decoded.message
}

function aList(...events: readonly string[]): Buffer {
  return Buffer.from(`[${events.join(', ')}]`)
}

/** The event as text, but for the name of the software, and without what only ours carry. */
function likeCelery(json: string): string {
  return json.replace(/, "(queue|sent_from|sent_at)": ("[^"]*"|[\d.]+)/g, '')
}

/** What Python's `json.dumps` makes of it. */
function asPython(event: RawEvent): string {
  return JSON.stringify(event, null, 1)
    .replace(/\n */g, ' ')
    .replace(/([{[]) /g, '$1')
    .replace(/ ([}\]])/g, '$1')
}

describe('events, written', () => {
  const encoder = new EventEncoder(NODE)

  it('are those of Celery, field by field: received, started, succeeded', () => {
    const received = captured('task-received')
    const started = captured('task-started')
    const succeeded = captured('task-succeeded')
    const decoded = decodeMessage(Buffer.from(fixture('event-task-sent').pushes?.[0]?.raw ?? ''))
    if (!decoded.ok) throw new Error(decoded.bad.detail)
    const id = received['uuid'] as string
    const message = { ...decoded.message, id, rootId: id, task: 'proj.tasks.sleeper', argsrepr: '(25,)' }

    expect(likeCelery(encoder.taskReceived(message, 'celery', 18, msOf(received)))).to.equal(asPython(received))
    expect(encoder.taskStarted(started['uuid'] as string, 20, msOf(started))).to.equal(asPython(started))
    expect(encoder.taskSucceeded(succeeded['uuid'] as string, '25', 25.042717617000108, 108, msOf(succeeded))).to.equal(asPython(succeeded))
  })

  it('are those of Celery, field by field: failed, retried, rejected, revoked', () => {
    for (const type of ['task-failed', 'task-retried'] as const) {
      const event = captured(type)
      const { uuid, exception, traceback, clock } = event as RawEvent & {
        uuid: string
        exception: string
        traceback: string
        clock: number
      }
      const error = { exception, traceback, runtime: undefined }
      expect(encoder.taskFailed(type, uuid, error, clock, msOf(event))).to.equal(asPython(event))
    }
    const rejected = captured('task-rejected')
    expect(encoder.taskRejected(rejected['uuid'] as string, false, 202, msOf(rejected))).to.equal(asPython(rejected))
    const [terminated, plain] = [captured('task-revoked'), captured('task-revoked', 1)]
    const how = { terminated: true, signum: 15, expired: false }
    expect(encoder.taskRevoked(terminated['uuid'] as string, how, 179, msOf(terminated))).to.equal(asPython(terminated))
    const quiet = { terminated: false, signum: null, expired: false }
    expect(encoder.taskRevoked(plain['uuid'] as string, quiet, 184, msOf(plain))).to.equal(asPython(plain))
  })

  it('are those of Celery, byte by byte, in an envelope that is marked as journaled: task-sent', () => {
    const { raw, body_decoded: body } = capturedMessages().find(({ channel }) => channel.endsWith('task.sent')) as {
      raw: string
      body_decoded: RawEvent
    }
    const client = new EventEncoder({ node: body['hostname'] as string, pid: body['pid'] as number })
    const id = body['uuid'] as string
    const task = {
      id,
      task: 'proj.tasks.add',
      rootId: id,
      parentId: null,
      argsrepr: '(1, 1)',
      kwargsrepr: '{}',
      retries: 0,
      eta: null,
      expires: null,
      queue: 'celery',
    }

    const message = client.one('task-sent', client.taskSent(task, 1, msOf(body)))

    const withoutTag = (text: string) => text.replace(/"delivery_tag": "[^"]+"/, '').replace(', "celerity": "journal"', '')
    expect(withoutTag(String(message.raw))).to.equal(withoutTag(raw))
    expect(message).to.include({ exchange: 'celeryev', routingKey: 'task.sent', events: 1 })
    expect(decodeEvents(message.raw).isJournaled).to.equal(true)
  })

  it('tell of a worker what Celery tells, and less in the answer to the command heartbeat', () => {
    const online = captured('worker-online')
    const load = { active: 0, processed: 0, average: [6.3921, 5.288, 2.9949] }

    const message = workerEvent(NODE, 'worker-online', { freq: 2, version: '5.6.3', load }, { clock: 1, now: msOf(online) })
    const short = workerEvent(NODE, 'worker-heartbeat', { freq: 5, version: '5.6.3' }, { clock: 1, now: 0 })

    expect(bodyOf(String(message.raw))).to.deep.equal({ ...online, sw_ident: 'celerity' })
    expect(Object.keys(bodyOf(String(message.raw)))).to.deep.equal(Object.keys(online))
    expect(message.routingKey).to.equal('worker.online')
    expect(Object.keys(bodyOf(String(short.raw))).slice(4, -2)).to.deep.equal(['freq', 'sw_ident', 'sw_ver', 'sw_sys'])
  })

  it('are a list under the key task.multi, one event or many', () => {
    const message = encoder.many(aList(encoder.taskStarted('a', 1, 0), encoder.taskStarted('b', 2, 0)), 2)

    expect(message).to.include({ exchange: 'celeryev', routingKey: 'task.multi', events: 2 })
    expect(decodeEvents(message.raw).events.map(({ uuid }) => uuid)).to.deep.equal(['a', 'b'])
    expect(bodyOf(String(encoder.many(aList(encoder.taskStarted('a', 1, 0)), 1).raw))).to.be.an('array')
  })

  it('say where and when a task was sent, if its message does', () => {
    const from = { at: 'src/mail.ts:12', host: 'h', pid: 1, version: '0.1.0' }
    const message = { ...aMessage({ headers: { sent_from: from }, eta: 86_400_000 }), sentAt: 1795329062250 }

    const { events } = decodeEvents(encoder.one('task-received', encoder.taskReceived(message, 'slow', 1, 5_000)).raw)

    const told = { queue: 'slow', sent_from: 'src/mail.ts:12', sent_at: 1795329062.25, eta: '1970-01-02T00:00:00+00:00' }
    expect(events[0]?.fields).to.include(told)
    const foreign = { ...aMessage({ headers: { sent_from: 'a text of their own' } }), sentAt: null }
    expect(encoder.taskReceived(foreign, 'q', 1, 5_000)).not.to.contain('sent_')
  })

  it('hold any text, in ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.double(), (id, text, runtime) => {
        const written = [
          encoder.taskSucceeded('a-1', text.slice(0, 1000), runtime, 1, 5_000),
          encoder.taskFailed('task-failed', 'a-1', { exception: text, traceback: id, runtime }, 1, 5_000),
          encoder.taskReceived({ ...aMessage(), shadow: `n${text}`, argsrepr: text, kwargsrepr: id }, id, 1, 5_000),
        ]
        const { events, bad } = decodeEvents(encoder.many(aList(...written), 3).raw)
        expect(bad).to.equal(0)
        expect(events[0]?.fields['result']).to.equal(text.slice(0, 1000))
        expect(events[2]?.fields).to.include({ args: text, kwargs: id, queue: id })
      }),
    )
  })

  it('cut what is long', () => {
    const error = { exception: 'x'.repeat(1e6), traceback: 'x'.repeat(1e6), runtime: 1 }

    expect(encoder.taskFailed('task-failed', 'a-1', error, 1, 0)).to.have.length.below(18_000)
    expect(encoder.taskSucceeded('a-1', 'x'.repeat(1e6), 1, 1, 0)).to.have.length.below(2_000)
  })

  it('count hours west of UTC, whole ones, as Python does', () => {
    const at = (minutesWest: number) => utcOffset({ getTimezoneOffset: () => minutesWest } as Date)

    expect([at(0), at(-60), at(300), at(-330)]).to.deep.equal([0, -1, 5, -6])
  })
})
