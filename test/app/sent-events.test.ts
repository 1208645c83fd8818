import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { expect } from 'chai'
import type { Celerity } from '../../src/app/celerity.js'
import type { Broadcast, Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { systemClock } from '../../src/clock.js'
import { silentLog } from '../../src/log.js'
import { decodeEvents } from '../../src/protocol/event.js'
import { eventually } from '../eventually.js'
import { anApp, waiting } from './an-app.js'

describe('the event task-sent', () => {
  const url = `memory://${randomUUID()}`
  let app: Celerity
  let listener: Broker
  let heard: Broadcast[]

  beforeEach(async () => {
    heard = []
    app = anApp({ brokerUrl: url, resultBackend: url, taskSendSentEvent: true })
    listener = await openBroker(url, { deadlineMs: 1_000, keyPrefix: '', log: silentLog, clock: systemClock })
    await listener.subscribe('celeryev', '*', (message) => heard.push(message))
  })

  afterEach(async () => {
    await app.close()
    await listener.close()
  })

  const events = () => heard.flatMap(({ raw }) => decodeEvents(raw).events)

  it('tells of each task what Celery tells, when it is stored', async () => {
    const expires = new Date('2026-11-22T06:32:19.802Z')
    const { id } = await app.send('kuma.add', [1, 'x'], { kwargs: { y: 2 }, queue: 'slow', expires })

    await eventually(() => heard.length > 0)

    const [event] = events()
    expect(event).to.include({ type: 'task-sent', hostname: `gen${process.pid}@${hostname()}`, uuid: id, clock: 1 })
    expect(event?.fields).to.deep.equal({
      root_id: id,
      parent_id: null,
      name: 'kuma.add',
      args: "(1, 'x')",
      kwargs: "{'y': 2}",
      retries: 0,
      eta: null,
      expires: '2026-11-22T06:32:19.802000+00:00',
      queue: 'slow',
      exchange: '',
      routing_key: 'slow',
    })
    expect(heard[0]?.routingKey).to.equal('task.sent')
    expect(await waiting(app, 'slow')).to.have.length(1)
  })

  it('goes in one message for what was sent in one turn', async () => {
    await app.sendMany([app.signature('a'), app.signature('b'), app.signature('c')])

    await eventually(() => events().length === 3)

    expect(heard.map(({ routingKey }) => routingKey)).to.deep.equal(['task.multi'])
  })

  it('is still sent when the application is closed at once', async () => {
    await app.send('kuma.add')
    await app.close()

    await eventually(() => events().length === 1)
  })

  it('does not fail a send that cannot be told of', async () => {
    const broker = await app.broker()
    broker.broadcast = () => Promise.reject(new Error('away'))

    await app.send('kuma.add')

    expect(await waiting(app)).not.to.have.length(0)
  })

  it('is not sent unless the setting asks for it', async () => {
    const quiet = anApp({ brokerUrl: url, resultBackend: url })
    await quiet.send('kuma.add')
    await quiet.close()
    await app.send('kuma.last')

    await eventually(() => heard.length > 0)

    expect(events().map(({ fields }) => fields['name'])).to.deep.equal(['kuma.last'])
  })
})
