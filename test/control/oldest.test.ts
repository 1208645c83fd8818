import { expect } from 'chai'
import { openBroker } from '../../src/broker/open.js'
import { oldestWaiting } from '../../src/control/oldest.js'
import { createEncoder } from '../../src/protocol/message.js'
import { messageOf } from '../protocol/fixtures.js'

const NOW = 1_795_330_130_000

describe('the age of what waits', () => {
  const message = (sentAt: number, eta?: number) =>
    createEncoder({ origin: 'o', replyTo: 'r', markers: true, now: () => sentAt }).encode({ id: 'i', task: 't', args: [], queue: 'q', eta })
  const oldest = async (...messages: readonly { readonly raw: string | Buffer; readonly priority?: number }[]) => {
    const broker = await openBroker('memory://')
    await broker.publish(messages.map(({ raw, priority = 0 }) => ({ queue: 'q', priority, raw })))
    const [counts] = await broker.queues.counts(['q'])
    const found = await oldestWaiting(broker, counts!)
    await broker.close()
    return found
  }

  it('is that of the oldest of all priorities', async () => {
    expect(await oldest({ raw: message(NOW) }, { raw: message(NOW - 5_000), priority: 9 }, { raw: message(NOW - 10) })).to.equal(
      NOW - 5_000,
    )
  })

  it('counts from when a delayed message was due', async () => {
    expect(await oldest({ raw: message(NOW - 60_000, NOW - 1_000) }, { raw: message(NOW - 5_000) })).to.equal(NOW - 5_000)
    expect(await oldest({ raw: message(NOW - 60_000, NOW - 1_000) })).to.equal(NOW - 1_000)
  })

  it('is unknown where nothing waits, or nobody says when it was sent', async () => {
    expect(await oldest()).to.equal(null)
    expect(await oldest({ raw: messageOf('task-simple') }, { raw: 'garbage' })).to.equal(null)
    expect(await oldest({ raw: messageOf('task-simple') }, { raw: message(NOW) })).to.equal(NOW)
  })
})
