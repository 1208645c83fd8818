import { expect } from 'chai'
import { systemClock } from '../../src/clock.js'
import { Dispatcher } from '../../src/events/dispatcher.js'
import { silentLog } from '../../src/log.js'
import { Lamport } from '../../src/protocol/lamport.js'
import { read } from '../app/an-app.js'
import { eventually } from '../eventually.js'
import { messageOf } from '../protocol/fixtures.js'
import { FakeBroker } from './a-broker.js'

describe("a worker's events", () => {
  let broker: FakeBroker
  let lamport: Lamport
  let open: Dispatcher[]

  beforeEach(() => {
    broker = new FakeBroker()
    lamport = new Lamport()
    open = []
  })

  afterEach(async () => {
    broker.release()
    await Promise.all(open.map((dispatcher) => dispatcher.flush()))
  })

  function aDispatcher(options = { isEnabled: true }): Dispatcher {
    const dispatcher = new Dispatcher({ broker, node: 'w1@host', pid: 7, lamport, clock: systemClock, log: silentLog }, options)
    open.push(dispatcher)
    return dispatcher
  }

  /** Tells `count` events, as a session does. */
  function tell(dispatcher: Dispatcher, count: number, id = 't'): void {
    for (let index = 0; index < count; index++) if (dispatcher.isOn) dispatcher.started(`${id}${index}`)
  }

  it('leave together, in order, as one message that readers of the journal know again', async () => {
    const dispatcher = aDispatcher()
    lamport.adjust(10)
    const message = read(messageOf('event-task-sent'))

    dispatcher.received(message, 'celery')
    dispatcher.started('a')
    dispatcher.succeeded('a', '5', 0.25)
    dispatcher.failed('b', "E('x')", 'T', 1.5)
    dispatcher.retried('b', "E('x')", null)
    dispatcher.rejected('c', true)
    dispatcher.revoked('d', { terminated: true, signum: 'SIGTERM', expired: false })
    await eventually(() => broker.messages.length > 0)

    expect(broker.messages).to.have.length(1)
    expect(broker.messages[0]).to.include({ exchange: 'celeryev', routingKey: 'task.multi', events: 7 })
    expect(String(broker.messages[0]?.raw)).to.contain('"headers": {"hostname": "w1@host", "celerity": "journal"}')
    expect(broker.events.map(({ type }) => type.slice(5))).to.deep.equal(
      ['received', 'started', 'succeeded', 'failed', 'retried', 'rejected', 'revoked'], // one line a type
    )
    expect(broker.events.map(({ clock }) => clock)).to.deep.equal([12, 13, 14, 15, 16, 17, 18])
    expect(broker.events.map(({ fields }) => fields).slice(2)).to.deep.equal([
      { result: '5', runtime: 0.25 },
      { exception: "E('x')", traceback: 'T', runtime: 1.5 },
      { exception: "E('x')" },
      { requeue: true },
      { terminated: true, signum: 'SIGTERM', expired: false },
    ])
    expect(dispatcher.stats()).to.deep.equal({ sent: 7, dropped: 0 })
  })

  it('are off unless somebody wants them: the flag, a command, or a reader of the journal', () => {
    const dispatcher = aDispatcher({ isEnabled: false })

    expect(dispatcher.isOn).to.equal(false)
    expect([dispatcher.enable(), dispatcher.isOn, dispatcher.enable()]).to.deep.equal([true, true, false])
    expect([dispatcher.disable(), dispatcher.isOn, dispatcher.disable()]).to.deep.equal([true, false, false])
    dispatcher.readers(1)
    expect([dispatcher.isOn, dispatcher.isEnabled]).to.deep.equal([true, false])
    dispatcher.readers(0)
    expect(dispatcher.isOn).to.equal(false)
  })

  it('are not put together while nobody listens, but for a look once a second', async () => {
    broker.audience = { listeners: 0, readers: 0 }
    const dispatcher = aDispatcher()
    tell(dispatcher, 1)
    await eventually(() => !dispatcher.isOn)

    const before = lamport.now()
    tell(dispatcher, 1_000)
    expect(lamport.now()).to.equal(before)

    await eventually(() => dispatcher.isOn) // the look
    broker.audience = { listeners: 1, readers: 0 }
    tell(dispatcher, 1, 'heard')
    await eventually(() => broker.events.some(({ uuid }) => uuid === 'heard0'))
    expect(dispatcher.isOn).to.equal(true)
  })

  it('are told again at once when somebody asks for a sign of life', async () => {
    broker.audience = { listeners: 0, readers: 0 }
    const dispatcher = aDispatcher()
    tell(dispatcher, 1)
    await eventually(() => !dispatcher.isOn)

    dispatcher.listen()

    expect(dispatcher.isOn).to.equal(true)
  })

  it('go on while a camera that is away will read them in the journal, and while nobody can tell', async () => {
    const dispatcher = aDispatcher()
    for (const audience of [
      { listeners: 0, readers: 1 },
      { listeners: null, readers: 0 },
    ]) {
      broker.audience = audience
      const sent = broker.messages.length
      tell(dispatcher, 1)
      await eventually(() => broker.messages.length > sent)
      expect(dispatcher.isOn).to.equal(true)
    }
  })

  it('stop when the journal that they were for has no reader any more', async () => {
    const dispatcher = aDispatcher({ isEnabled: false })
    dispatcher.readers(1)
    broker.audience = { listeners: 3, readers: 0 }

    tell(dispatcher, 1)

    await eventually(() => !dispatcher.isOn)
  })

  it('go out one message at a time, which grows while the broker is slow', async () => {
    const dispatcher = aDispatcher()
    broker.hold()
    tell(dispatcher, 3_700)
    expect(broker.messages).to.have.length(0)

    broker.release()
    await eventually(() => dispatcher.stats().sent === 3_700)

    expect(broker.messages.map(({ events }) => events)).to.deep.equal([200, 1_000, 1_000, 1_000, 500])
  })

  it('wait for a broker that is away, the newest of them, and cost no more memory than that', async () => {
    broker.audience = new Error('away')
    const dispatcher = aDispatcher()
    tell(dispatcher, 200, 'first')
    tell(dispatcher, 60_000)

    const { dropped } = dispatcher.stats()
    expect(dropped).to.be.within(49_000, 51_000)
    broker.audience = { listeners: 1, readers: 0 }
    await eventually(() => dispatcher.stats().sent + dropped === 60_200)
    expect(broker.events.at(-1)?.uuid).to.equal('t59999')
    expect(broker.events.some(({ uuid }) => uuid === 'first0')).to.equal(false)
  })

  it('are bounded by their size too', () => {
    broker.hold()
    const dispatcher = aDispatcher()
    for (let index = 0; index < 5_000; index++) dispatcher.failed(`t${index}`, 'E', 'x'.repeat(16_000))

    expect(dispatcher.stats().dropped).to.be.within(3_000, 4_900)
  })

  it('are sent to the last when the worker ends', async () => {
    const dispatcher = aDispatcher()
    tell(dispatcher, 5)

    await dispatcher.flush()

    expect(broker.events).to.have.length(5)
  })

  it('do not keep a worker from its end when the broker does not answer', async () => {
    const dispatcher = aDispatcher()
    broker.hold()
    tell(dispatcher, 5)

    const start = performance.now()
    await dispatcher.flush()

    expect(performance.now() - start).to.be.below(4_000)
    expect(dispatcher.stats()).to.deep.equal({ sent: 0, dropped: 5 })
  })
})
