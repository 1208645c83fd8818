/** Messages for later: published or parked with a time, given to nobody before it and first when it has come. */
import { expect } from 'chai'
import { eventually, FRONT, message, names, type Stage, texts } from './stage.js'

/** Longer than a loaded machine takes to store what is due then: what is due when it is stored is not delayed at all. */
const SOON_MS = 400

export function delaying(stage: () => Stage): void {
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
}
