/** What the reaper shows its judge about each message, and does as the judge decides; start records. */
import { expect } from 'chai'
import { ACK, BACK, DEAD, envelope, FRONT, message, QUEUE, type Stage, textOf, witness } from './stage.js'

export function judging(stage: () => Stage): void {
  describe('the judge of a dead worker', () => {
    it('is shown what is known about each message', async () => {
      await stage().publish('a', 'b', 'c')
      const worker = await stage().doomed({ node: 'celery@gone', process: 'its mark' })
      const [a, b] = await worker.take()
      await worker.consumer.start([b!])
      await worker.renew([a!])
      const { judge, seen } = witness(ACK)

      await stage().reap(judge)

      const facts = seen.map(({ raw, ...rest }) => ({ text: raw.toString(), ...rest })).sort((x, y) => (x.text < y.text ? -1 : 1))
      const common = { queue: QUEUE, deliveries: 1, alone: false, node: 'celery@gone', process: 'its mark' }
      expect(facts).to.deep.equal([
        { text: 'a', ...common, early: false, suspect: true },
        { text: 'b', ...common, early: true, suspect: false },
        { text: 'c', ...common, early: false, suspect: false },
      ])
    })

    it('sees as a suspect only what was running at the last renewal', async () => {
      await stage().publish('a', 'b')
      const worker = await stage().doomed()
      const [a, b] = await worker.take()
      await worker.renew([a!])
      await worker.renew([b!])
      const { judge, seen } = witness(ACK)

      await stage().reap(judge)

      expect(seen.filter(({ suspect }) => suspect).map(textOf)).to.deep.equal(['b'])
    })

    it('decides what becomes of each', async () => {
      await stage().publish('ack', 'front', 'back', 'park', 'dead', 'waiting')
      await (await stage().doomed({ node: 'celery@gone' })).take(5)
      const due = Date.now() + 60_000

      await stage().reap(({ raw }) => {
        switch (raw.toString()) {
          case 'front':
            return { fate: { ...FRONT, raw: Buffer.from('front, marked') } as typeof FRONT }
          case 'back':
            return { fate: BACK }
          case 'park':
            return { fate: { kind: 'park', due } }
          case 'dead':
            return { fate: DEAD }
          default:
            return { fate: ACK }
        }
      })

      expect(await stage().counts()).to.include({ ready: 3, leased: 0, delayed: 1, dead: 1 })
      const [letter] = await stage().broker.queues.dead(QUEUE, 0, 1)
      expect(letter).to.include({ node: 'celery@gone', deliveries: 1, reason: DEAD.kind === 'dead' ? DEAD.reason : '' })
      expect(await stage().drain()).to.deep.equal(['front, marked', 'waiting', 'back'])
    })

    it('may put a message off: it stays with its dead worker, uncounted, for whoever tends next', async () => {
      await stage().publish(envelope('now'), envelope('later'))
      const worker = await stage().doomed()
      await worker.take()
      const { judge, seen } = witness(ACK)

      await stage().reap((orphan) => (orphan.raw.includes('later') ? 'later' : { fate: ACK }))
      expect(await stage().counts()).to.include({ ready: 0, leased: 1 })
      expect(await worker.renew()).to.deep.equal({ kind: 'lost' })
      expect((await stage().broker.tend(() => 'later')).reaped).to.deep.equal([])
      expect(await stage().reap(judge)).to.equal(1)

      expect(seen.map(({ deliveries }) => deliveries)).to.deep.equal([1])
      expect(await stage().counts()).to.include({ ready: 0, leased: 0 })
    })

    it('may have something sent after it, once, with what becomes of it', async () => {
      await stage().publish('early', 'poison')
      const worker = await stage().doomed()
      const [early] = await worker.take()
      await worker.consumer.start([early!])

      await stage().reap(({ raw, early: isEarly }) => ({
        fate: isEarly ? ACK : DEAD,
        publish: [message(`after ${raw}`), message(`later ${raw}`, { due: Date.now() + 60_000 })],
      }))
      await stage().broker.tend(() => ({ fate: ACK, publish: [message('again')] }))

      expect(await stage().counts()).to.include({ ready: 2, leased: 0, delayed: 2, dead: 1 })
      expect((await stage().drain()).sort()).to.deep.equal(['after early', 'after poison'])
    })

    it('is told how often a message was found so, which stops and closed takes do not count', async () => {
      await stage().publish(envelope('id-1'))
      const polite = await stage().worker()
      await polite.take()
      await polite.consumer.resign()
      const closing = await stage().worker()
      await closing.take()
      await closing.consumer.closeTake(1)

      const counted: number[] = []
      for (let death = 0; death < 3; death++) {
        await (await stage().doomed()).takeOne()
        await stage().reap(({ deliveries }) => {
          counted.push(deliveries)
          return { fate: deliveries === 3 ? DEAD : FRONT }
        })
      }

      expect(counted).to.deep.equal([1, 2, 3])
      expect((await stage().broker.queues.dead(QUEUE, 0, 1))[0]).to.include({ deliveries: 3 })
    })

    it('is told how often for bytes nobody can read, too', async () => {
      await stage().broker.publish([{ queue: QUEUE, priority: 0, raw: Buffer.from([0xff, 0x00, 0x12]) }])
      const counted: number[] = []
      for (let death = 0; death < 2; death++) {
        await (await stage().doomed()).takeOne()
        await stage().reap(({ deliveries }) => {
          counted.push(deliveries)
          return { fate: FRONT }
        })
      }

      expect(counted).to.deep.equal([1, 2])
    })
  })

  describe('a start record (acks: early)', () => {
    it('is made once, however often it is told', async () => {
      await stage().publish('a')
      const worker = await stage().worker()
      const a = await worker.takeOne()

      expect(await worker.consumer.start([a])).to.equal('ok')
      expect(await worker.consumer.start([a])).to.equal('ok')
      expect(await worker.ack(a)).to.equal('ok')

      expect(await stage().counts()).to.include({ ready: 0, leased: 0 })
    })

    it('for a position that is settled is no record', async () => {
      await stage().publish('a', 'b')
      const worker = await stage().doomed()
      const [a] = await worker.take()
      await worker.ack(a!)
      expect(await worker.consumer.start([a!])).to.equal('ok')
      const { judge, seen } = witness()

      await stage().reap(judge)

      expect(seen.map(({ raw, early }) => `${raw} ${early}`)).to.deep.equal(['b false'])
    })

    it('is not given back by a warm stop: the reaper judges it, as no suspect', async () => {
      await stage().publish('early', 'late')
      const worker = await stage().doomed()
      const [early] = await worker.take()
      await worker.consumer.start([early!])
      await worker.renew([early!])

      await worker.consumer.resign()
      expect(await worker.ack(early!)).to.equal('lost')
      const { judge, seen } = witness(ACK)
      await stage().reap(judge)

      expect(seen.map(({ raw, early: record, suspect }) => `${raw} ${record} ${suspect}`)).to.deep.equal(['early true false'])
      expect(await stage().drain()).to.deep.equal(['late'])
    })
  })
}
