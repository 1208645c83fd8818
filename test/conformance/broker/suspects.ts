/** Messages that are kept apart until a worker runs them alone. */
import { expect } from 'chai'
import { ACK, BACK, DEAD, FRONT, held, message, QUEUE, type Stage, textOf, texts, witness } from './stage.js'

export function suspects(stage: () => Stage): void {
  const APART = { fate: { kind: 'requeue', to: 'suspects' } } as const

  /** These are suspects from now on, in this order. */
  async function suspected(...names: string[]): Promise<void> {
    for (const name of names) {
      await stage().publish(name)
      await (await stage().doomed()).takeOne()
      await stage().reap(() => APART)
    }
  }

  describe('suspects', () => {
    it('are returned by no ordinary take, wake nobody, and are counted apart', async () => {
      await suspected('a', 'b')
      const worker = await stage().worker()

      expect(await worker.take()).to.deep.equal([])
      expect(await stage().counts()).to.include({ ready: 0, suspects: 2, leased: 0, delayed: 0, dead: 0 })
      expect((await stage().counts()).steps).to.deep.equal([0, 0, 0, 0])
      expect(await worker.consumer.suspects([QUEUE, 'other'])).to.equal(true)
      expect(await worker.consumer.suspects(['other'])).to.equal(false)
      expect(await worker.consumer.suspects([])).to.equal(false)
      expect(await stage().broker.queues.names()).to.include(QUEUE)
    })

    it('are taken one by one, the first that came first, and only from the queues asked for', async () => {
      await suspected('a', 'b')
      const { consumer } = await stage().worker()

      expect(held(await consumer.takeSuspect(1, ['other'])).deliveries).to.deep.equal([])
      expect(texts(held(await consumer.takeSuspect(2, ['other', QUEUE])).deliveries)).to.deep.equal(['a'])
      expect(await stage().counts()).to.include({ suspects: 1, leased: 1 })
      expect(texts(held(await consumer.takeSuspect(3, [QUEUE])).deliveries)).to.deep.equal(['b'])
      expect(held(await consumer.takeSuspect(4, [QUEUE])).deliveries).to.deep.equal([])
      expect(await consumer.suspects([QUEUE])).to.equal(false)
    })

    it('of a take that is told twice are the same, and of one that was closed go back among the suspects', async () => {
      await suspected('a', 'b')
      const { consumer } = await stage().worker()

      expect(texts(held(await consumer.takeSuspect(1, [QUEUE])).deliveries)).to.deep.equal(['a'])
      expect(texts(held(await consumer.takeSuspect(1, [QUEUE])).deliveries)).to.deep.equal(['a'])
      await consumer.closeTake(1)

      expect(held(await consumer.takeSuspect(1, [QUEUE])).deliveries).to.deep.equal([])
      expect(await stage().counts()).to.include({ suspects: 2, leased: 0 })
      expect(texts(held(await consumer.takeSuspect(2, [QUEUE])).deliveries)).to.deep.equal(['a'])
    })

    it('tell what an ordinary take tells: the time, the revocations, and that the lease is lost', async () => {
      const { consumer } = await stage().worker()
      await stage().broker.revoke(['an-id'], 60)

      const taken = held(await consumer.takeSuspect(1, [QUEUE]))
      expect(taken.now).to.be.closeTo(Date.now(), 5_000)
      expect(taken.revocations).to.equal(1)
      await consumer.resign()
      expect(await consumer.takeSuspect(2, [QUEUE])).to.equal('lost')
    })

    it('stay suspects when they go back to the front, or with their worker’s orderly end', async () => {
      await suspected('a', 'b')
      const worker = await stage().worker()
      const [a] = held(await worker.consumer.takeSuspect(1, [QUEUE])).deliveries
      await worker.settle({ delivery: a!, fate: FRONT })
      expect(texts(held(await worker.consumer.takeSuspect(2, [QUEUE])).deliveries)).to.deep.equal(['a'])

      const other = await stage().worker() // one of ours stays, so they stay
      await worker.consumer.resign()

      expect(await stage().counts()).to.include({ ready: 0, suspects: 2 })
      expect(texts(held(await other.consumer.takeSuspect(1, [QUEUE])).deliveries)).to.deep.equal(['a'])
    })

    it('are suspects no more when they go to the back, are kept for later, or retried from the dead letters, at their priority', async () => {
      for (const name of ['back', 'later', 'dead']) {
        await stage().broker.publish([message(name, { priority: 9 })])
        await (await stage().doomed()).takeOne()
        await stage().reap(() => APART)
      }
      const worker = await stage().worker()
      const fates = { back: BACK, later: { kind: 'park', due: Date.now() - 1 }, dead: DEAD } as const
      for (let seq = 1; seq <= 3; seq++) {
        const [delivery] = held(await worker.consumer.takeSuspect(seq, [QUEUE])).deliveries
        await worker.settle({ delivery: delivery!, fate: fates[textOf(delivery!) as keyof typeof fates] })
      }

      expect(await stage().counts()).to.include({ suspects: 0, leased: 0, dead: 1 })
      await stage().broker.tend(() => ({ fate: FRONT }))
      expect((await stage().counts()).steps).to.deep.equal([0, 0, 0, 2])
      const [letter] = await stage().broker.queues.dead(QUEUE, 0, 1)
      await stage().broker.queues.retryDead(QUEUE, [letter!.id])
      expect((await stage().drain()).sort()).to.deep.equal(['back', 'dead', 'later'])
    })

    it('end like any other message', async () => {
      await suspected('a')
      const worker = await stage().worker()
      const [a] = held(await worker.consumer.takeSuspect(1, [QUEUE])).deliveries

      expect(await worker.settle({ delivery: a!, fate: ACK, publish: [message('next')] })).to.equal('ok')

      expect(await stage().counts()).to.include({ suspects: 0, leased: 0, ready: 1 })
    })

    it('are shown to the judge as what ran alone, and as no suspects before they ran', async () => {
      await suspected('a', 'b')
      for (const runs of [true, false]) {
        const worker = await stage().doomed()
        const [delivery] = held(await worker.consumer.takeSuspect(1, [QUEUE])).deliveries
        await worker.renew(runs ? [delivery!] : [])
        const { judge, seen } = witness(FRONT)
        await stage().reap(judge)

        expect(seen.map(({ alone, suspect }) => ({ alone, suspect }))).to.deep.equal([{ alone: true, suspect: runs }])
      }
      expect(await stage().counts()).to.include({ suspects: 2, ready: 0 })
    })

    it('are seen by who looks at the queue, after what is ready, and go with a purge', async () => {
      await suspected('a')
      await stage().publish('b')
      const { queues } = stage().broker

      expect((await queues.peek(QUEUE, 9)).map(String)).to.deep.equal(['b', 'a'])
      expect((await queues.peek(QUEUE, 9, 0)).map(String)).to.deep.equal(['b'])
      expect(await queues.purge(QUEUE)).to.deep.equal({ ready: 1, delayed: 0, suspects: 1 })
      expect(await stage().counts()).to.include({ suspects: 0, ready: 0 })
    })

    it('are in flight like any other', async () => {
      await suspected('a')
      const { consumer } = await stage().worker()
      const [a] = held(await consumer.takeSuspect(1, [QUEUE])).deliveries

      const found = await stage().broker.inFlight(consumer.incarnation, 9)
      expect(found.map(({ lane, queue, raw }) => [lane, queue, String(raw)])).to.deep.equal([[a!.lane.name, QUEUE, 'a']])
    })
  })
}
