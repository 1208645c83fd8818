import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { systemClock } from '../../src/clock.js'
import { Dispatcher } from '../../src/events/dispatcher.js'
import { openReceiver, type Receiver, type ReceiverOptions } from '../../src/events/receiver.js'
import { silentLog } from '../../src/log.js'
import type { ClusterEvent } from '../../src/protocol/event.js'
import { Lamport } from '../../src/protocol/lamport.js'
import { eventually } from '../eventually.js'
import { capturedMessages, envelopeOf } from '../protocol/captured-events.js'

const options = { deadlineMs: 1_000, keyPrefix: '', log: silentLog, clock: systemClock }

describe('a receiver of events', () => {
  let broker: Broker
  let heard: ClusterEvent[]
  let lamport: Lamport
  let receiver: Receiver | undefined

  beforeEach(async () => {
    broker = await openBroker(`memory://${randomUUID()}`, options)
    heard = []
    lamport = new Lamport()
  })

  afterEach(async () => {
    await receiver?.close()
    await broker.close()
  })

  async function listen(asked: Partial<ReceiverOptions> = {}): Promise<Receiver> {
    const parts = { broker, lamport, clock: systemClock, log: silentLog }
    receiver = await openReceiver(parts, { hear: (events) => heard.push(...events), ...asked })
    return receiver
  }

  async function broadcast(raw: string): Promise<void> {
    await broker.broadcast({ exchange: 'celeryev', routingKey: 'task.multi', raw })
  }

  const started = (clock: number, type = 'task-started') => ({ type, hostname: 'w', timestamp: 1000, pid: 1, clock, uuid: 'a' })

  it('hears what Celery sends, and counts what is no event', async () => {
    const { counts } = await listen()
    const messages = capturedMessages()

    for (const { raw } of messages) await broadcast(raw)
    await broadcast('nonsense')
    await broadcast(envelopeOf([{}, started(1)]))
    await eventually(() => counts.messages === messages.length + 2)

    expect(counts).to.deep.equal({ messages: messages.length + 2, events: heard.length, bad: 2 })
    expect(new Set(heard.map(({ type }) => type)))
      .to.include('task-succeeded')
      .and.include('worker-online')
    expect(heard.every(({ localReceived }) => Math.abs((localReceived ?? 0) - Date.now() / 1000) < 60)).to.equal(true)
  })

  it('hears what a worker of ours tells', async () => {
    await listen()
    const parts = { broker, node: 'w1@host', pid: 7, lamport: new Lamport(), clock: systemClock, log: silentLog }
    const dispatcher = new Dispatcher(parts, { isEnabled: true })

    dispatcher.started('a-1')
    await dispatcher.flush()

    await eventually(() => heard.length === 1)
    expect(heard[0]).to.include({ type: 'task-started', hostname: 'w1@host', uuid: 'a-1', clock: 1 })
  })

  it('hears it through a file too, from another connection', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'celerity-events-'))
    const open = () => openBroker(`sqlite:${join(folder, 'tasks.db')}`, options)
    const [here, there] = await Promise.all([open(), open()])
    const parts = { lamport: new Lamport(), clock: systemClock, log: silentLog }
    const far = await openReceiver({ broker: here, ...parts }, { hear: (events) => heard.push(...events) })
    const dispatcher = new Dispatcher({ broker: there, node: 'w1@host', pid: 7, ...parts }, { isEnabled: true })

    for (let index = 0; index < 300; index++) dispatcher.succeeded(`a-${index}`, "'ž'", 0.5)
    await dispatcher.flush()

    await eventually(() => heard.length === 300)
    await far.close()
    await Promise.all([here.close(), there.close()])
    rmSync(folder, { recursive: true })
    expect(heard.at(-1)).to.deep.include({ type: 'task-succeeded', uuid: 'a-299', fields: { result: "'ž'", runtime: 0.5 } })
  })

  it('asks the workers for a sign of life when it starts', async () => {
    const requests: string[] = []
    const asked = await broker.subscribe('celery.pidbox', '*', ({ raw }) => requests.push(JSON.parse(String(raw)).body))
    await listen()

    await eventually(() => requests.length > 0)
    await asked.close()
    const request = JSON.parse(Buffer.from(requests[0] ?? '', 'base64').toString())
    expect(request).to.include({ method: 'heartbeat', destination: null })
  })

  it('hears only the types it was asked for', async () => {
    const { counts } = await listen({ types: new Set(['task-failed']) })

    await broadcast(envelopeOf([started(1), started(2, 'task-failed')]))
    await broadcast(envelopeOf([started(3)]))
    await eventually(() => counts.messages === 2)

    expect(heard.map(({ type }) => type)).to.deep.equal(['task-failed'])
  })

  it('passes over what it will read in the journal', async () => {
    const { counts } = await listen({ passOverJournaled: true })

    await broadcast(envelopeOf([started(1)], { headers: { hostname: 'w', celerity: 'journal' } }))
    await broadcast(envelopeOf([started(2)]))
    await eventually(() => counts.messages === 2)

    expect(heard.map(({ clock }) => clock)).to.deep.equal([2])
  })

  it('sets its clock past that of workers, not of clients', async () => {
    await listen()

    await broadcast(envelopeOf([started(20), started(500, 'task-sent'), started(30)]))
    await eventually(() => heard.length === 3)

    expect(lamport.now()).to.equal(31)
  })
})
