/** Settling: one step for results, follow-ups and the fate of each message; once per position; dead letters. */
import { expect } from 'chai'
import { ACK, BACK, DEAD, eventually, FRONT, message, names, QUEUE, type Stage } from './stage.js'

export function settling(stage: () => Stage): void {
  describe('settle', () => {
    it('removes what is acked', async () => {
      await stage().publish('a', 'b')
      const worker = await stage().worker()

      expect(await worker.ack(...(await worker.take()))).to.equal('ok')

      expect(await stage().counts()).to.include({ ready: 0, leased: 0, delayed: 0, dead: 0 })
    })

    it('settles nothing when there is nothing to settle', async () => {
      expect(await (await stage().worker()).settle()).to.equal('ok')
    })

    it('keeps the rest of a lane when one of its positions is done', async () => {
      await stage().publish('a', 'b', 'c')
      const worker = await stage().worker()
      const [, b] = await worker.take()

      await worker.ack(b!)

      expect(await stage().counts()).to.include({ leased: 2 })
      await worker.consumer.resign()
      expect(await stage().drain()).to.deep.equal(['a', 'c'])
    })

    it('changes nothing when it is sent twice', async () => {
      await stage().publish('a', 'b', 'c', 'd')
      const worker = await stage().worker()
      const [a, b, c] = await worker.take()
      const settlements = [
        { delivery: a!, fate: ACK, publish: [message('follow-up')] },
        { delivery: b!, fate: BACK },
        { delivery: c!, fate: DEAD },
      ]

      expect(await worker.settle(...settlements)).to.equal('ok')
      expect(await worker.settle(...settlements)).to.equal('ok')

      expect(await stage().counts()).to.include({ ready: 2, leased: 1, dead: 1 })
      expect((await stage().drain()).sort()).to.deep.equal(['b', 'follow-up'])
    })

    it('changes nothing when a whole lane is settled twice', async () => {
      await stage().publish('a')
      const worker = await stage().worker()
      const [a] = await worker.take()

      await worker.settle({ delivery: a!, fate: ACK, publish: [message('next')] })
      await worker.settle({ delivery: a!, fate: FRONT, publish: [message('next')] })

      expect(await stage().drain()).to.deep.equal(['next'])
    })

    it('passes over a position that is settled, and settles the others of the call', async () => {
      await stage().publish('a', 'b')
      const worker = await stage().worker()
      const [a, b] = await worker.take()
      await worker.ack(a!)

      expect(await worker.settle({ delivery: a!, fate: FRONT }, { delivery: b!, fate: ACK })).to.equal('ok')

      expect(await stage().counts()).to.include({ ready: 0, leased: 0 })
    })

    it('counts whoever settles first, where another thread of the process has attached itself to the same incarnation', async () => {
      await stage().publish('a', 'b', 'c')
      const worker = await stage().worker()
      const [a, b] = await worker.take()
      const { incarnation } = worker.consumer
      const broker = await stage().connect()
      const standIn = broker.attach({ incarnation, node: 'celery@test', leaseMs: 60_000, queues: [QUEUE] })

      expect(await worker.settle({ delivery: a!, fate: ACK, publish: [message('of the worker')] })).to.equal('ok')
      const both = [a!, b!].map((delivery) => ({ delivery, fate: ACK, publish: [message('of the stand-in')] }))
      expect(await standIn.settle(both)).to.equal('ok')
      expect(await worker.settle({ delivery: b!, fate: BACK })).to.equal('ok')
      await standIn.resign()

      expect(await worker.settle({ delivery: b!, fate: BACK })).to.equal('lost')
      expect(await stage().broker.workers()).to.deep.equal([])
      expect((await stage().drain()).sort()).to.deep.equal(['c', 'of the stand-in', 'of the worker'])
    })

    it('is refused for an incarnation that nobody has registered', async () => {
      await stage().publish('a')
      const [a] = await (await stage().worker()).take()
      const nobody = stage().broker.attach({ incarnation: 'nobody', node: 'n', leaseMs: 60_000, queues: [QUEUE] })

      expect(await nobody.settle([{ delivery: a!, fate: ACK }])).to.equal('lost')
      expect(await nobody.take(1, [QUEUE], 1)).to.equal('lost')
      await nobody.resign()

      expect(await stage().counts()).to.include({ leased: 1 })
    })

    it('settles one position once, also within one call', async () => {
      await stage().publish('a')
      const worker = await stage().worker()
      const [a] = await worker.take()

      await worker.settle({ delivery: a!, fate: ACK, publish: [message('next')] }, { delivery: a!, fate: ACK, publish: [message('next')] })

      expect(await stage().drain()).to.deep.equal(['next'])
    })

    it('passes over what another worker holds', async () => {
      await stage().publish('a', 'b')
      const holder = await stage().worker()
      const [a, b] = await holder.take()
      const other = await stage().worker()

      expect(await other.settle({ delivery: a!, fate: ACK, publish: [message('next')] })).to.equal('ok')
      expect(await other.consumer.start([b!])).to.equal('ok')

      expect(await stage().counts()).to.include({ ready: 0, leased: 2 })
      await holder.consumer.resign()
      expect(await stage().drain()).to.deep.equal(['a', 'b'])
    })

    it('settles positions of several takes in one call', async () => {
      await stage().broker.publish([message('a'), message('b', { priority: 9 }), message('c', { queue: 'mail' })])
      const worker = await stage().worker({ queues: [QUEUE, 'mail'] })
      const deliveries = [await worker.takeOne(), await worker.takeOne(), await worker.takeOne()]

      await worker.ack(...deliveries)

      expect(await worker.renew()).to.deep.equal({ kind: 'kept', lanes: [] })
    })

    it('sends follow-up messages: to other queues, by priority, and for later', async () => {
      await stage().publish('a')
      const worker = await stage().worker()
      const [a] = await worker.take()
      const publish = [
        message('low', { priority: 9 }),
        message('high'),
        message('mail', { queue: 'mail' }),
        message('later', { due: Date.now() + 60_000 }),
      ]

      await worker.settle({ delivery: a!, fate: ACK, publish })

      expect(await stage().counts()).to.include({ ready: 2, delayed: 1, leased: 0 })
      expect(await stage().drain()).to.deep.equal(['high', 'low'])
      expect(await stage().drain('mail')).to.deep.equal(['mail'])
    })
  })

  describe('requeue', () => {
    it('puts to the front what is to be popped next', async () => {
      await stage().publish('a', 'b', 'c')
      const worker = await stage().worker()

      await worker.settle({ delivery: await worker.takeOne(), fate: FRONT })

      expect(await stage().drain()).to.deep.equal(['a', 'b', 'c'])
    })

    it('puts to the back what is to be popped last', async () => {
      await stage().publish('a', 'b', 'c')
      const worker = await stage().worker()

      await worker.settle({ delivery: await worker.takeOne(), fate: BACK })
      await stage().publish('d')

      expect(await stage().drain()).to.deep.equal(['b', 'c', 'a', 'd'])
    })

    it('keeps the order of a batch at the front', async () => {
      await stage().publish(...names('m', 5))
      const worker = await stage().worker()
      const batch = await worker.take(3)

      await worker.settle(...batch.map((delivery) => ({ delivery, fate: FRONT })))

      expect(await stage().drain()).to.deep.equal(names('m', 5))
    })

    it('keeps the priority step', async () => {
      await stage().broker.publish([message('low', { priority: 9 })])
      const worker = await stage().worker()
      await worker.settle({ delivery: await worker.takeOne(), fate: FRONT })
      await worker.settle({ delivery: await worker.takeOne(), fate: BACK })
      await stage().publish('high')

      expect((await stage().counts()).steps).to.deep.equal([1, 0, 0, 1])
      expect(await stage().drain()).to.deep.equal(['high', 'low'])
    })

    it('replaces the bytes when told to', async () => {
      await stage().publish('a', 'b')
      const worker = await stage().worker()
      const [a, b] = await worker.take()

      await worker.settle(
        { delivery: a!, fate: { ...FRONT, raw: Buffer.from('a, again') } as typeof FRONT },
        { delivery: b!, fate: { ...BACK, raw: Buffer.from('b, again') } as typeof BACK },
      )

      expect(await stage().drain()).to.deep.equal(['a, again', 'b, again'])
    })
  })

  describe('dead letters', () => {
    it('keep the bytes, the reason and where they come from', async () => {
      const raw = Buffer.from([0xff, 0, 1, 0x80])
      await stage().broker.publish([{ queue: QUEUE, priority: 3, raw }])
      const worker = await stage().worker({ node: 'celery@host1' })
      const before = Date.now()

      await worker.settle({ delivery: await worker.takeOne(), fate: DEAD })

      const [letter, ...more] = await stage().broker.queues.dead(QUEUE, 0, 10)
      expect(more).to.deep.equal([])
      expect(letter).to.include({
        queue: QUEUE,
        reason: 'malformed-envelope',
        detail: 'headers: expected an object',
        node: 'celery@host1',
        deliveries: 1,
      })
      expect(letter?.raw).to.deep.equal(raw)
      expect(letter?.id).to.be.a('string').and.not.equal('')
      expect(letter?.when).to.be.within(before - 2_000, Date.now() + 2_000)
      expect(await stage().counts()).to.include({ ready: 0, leased: 0, dead: 1 })
    })

    it('with the same bytes are kept apart', async () => {
      await stage().publish('same', 'same')
      const worker = await stage().worker()
      const deliveries = await worker.take()

      await worker.settle(...deliveries.map((delivery) => ({ delivery, fate: DEAD })))

      const letters = await stage().broker.queues.dead(QUEUE, 0, 10)
      expect(new Set(letters.map(({ id }) => id)).size).to.equal(2)
    })
  })

  describe('settle with results on the same server', () => {
    before(function () {
      if (!stage().hasResults) this.skip()
    })

    it('writes results in the same step', async () => {
      const results = await stage().results()
      expect(results.server).to.equal(stage().broker.can.server)
      await stage().publish('a')
      const worker = await stage().worker()
      const write = results.prepare({ id: 'a', state: 'SUCCESS', json: '{"status": "SUCCESS"}', ttl: 60 })

      await worker.settle({ delivery: await worker.takeOne(), fate: ACK, writes: [write] })

      expect(await results.get(['a'])).to.deep.equal(['{"status": "SUCCESS"}'])
    })

    it('leaves a stored SUCCESS as it is', async () => {
      const results = await stage().results()
      const success = { id: 'a', state: 'SUCCESS', json: '{"status": "SUCCESS", "result": 1}', ttl: 60 }
      await results.set([success])
      await stage().publish('a')
      const worker = await stage().worker()
      const write = results.prepare({ id: 'a', state: 'FAILURE', json: '{"status": "FAILURE"}', ttl: 60 })

      await worker.settle({ delivery: await worker.takeOne(), fate: ACK, writes: [write] })

      expect(await results.get(['a'])).to.deep.equal([success.json])
    })

    it('tells who waits for the result', async () => {
      const results = await stage().results()
      const heard: string[] = []
      await results.watch(['a'], (id, json) => heard.push(`${id} ${json}`))
      await stage().publish('a')
      const worker = await stage().worker({ broker: await stage().connect() })

      const write = results.prepare({ id: 'a', state: 'FAILURE', json: '{"status": "FAILURE"}', ttl: 60 })
      await worker.settle({ delivery: await worker.takeOne(), fate: ACK, writes: [write] })

      await eventually(() => heard.length > 0)
      expect(heard[0]).to.equal('a {"status": "FAILURE"}')
    })

    it('writes a result once: not for a position that is settled', async () => {
      const results = await stage().results()
      await stage().publish('a')
      const worker = await stage().worker()
      const a = await worker.takeOne()
      const write = (state: string) => results.prepare({ id: 'a', state, json: `{"status": "${state}"}`, ttl: 60 })

      await worker.settle({ delivery: a, fate: ACK, writes: [write('RETRY')] })
      await worker.settle({ delivery: a, fate: ACK, writes: [write('FAILURE')] })

      expect(await results.get(['a'])).to.deep.equal(['{"status": "RETRY"}'])
    })

    it('writes nothing for a worker that was fenced', async () => {
      const results = await stage().results()
      await stage().publish('a')
      const worker = await stage().doomed()
      const a = await worker.takeOne()
      await stage().reap()

      const write = results.prepare({ id: 'a', state: 'SUCCESS', json: '{}', ttl: 60 })
      expect(await worker.settle({ delivery: a, fate: ACK, writes: [write], publish: [message('next')] })).to.equal('lost')

      expect(await results.get(['a'])).to.deep.equal([null])
      expect(await stage().drain()).to.deep.equal(['a'])
    })

    it('tells of a state while it holds the message, and not once that is settled or it was fenced', async () => {
      const results = await stage().results()
      await stage().publish('a', 'b', 'c')
      const worker = await stage().worker()
      const [a, b] = await worker.take(2)
      const late = await stage().doomed()
      const c = await late.takeOne()
      const state = (id: string, json: string) => results.prepare({ id, state: 'PROGRESS', json, ttl: 60 })

      expect(await worker.consumer.tell(a!, [state('a', '{"status": "PROGRESS"}')])).to.equal('ok')
      const failure = results.prepare({ id: 'b', state: 'FAILURE', json: '{"status": "FAILURE"}', ttl: 60 })
      await worker.settle({ delivery: b!, fate: ACK, writes: [failure] })
      expect(await worker.consumer.tell(b!, [state('b', '{"status": "PROGRESS"}')])).to.equal('ok')
      await stage().reap()
      expect(await late.consumer.tell(c, [state('c', '{"status": "PROGRESS"}')])).to.equal('lost')

      expect(await results.get(['a', 'b', 'c'])).to.deep.equal(['{"status": "PROGRESS"}', '{"status": "FAILURE"}', null])
    })

    it('writes what the judge of a dead worker decides', async () => {
      const results = await stage().results()
      await stage().publish('a')
      await (await stage().doomed()).takeOne()
      const write = results.prepare({ id: 'a', state: 'FAILURE', json: '{"status": "FAILURE"}', ttl: 60 })

      await stage().reap(() => ({ fate: ACK, writes: [write] }))

      expect(await results.get(['a'])).to.deep.equal(['{"status": "FAILURE"}'])
      expect(await stage().counts()).to.include({ ready: 0, leased: 0 })
    })
  })
}
