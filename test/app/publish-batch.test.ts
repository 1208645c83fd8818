import { expect } from 'chai'
import { PublishBatch } from '../../src/app/publish-batch.js'
import type { Broker, Outgoing } from '../../src/broker/broker.js'
import { CelerityError } from '../../src/errors.js'
import { failureOf } from './an-app.js'

const message = (queue: string): Outgoing => ({ queue, priority: 0, raw: queue })

/** A broker that only publishes: it notes each call, and does with it what it is told to. */
function aBroker(publish: (messages: readonly Outgoing[]) => Promise<void> = async () => {}) {
  const calls: string[][] = []
  const broker = {
    publish(messages: readonly Outgoing[]) {
      calls.push(messages.map((one) => one.queue))
      return publish(messages)
    },
  } as unknown as Broker
  return { broker, calls }
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
const never = () => new Promise<never>(() => {})

describe('publishing', () => {
  it('sends what one turn of the event loop sends in one call, in order', async () => {
    const { broker, calls } = aBroker()
    const batch = new PublishBatch({ broker: async () => broker, deadline: 5 })

    await Promise.all([
      batch.add([message('a')], 'a'),
      batch.add([message('b'), message('c')], 'b'),
      Promise.resolve().then(() => batch.add([message('d')], 'd')),
    ])
    await batch.add([message('e')], 'e')

    expect(calls).to.deep.equal([['a', 'b', 'c', 'd'], ['e']])
  })

  it('tells the sender of what the broker refuses, and stores what others sent in the same turn', async () => {
    const refused = new CelerityError('E_BROKER_REFUSED', { message: 'b holds something else' })
    const { broker, calls } = aBroker(async (messages) => {
      if (messages.some((one) => one.queue === 'b')) throw refused
    })
    const batch = new PublishBatch({ broker: async () => broker, deadline: 5 })

    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((queue) => batch.add([message(queue)], queue)))

    expect(outcomes.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled'])
    expect(await failureOf(Promise.reject((outcomes[1] as PromiseRejectedResult).reason))).to.equal(refused)
    expect(calls).to.deep.equal([['a', 'b', 'c'], ['a'], ['b'], ['c']])
  })

  it('does not repeat a call whose fate is unknown, and says that it is', async () => {
    const away = new CelerityError('E_PUBLISH_TIMEOUT', { message: 'the connection was lost' })
    const { broker, calls } = aBroker(async () => {
      throw away
    })
    const batch = new PublishBatch({ broker: async () => broker, deadline: 5 })

    const errors = await Promise.all([failureOf(batch.add([message('a')], 'a')), failureOf(batch.add([message('b')], 'b'))])

    expect(errors.map(({ code, cause }) => [code, cause])).to.deep.equal([
      ['E_PUBLISH_TIMEOUT', away],
      ['E_PUBLISH_TIMEOUT', away],
    ])
    expect(errors[1]?.message).to.equal('b may or may not have been stored: the connection was lost')
    expect(calls).to.have.length(1)
  })

  it('says for certain that nothing was sent when the broker knows it', async () => {
    const away = new CelerityError('E_BROKER_UNREACHABLE', { message: 'connection refused' })
    const { broker } = aBroker(async () => {
      throw away
    })
    const batch = new PublishBatch({ broker: async () => broker, deadline: 5 })

    const error = await failureOf(batch.add([message('a')], 'a'))

    expect(error).to.include({ code: 'E_BROKER_UNREACHABLE', message: 'a was not sent: connection refused', cause: away })
  })

  it('keeps one call under way at a time, and sends together what came meanwhile', async () => {
    const answers: (() => void)[] = []
    const { broker, calls } = aBroker(() => new Promise((resolve) => answers.push(resolve)))
    const batch = new PublishBatch({ broker: async () => broker, deadline: 5 })

    const sends = [batch.add([message('a')], 'a')]
    await turn()
    sends.push(batch.add([message('b')], 'b'))
    await turn()
    sends.push(batch.add([message('c')], 'c'))
    await turn()
    const before = calls.length
    answers[0]?.()
    await turn()
    answers[1]?.()
    await Promise.all(sends)

    expect(before).to.equal(1)
    expect(calls).to.deep.equal([['a'], ['b', 'c']])
  })

  it('tells for certain that what waited behind a silent call was not sent, and does not send it', async () => {
    let answer = () => {}
    const { broker, calls } = aBroker(
      () =>
        new Promise((resolve) => {
          answer = resolve
        }),
    )
    const batch = new PublishBatch({ broker: async () => broker, deadline: 0.03 })

    const first = failureOf(batch.add([message('a')], 'a'))
    await turn()
    const second = failureOf(batch.add([message('b')], 'b'))

    expect([(await first).code, (await second).code]).to.deep.equal(['E_PUBLISH_TIMEOUT', 'E_BROKER_UNREACHABLE'])
    answer()
    await batch.drain()
    expect(calls).to.deep.equal([['a']])
  })

  it('splits what would be too much for one call, but never what one sender wants stored together', async () => {
    const { broker, calls } = aBroker()
    const batch = new PublishBatch({ broker: async () => broker, deadline: 5 })
    const many = (count: number) => Array.from({ length: count }, () => message('q'))

    await Promise.all([batch.add(many(600), 'a'), batch.add(many(600), 'b'), batch.add(many(2500), 'c'), batch.add(many(1), 'd')])

    expect(calls.map((call) => call.length)).to.deep.equal([600, 600, 2500, 1])
  })

  it('tries again with the next send when the broker could not be opened', async () => {
    const { broker, calls } = aBroker()
    const refused = new CelerityError('E_BROKER_URL', { message: 'no such scheme' })
    let opens = 0
    const batch = new PublishBatch({
      deadline: 5,
      async broker() {
        if (opens++ === 0) throw refused
        return broker
      },
    })

    expect(await failureOf(batch.add([message('a')], 'a'))).to.equal(refused)
    await batch.add([message('b')], 'b')

    expect(calls).to.deep.equal([['b']])
  })

  it('says that a message was not sent when the broker cannot be reached within the deadline', async () => {
    const batch = new PublishBatch({ broker: never, deadline: 0.02 })

    const error = await failureOf(batch.add([message('a')], 'task kuma.add[1]'))

    expect(error.code).to.equal('E_BROKER_UNREACHABLE')
    expect(error.message).to.equal('task kuma.add[1] was not sent: the broker could not be reached within 0.02 s')
  })

  it('does not send after all what it said was not sent', async () => {
    const { broker, calls } = aBroker()
    let opened: (broker: Broker) => void = () => {}
    const batch = new PublishBatch({
      deadline: 0.02,
      broker: () =>
        new Promise((resolve) => {
          opened = resolve
        }),
    })
    await failureOf(batch.add([message('a')], 'a'))

    opened(broker)
    await batch.drain()

    expect(calls).to.deep.equal([])
  })

  it('says that the fate of a message is unknown when the broker does not answer within the deadline', async () => {
    const { broker } = aBroker(never)
    const batch = new PublishBatch({ broker: async () => broker, deadline: 0.02 })

    const error = await failureOf(batch.add([message('a')], 'task kuma.add[1]'))

    expect(error.code).to.equal('E_PUBLISH_TIMEOUT')
    expect(error.message).to.contain('task kuma.add[1] may or may not have been stored')
  })

  it('sends a great many of one turn without losing its breath', async () => {
    const { broker, calls } = aBroker()
    const batch = new PublishBatch({ broker: async () => broker, deadline: 5 })

    await Promise.all(Array.from({ length: 200_000 }, () => batch.add([message('q')], 'q')))

    expect(calls).to.have.length(200)
  })

  it('waits, when it is to end, for what is being sent', async () => {
    let answered = false
    const { broker } = aBroker(async () => {
      await new Promise((resolve) => setImmediate(resolve))
      answered = true
    })
    const batch = new PublishBatch({ broker: async () => broker, deadline: 5 })
    void batch.add([message('a')], 'a')

    await batch.drain()

    expect(answered).to.equal(true)
  })
})
