/** The operator's side: names, counts, peek, purge, dead letters. */
import { expect } from 'chai'
import type { PriorityStep } from '../../../src/broker/broker.js'
import { DEAD, message, names, QUEUE, type Stage, texts } from './stage.js'

export function operating(stage: () => Stage): void {
  async function bury(...raws: string[]): Promise<void> {
    const worker = await stage().worker()
    for (const raw of raws) {
      await stage().publish(raw)
      await worker.settle({ delivery: await worker.takeOne(), fate: DEAD })
    }
  }
  const dead = async () => texts(await stage().broker.queues.dead(QUEUE, 0, 100))

  describe('queues', () => {
    it('are named when they hold something or are consumed', async () => {
      await stage().broker.publish([
        message('a'),
        message('b', { queue: 'mail', priority: 9 }),
        message('c', { queue: 'later', due: Date.now() + 60_000 }),
      ])
      await stage().worker({ queues: ['consumed'] })

      expect(await stage().broker.queues.names()).to.include.members([QUEUE, 'mail', 'later', 'consumed'])
    })

    it('are named while they hold dead letters or leased messages only', async () => {
      await bury('a')
      await stage().broker.publish([message('b', { queue: 'mail' })])
      await (await stage().worker({ queues: ['mail'] })).take()

      expect(await stage().broker.queues.names()).to.include.members([QUEUE, 'mail'])
    })

    it('are counted: ready by step, delayed, leased, dead, consumers', async () => {
      await bury('x')
      await stage().broker.publish([
        ...[0, 2, 3, 6, 6, 9].map((priority) => message(`p${priority}`, { priority })),
        message('later', { due: Date.now() + 60_000 }),
      ])
      await (await stage().worker()).take(1)
      await stage().worker({ queues: ['mail'] })

      const [counts, mail, unknown] = await stage().broker.queues.counts([QUEUE, 'mail', 'unknown'])

      expect(counts).to.deep.equal({
        queue: QUEUE,
        ready: 5,
        steps: [1, 1, 2, 1],
        delayed: 1,
        suspects: 0,
        leased: 1,
        dead: 1,
        consumers: 2,
      })
      expect(mail).to.deep.equal({
        queue: 'mail',
        ready: 0,
        steps: [0, 0, 0, 0],
        delayed: 0,
        suspects: 0,
        leased: 0,
        dead: 0,
        consumers: 1,
      })
      expect(unknown).to.deep.equal({
        queue: 'unknown',
        ready: 0,
        steps: [0, 0, 0, 0],
        delayed: 0,
        suspects: 0,
        leased: 0,
        dead: 0,
        consumers: 0,
      })
    })

    it('are peeked at in the order they will be taken, and nothing is taken', async () => {
      await stage().broker.publish([message('low', { priority: 9 }), message('a'), message('b'), message('mid', { priority: 3 })])

      const peek = async (limit: number) => (await stage().broker.queues.peek(QUEUE, limit)).map(String)

      expect(await peek(10)).to.deep.equal(['a', 'b', 'mid', 'low'])
      expect(await peek(3)).to.deep.equal(['a', 'b', 'mid'])
      expect(await peek(0)).to.deep.equal([])
      for (const [step, there] of [['a', 'b'], ['mid'], [], ['low']].entries()) {
        expect((await stage().broker.queues.peek(QUEUE, 5, step as PriorityStep)).map(String)).to.deep.equal(there)
      }
      expect((await stage().broker.queues.peek(QUEUE, 1, 0)).map(String)).to.deep.equal(['a'])
      expect(await stage().broker.queues.peek('unknown', 5)).to.deep.equal([])
      expect(await stage().counts()).to.include({ ready: 4, leased: 0 })
    })

    it('are purged of what is ready and delayed, and say how many', async () => {
      await bury('dead')
      await stage().broker.publish([
        message('held'),
        message('a'),
        message('b', { priority: 9 }),
        message('later', { due: Date.now() + 60_000 }),
      ])
      await stage().broker.publish([message('other', { queue: 'mail' })])
      await (await stage().worker()).take(1)

      expect(await stage().broker.queues.purge(QUEUE)).to.deep.equal({ ready: 2, delayed: 1, suspects: 0 })

      expect(await stage().counts()).to.include({ ready: 0, delayed: 0, leased: 1, dead: 1 })
      expect(await stage().counts('mail')).to.include({ ready: 1 })
      expect(await stage().broker.queues.purge(QUEUE)).to.deep.equal({ ready: 0, delayed: 0, suspects: 0 })
      expect(await stage().broker.queues.purge('unknown')).to.deep.equal({ ready: 0, delayed: 0, suspects: 0 })
    })

    it('of thousands of messages are purged whole', async () => {
      await stage().publish(...names('m', 3_000))

      expect(await stage().broker.queues.purge(QUEUE)).to.deep.equal({ ready: 3_000, delayed: 0, suspects: 0 })
      expect(await stage().drain()).to.deep.equal([])
    })
  })

  describe('the dead letters of a queue', () => {
    it('are listed newest first, page by page', async () => {
      await bury('a', 'b', 'c')

      const page = async (offset: number, limit: number) => texts(await stage().broker.queues.dead(QUEUE, offset, limit))

      expect(await page(0, 2)).to.deep.equal(['c', 'b'])
      expect(await page(2, 2)).to.deep.equal(['a'])
      expect(await page(3, 2)).to.deep.equal([])
      expect(await stage().broker.queues.dead('mail', 0, 5)).to.deep.equal([])
    })

    it('go back into their queue, bytes unchanged, when they are tried again', async () => {
      await bury('a', 'b', 'c')
      const letters = await stage().broker.queues.dead(QUEUE, 0, 10)
      const ids = letters.filter(({ raw }) => raw.toString() !== 'b').map(({ id }) => id)

      expect(await stage().broker.queues.retryDead(QUEUE, ids)).to.equal(2)

      expect(await dead()).to.deep.equal(['b'])
      expect((await stage().drain()).sort()).to.deep.equal(['a', 'c'])
    })

    it('go back once, however often it is told', async () => {
      await bury('a')
      const [letter] = await stage().broker.queues.dead(QUEUE, 0, 1)

      expect(await stage().broker.queues.retryDead(QUEUE, [letter!.id])).to.equal(1)
      expect(await stage().broker.queues.retryDead(QUEUE, [letter!.id])).to.equal(0)
      expect(await stage().broker.queues.dropDead(QUEUE, [letter!.id])).to.equal(0)

      expect(await stage().drain()).to.deep.equal(['a'])
    })

    it('are dropped for good', async () => {
      await bury('a', 'b')
      const [b] = await stage().broker.queues.dead(QUEUE, 0, 1)

      expect(await stage().broker.queues.dropDead(QUEUE, [b!.id])).to.equal(1)

      expect(await dead()).to.deep.equal(['a'])
      expect(await stage().drain()).to.deep.equal([])
    })

    it('that are not there are passed over', async () => {
      await bury('a')

      expect(await stage().broker.queues.retryDead(QUEUE, ['no-such-id', ''])).to.equal(0)
      expect(await stage().broker.queues.dropDead(QUEUE, ['no-such-id'])).to.equal(0)
      expect(await stage().broker.queues.retryDead('mail', ['no-such-id'])).to.equal(0)
      expect(await dead()).to.deep.equal(['a'])
    })
  })
}
