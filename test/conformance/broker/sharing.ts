/** What workers share beside messages: rate limits, revocations, broadcasts. */
import { expect } from 'chai'
import type { Broadcast } from '../../../src/broker/broker.js'
import { eventually, type Stage } from './stage.js'

export function sharing(stage: () => Stage): void {
  describe('reserve', () => {
    it('spaces the slots of a limit by its interval, the first at once', async () => {
      const [first, second, third] = await stage().broker.reserve('kuma.add', 10_000, 3)

      expect(first).to.be.within(0, 5)
      expect(second).to.be.within(9_990, 10_010)
      expect(third).to.be.within(19_990, 20_010)
    })

    it('counts over all connections', async () => {
      await stage().broker.reserve('kuma.add', 10_000, 2)
      const [next] = await (await stage().connect()).reserve('kuma.add', 10_000, 1)

      expect(next).to.be.within(15_000, 20_010)
    })

    it('keeps limits apart', async () => {
      await stage().broker.reserve('kuma.add', 10_000, 5)

      expect((await stage().broker.reserve('kuma.mail', 10_000, 1))[0]).to.be.within(0, 5)
    })

    it('saves up nothing: unused time gives one slot, not several', async () => {
      await stage().broker.reserve('kuma.add', 20, 1)
      const later = performance.now() + 100
      await eventually(() => performance.now() > later)

      const [first, second] = await stage().broker.reserve('kuma.add', 20, 2)

      expect(first).to.be.within(0, 5)
      expect(second).to.be.within(15, 25)
    })

    it('of no slot reserves none', async () => {
      expect(await stage().broker.reserve('kuma.add', 10_000, 0)).to.deep.equal([])
      expect((await stage().broker.reserve('kuma.add', 10_000, 1))[0]).to.be.within(0, 5)
    })
  })

  describe('revocations', () => {
    it('are known on every connection', async () => {
      const other = await stage().connect()

      await stage().broker.revoke(['a', 'b'], 60)
      await other.revoke(['c'], 60)

      expect([...(await other.revoked())].sort()).to.deep.equal(['a', 'b', 'c'])
    })

    it('are noticed with the next take', async () => {
      const worker = await stage().worker()
      const none = await worker.taken()
      await stage().broker.revoke(['a'], 60)
      const one = await worker.taken()
      await stage().broker.revoke(['b'], 60)
      const two = await worker.taken()

      expect(none.revocations).to.equal(0)
      expect(one.revocations).to.be.greaterThan(none.revocations)
      expect(two.revocations).to.be.greaterThan(one.revocations)
    })

    it('run out after their time', async () => {
      await stage().broker.revoke(['short'], 1)
      await stage().broker.revoke(['long'], 60)

      await eventually(async () => !(await stage().broker.revoked()).has('short'))

      expect([...(await stage().broker.revoked())]).to.deep.equal(['long'])
    })

    it('of the same id twice last as long as the later says', async () => {
      await stage().broker.revoke(['a'], 1)
      await stage().broker.revoke(['a'], 60)
      const later = performance.now() + 1_100
      await eventually(() => performance.now() > later)

      expect([...(await stage().broker.revoked())]).to.deep.equal(['a'])
    })

    it('of nothing are none', async () => {
      await stage().broker.revoke([], 60)

      expect((await stage().broker.revoked()).size).to.equal(0)
    })
  })

  describe('broadcast', () => {
    const exchange = 'celeryev'
    const send = (routingKey: string, raw: Uint8Array | string, on = exchange) =>
      stage().broker.broadcast({ exchange: on, routingKey, raw })

    async function listen(pattern: string, broker = stage().broker, on = exchange) {
      const heard: Broadcast[] = []
      const subscription = await broker.subscribe(on, pattern, (message) => heard.push(message))
      return {
        heard,
        subscription,
        keys: () => heard.map(({ routingKey }) => routingKey),
        raws: () => heard.map(({ raw }) => Buffer.from(raw as string).toString()),
      }
    }

    it('reaches every subscriber on every connection once, in order', async () => {
      const here = await listen('*')
      const there = await listen('*', await stage().connect())

      for (const text of ['1', '2', '3']) await send('task.multi', text)

      await eventually(() => here.heard.length >= 3 && there.heard.length >= 3)
      expect(here.raws()).to.deep.equal(['1', '2', '3'])
      expect(there.raws()).to.deep.equal(['1', '2', '3'])
    })

    it('arrives with its routing key, exchange and bytes', async () => {
      const { heard } = await listen('*')
      const raw = Buffer.from([0, 0xff, 0x80, 1])

      await send('worker.heartbeat', raw)

      await eventually(() => heard.length > 0)
      expect(heard[0]).to.include({ exchange, routingKey: 'worker.heartbeat' })
      expect(Buffer.from(heard[0]!.raw as Uint8Array)).to.deep.equal(raw)
    })

    it('is heard only by those whose exchange and pattern fit', async () => {
      const all = await listen('*')
      const workers = await listen('worker.*')
      const exact = await listen('task.sent')
      const other = await listen('*', stage().broker, 'celery.pidbox')

      for (const key of ['worker.online', 'task.sent', 'task.sent.more', '']) await send(key, 'x')
      await send('', 'x', 'celery.pidbox')

      await eventually(() => all.heard.length >= 4 && other.heard.length >= 1)
      expect(all.keys()).to.deep.equal(['worker.online', 'task.sent', 'task.sent.more', ''])
      expect(workers.keys()).to.deep.equal(['worker.online'])
      expect(exact.keys()).to.deep.equal(['task.sent'])
      expect(other.keys()).to.deep.equal([''])
    })

    it('is no error when nobody listens, and is not kept for later', async () => {
      await send('task.sent', 'early')
      const { heard } = await listen('*')
      await send('task.sent', 'late')

      await eventually(() => heard.length > 0)
      expect(heard.map(({ raw }) => Buffer.from(raw as string).toString())).to.deep.equal(['late'])
    })

    it('reaches the others when one subscriber fails on it, and goes on', async () => {
      await stage().broker.subscribe(exchange, '*', () => {
        throw new Error('cannot read that')
      })
      const { heard } = await listen('*')

      await send('task.sent', '1')
      await send('task.sent', '2')

      await eventually(() => heard.length >= 2)
    })

    it('is not heard any more once the subscription is closed', async () => {
      const closed = await listen('*')
      const open = await listen('*')
      await closed.subscription.close()
      await closed.subscription.close()

      await send('task.sent', 'x')

      await eventually(() => open.heard.length > 0)
      expect(closed.heard).to.deep.equal([])
    })
  })
}
