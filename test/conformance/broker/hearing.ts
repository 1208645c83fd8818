/** Whom a broadcast reached, and mailboxes: what is said to one. */
import { expect } from 'chai'
import type { Broker } from '../../../src/broker/broker.js'
import { eventually, type Stage } from './stage.js'

const exchange = 'reply.celery.pidbox'

export function hearing(stage: () => Stage): void {
  describe('broadcast, as its sender learns of it', () => {
    const send = (events?: number) => stage().broker.broadcast({ exchange: 'celeryev', routingKey: 'task.multi', raw: 'x', events })

    it('reached nobody when nobody listens', async () => {
      expect((await send()).listeners).to.be.oneOf([0, null])
      expect((await send(1)).listeners).to.be.oneOf([0, null])
    })

    it('reached somebody while there is a subscriber, on whichever connection', async () => {
      const other = await stage().connect()
      const subscription = await other.subscribe('celeryev', 'task.*', () => {})

      const [plain, events] = [await send(), await send(1)]
      await subscription.close()

      for (const { listeners } of [plain, events]) expect(listeners === null || listeners >= 1).to.equal(true)
      await eventually(async () => ((await send()).listeners ?? 0) === 0)
    })

    it('did not reach those who listen to another exchange', async () => {
      await (await stage().connect()).subscribe('celery.pidbox', '*', () => {})

      expect((await send()).listeners).to.be.oneOf([0, null])
    })

    it('reached nobody any more when one of several subscriptions of a process was the last to this exchange', async () => {
      const other = await stage().connect()
      const events = await other.subscribe('celeryev', '*', () => {})
      await other.subscribe('celery.pidbox', '*', () => {})

      await events.close()

      await eventually(async () => ((await send()).listeners ?? 0) === 0)
    })
  })

  describe('a mailbox', () => {
    async function open(routingKey: string, broker: Broker = stage().broker, on = exchange) {
      const heard: Buffer[] = []
      const subscription = await broker.mailbox(on, routingKey, (raw) => heard.push(raw))
      return { heard, subscription, texts: () => heard.map(String) }
    }
    const deliver = async (routingKey: string, raw: string | Uint8Array, on = exchange) =>
      (await stage().connect()).deliver({ exchange: on, routingKey, raw })

    it('hears what others deliver under its key, in order, byte for byte', async () => {
      const { heard } = await open('asker-1')
      const sender = await stage().connect()
      const raws = [Buffer.from([0, 0xff, 0x80, 6, 0x16]), Buffer.from('{"ok": "pöng"}'), Buffer.from('3')]

      for (const raw of raws) await sender.deliver({ exchange, routingKey: 'asker-1', raw })

      await eventually(() => heard.length >= 3)
      expect(heard).to.deep.equal(raws)
    })

    it('listens from the moment it is open', async () => {
      const { texts } = await open('asker-1')
      await deliver('asker-1', 'at once')

      await eventually(() => texts().includes('at once'))
    })

    it('hears nothing of another key or another exchange, and no key is a pattern', async () => {
      const one = await open('asker-*')
      const two = await open('asker-2')
      await open('asker-2', stage().broker, 'other')

      await deliver('asker', 'no')
      await deliver('asker-22', 'no')
      await deliver('asker-3', 'no')
      await deliver('asker-2', 'no', 'third')
      await deliver('asker-*', 'to one')
      await deliver('asker-2', 'to two')

      await eventually(() => one.heard.length > 0 && two.heard.length > 0)
      expect(one.texts()).to.deep.equal(['to one'])
      expect(two.texts()).to.deep.equal(['to two'])
    })

    it('may be missing: what is delivered then is dropped without an error', async () => {
      await deliver('asker-1', 'too early')
      const { texts } = await open('asker-1')
      await deliver('asker-1', 'in time')

      await eventually(() => texts().length > 0)
      expect(texts()).to.deep.equal(['in time'])
    })

    it('hears nothing any more once it is closed, twice closed or not', async () => {
      const closed = await open('asker-1')
      const still = await open('asker-2')
      await closed.subscription.close()
      await closed.subscription.close()

      await deliver('asker-1', 'x')
      await deliver('asker-2', 'y')

      await eventually(() => still.heard.length > 0)
      expect(closed.heard).to.deep.equal([])
    })

    it('of a closed connection is closed, and one of another under the same key hears what comes next', async () => {
      const other = await stage().connect()
      await open('asker-1', other)
      await other.close()
      const { texts } = await open('asker-1')

      await deliver('asker-1', 'x')

      await eventually(() => texts().length > 0)
      expect(texts()).to.deep.equal(['x'])
    })

    it('goes on after an owner that failed on what came', async () => {
      const heard: string[] = []
      await stage().broker.mailbox(exchange, 'asker-1', (raw) => {
        heard.push(String(raw))
        if (heard.length === 1) throw new Error('cannot read that')
      })

      await deliver('asker-1', 'a')
      await deliver('asker-1', 'b')

      await eventually(() => heard.length >= 2)
      expect(heard).to.deep.equal(['a', 'b'])
    })

    it('takes in a burst of answers', async () => {
      const { texts } = await open('asker-1')
      const sender = await stage().connect()
      const all = Array.from({ length: 200 }, (_, index) => `${index}`)

      for (const raw of all) await sender.deliver({ exchange, routingKey: 'asker-1', raw })

      await eventually(() => texts().length >= all.length)
      expect(texts()).to.deep.equal(all)
    })
  })
}
