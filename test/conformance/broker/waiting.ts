/** Waiting: woken by what may be taken, bounded by time and by the signal; a hint, but one that is not lost. */
import { expect } from 'chai'
import { eventually, FRONT, message, QUEUE, type Stage, timed } from './stage.js'

export function waiting(stage: () => Stage): void {
  describe('wait', () => {
    const never = new AbortController().signal

    it('ends when a message is published on another connection', async () => {
      const worker = await stage().worker()
      const producer = await stage().connect()
      await worker.take()

      const waited = timed(worker.consumer.wait([QUEUE], 8, never))
      await producer.publish([message('a')])

      expect(await waited).to.be.lessThan(4)
      expect(await worker.take()).to.have.length(1)
    })

    it('ends when a message came between an empty take and the wait', async () => {
      const worker = await stage().worker()
      await worker.take()
      await (await stage().connect()).publish([message('a')])

      expect(await timed(worker.consumer.wait([QUEUE], 8, never))).to.be.lessThan(4)
    })

    it('ends when a message of low priority, or of any of several queues, comes', async () => {
      const worker = await stage().worker({ queues: [QUEUE, 'mail', 'wiki'] })
      await worker.take()

      const waited = timed(worker.consumer.wait([QUEUE, 'mail', 'wiki'], 8, never))
      await stage().broker.publish([message('a', { queue: 'wiki', priority: 9 })])

      expect(await waited).to.be.lessThan(4)
    })

    it('ends when another worker gives something back', async () => {
      await stage().publish('a')
      const holder = await stage().worker()
      const a = await holder.takeOne()
      const worker = await stage().worker({ broker: await stage().connect() })
      await worker.take()

      const waited = timed(worker.consumer.wait([QUEUE], 8, never))
      await holder.settle({ delivery: a, fate: FRONT })

      expect(await waited).to.be.lessThan(4)
    })

    it('ends when the time is over', async () => {
      const worker = await stage().worker()

      expect(await timed(worker.consumer.wait([QUEUE], 0.1, never))).to.be.within(0.05, 4)
    })

    it('ends when the signal aborts, at once when it has', async () => {
      const worker = await stage().worker()
      const stop = new AbortController()

      const waited = timed(worker.consumer.wait([QUEUE], 8, stop.signal))
      stop.abort()

      expect(await waited).to.be.lessThan(4)
      expect(await timed(worker.consumer.wait([QUEUE], 8, stop.signal))).to.be.lessThan(4)
    })

    it('takes nothing', async () => {
      const worker = await stage().worker()
      const waited = worker.consumer.wait([QUEUE], 8, never)
      await stage().publish('a', 'b')
      await waited

      expect(await stage().counts()).to.include({ ready: 2, leased: 0 })
      expect(await stage().drain()).to.deep.equal(['a', 'b'])
    })

    it('goes on over many rounds, so that a chain of messages is seen one by one', async () => {
      const worker = await stage().worker()
      const producer = await stage().connect()
      const stop = new AbortController()
      const seen: string[] = []
      const consume = async () => {
        while (!stop.signal.aborted) {
          const got = await worker.take()
          if (got.length === 0) await worker.consumer.wait([QUEUE], 2, stop.signal)
          for (const delivery of got) {
            seen.push(delivery.raw.toString())
            await worker.ack(delivery)
          }
        }
      }

      const running = consume()
      for (let i = 0; i < 10; i++) {
        await producer.publish([message(`m${i}`)])
        await eventually(() => seen.length > i)
      }
      stop.abort()
      await running

      expect(seen).to.deep.equal(Array.from({ length: 10 }, (_, i) => `m${i}`))
    })
  })
}
