/** Settling: one step for results, follow-ups and the fate of each message; once per position; park and dead letters. */
import { expect } from 'chai'
import { ACK, BACK, DEAD, eventually, FRONT, message, names, QUEUE, type Stage, texts } from './stage.js'

/** Longer than a loaded machine takes to store what is due then: what is due when it is stored is not delayed at all. */
const SOON_MS = 400

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

  describe('for later', () => {
    before(function () {
      if (!stage().broker.can.delay) this.skip()
    })

    it('gives a message to nobody before it is due, and says when the next is', async () => {
      const due = Date.now() + 60_000
      await stage().broker.publish([
        message('later', { due: due + 5 }),
        message('soon', { due }),
        message('other', { queue: 'mail', due: due - 1 }),
      ])
      const worker = await stage().worker()

      const taken = await worker.taken()

      expect(taken.deliveries).to.deep.equal([])
      expect(taken.nextDue).to.equal(due)
      expect(await stage().counts()).to.include({ ready: 0, delayed: 2 })
    })

    it('gives a message that is due before those that wait', async () => {
      await stage().publish('waiting')
      await stage().broker.publish([message('second', { due: Date.now() + SOON_MS + 20 }), message('first', { due: Date.now() + SOON_MS })])
      await eventually(async () => (await stage().broker.tend(() => ({ fate: FRONT }))).due > 0 && (await stage().counts()).delayed === 0)

      expect((await stage().drain()).at(-1)).to.equal('waiting')
    })

    it('gives what became due in the order of its time', async () => {
      const start = Date.now()
      await stage().broker.publish([
        message('c', { due: start + SOON_MS + 40 }),
        message('a', { due: start + SOON_MS }),
        message('b', { due: start + SOON_MS + 20 }),
      ])
      await eventually(() => Date.now() > start + SOON_MS + 50)

      expect(await stage().drain()).to.deep.equal(['a', 'b', 'c'])
    })

    it('moves due messages inside a take, without anybody tending', async () => {
      await stage().broker.publish([message('soon', { due: Date.now() + 40 })])
      const worker = await stage().worker()

      const [soon] = await eventually(async () => {
        const got = await worker.take()
        return got.length > 0 && got
      })

      expect(texts([soon!])).to.deep.equal(['soon'])
      expect(await stage().counts()).to.include({ delayed: 0, leased: 1 })
    })

    it('gives a message at once when its time is past', async () => {
      await stage().broker.publish([message('past', { due: Date.now() - 1_000 }), message('long past', { due: 0 })])

      expect((await stage().drain()).sort()).to.deep.equal(['long past', 'past'])
    })

    it('keeps the priority step of what waits for its time', async () => {
      await stage().broker.publish([message('low', { priority: 9, due: Date.now() + SOON_MS })])
      await eventually(async () => (await stage().broker.tend(() => ({ fate: FRONT }))).due === 1)
      await stage().publish('high')

      expect(await stage().drain()).to.deep.equal(['high', 'low'])
    })

    it('parks a message until it is due, with other bytes if told to, then gives it first', async () => {
      await stage().publish('a', 'b', 'c')
      const worker = await stage().worker()
      const [a, b] = await worker.take(2)
      const due = Date.now() + 60

      await worker.settle(
        { delivery: a!, fate: { kind: 'park', due } },
        { delivery: b!, fate: { kind: 'park', due: due + 1, raw: Buffer.from('b2') } },
      )

      expect(await stage().counts()).to.include({ ready: 1, delayed: 2, leased: 0 })
      await eventually(() => Date.now() > due + 2)
      expect(await stage().drain()).to.deep.equal(['a', 'b2', 'c'])
    })

    it('parks once, however often it is told', async () => {
      await stage().publish('a')
      const worker = await stage().worker()
      const a = await worker.takeOne()
      const settlement = { delivery: a, fate: { kind: 'park', due: Date.now() + 60_000 } as const }

      await worker.settle(settlement)
      await worker.settle(settlement)

      expect(await stage().counts()).to.include({ delayed: 1, leased: 0 })
    })

    it('tells how many due messages it moved', async () => {
      const due = Date.now() + SOON_MS
      await stage().broker.publish(names('m', 3).map((text) => message(text, { due })))
      let moved = 0

      await eventually(async () => {
        moved += (await stage().broker.tend(() => ({ fate: FRONT }))).due
        return moved === 3
      })

      expect(await stage().counts()).to.include({ ready: 3, delayed: 0 })
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
