/** Publishing and taking: what goes in comes out, once, in order, by priority, fairly. */
import { expect } from 'chai'
import { held, LONG_LEASE_MS, message, names, QUEUE, type Stage, texts } from './stage.js'

export function taking(stage: () => Stage): void {
  describe('publish and take', () => {
    it('hands out the bytes exactly as they were published', async () => {
      const raws = [Buffer.from([0, 1, 2, 0xff, 0xfe, 0]), Buffer.from('{"é": "😀"}'), Buffer.alloc(200_000, 7), Buffer.from('\x06\x16%n')]

      await stage().broker.publish(raws.map((raw) => ({ queue: QUEUE, priority: 0, raw })))
      await stage().publish('text, é')
      const deliveries = await (await stage().worker()).take()

      expect(deliveries.map(({ raw }) => raw)).to.deep.equal([...raws, Buffer.from('text, é')])
    })

    it('gives a slice of a larger buffer as that slice', async () => {
      const whole = Buffer.from('before-inside-after')

      await stage().broker.publish([{ queue: QUEUE, priority: 0, raw: whole.subarray(7, 13) }])

      expect(await stage().drain()).to.deep.equal(['inside'])
    })

    it('publishes nothing when there is nothing to publish', async () => {
      await stage().broker.publish([])

      expect(await stage().drain()).to.deep.equal([])
    })

    it('keeps the order of one queue and one step, over publishes and within one', async () => {
      await stage().publish('a', 'b', 'c')
      await stage().publish('d')

      const worker = await stage().worker()
      const first = texts(await worker.take(2))
      const second = texts(await worker.take(2))

      expect([first, second]).to.deep.equal([
        ['a', 'b'],
        ['c', 'd'],
      ])
    })

    it('gives at most what was asked for, and an empty take when there is nothing', async () => {
      await stage().publish(...names('m', 5))
      const worker = await stage().worker()

      expect(await worker.take(3)).to.have.length(3)
      expect(await worker.take(3)).to.have.length(2)
      expect(await worker.take(3)).to.have.length(0)
    })

    it('takes a batch larger than any batch a script passes at once', async () => {
      await stage().publish(...names('m', 2_500))

      const deliveries = await (await stage().worker()).take(2_500)

      expect(texts(deliveries)).to.deep.equal(names('m', 2_500))
    })

    it('gives every message to one worker only', async () => {
      await stage().publish(...names('m', 60))
      const workers = [await stage().worker(), await stage().worker({ broker: await stage().connect() })]

      const got: string[] = []
      for (let round = 0; round < 6; round++) for (const worker of workers) got.push(...texts(await worker.take(5)))

      expect(got.sort()).to.deep.equal(names('m', 60).sort())
    })

    it('gives every message to one worker only when all take at once', async () => {
      await stage().publish(...names('m', 60))
      const workers = await Promise.all(names('', 4).map(async () => stage().worker({ broker: await stage().connect() })))

      const got = await Promise.all(workers.map((worker) => worker.take(15)))

      expect(got.flatMap(texts).sort()).to.deep.equal(names('m', 60).sort())
    })

    it('takes only from the queues asked for', async () => {
      await stage().broker.publish([message('mine'), message('other', { queue: 'mail' })])

      expect(texts(await (await stage().worker()).take())).to.deep.equal(['mine'])
    })

    it('names a lane by the number of its take, and says queue, size and position', async () => {
      await stage().broker.publish([message('a'), message('b'), message('low', { priority: 9 }), message('c', { queue: 'mail' })])
      const worker = await stage().worker({ queues: [QUEUE, 'mail'] })

      const deliveries = await worker.take()

      const lanes = new Map(deliveries.map(({ lane }) => [lane.name, lane]))
      expect([...lanes.values()].map(({ queue, size }) => `${queue} ${size}`).sort()).to.deep.equal(['kuma 1', 'kuma 2', 'mail 1'])
      for (const { lane } of deliveries) {
        expect(lane.seq).to.equal(1)
        expect(lane.name).to.match(/^1\/./)
      }
      const positions = deliveries.filter(({ lane }) => lane.size === 2).map(({ position }) => position)
      expect(positions).to.deep.equal([0, 1])
    })

    it('tells the wall-clock time of the broker, and no queue as broken', async () => {
      const before = Date.now()
      const taken = await (await stage().worker()).taken()

      expect(taken.now).to.be.within(before - 2_000, Date.now() + 2_000)
      expect(taken.broken).to.deep.equal([])
      expect(taken.nextDue).to.equal(null)
    })

    it('calls a message leased while a worker holds it', async () => {
      await stage().publish('a', 'b')
      await (await stage().worker()).take(1)

      expect(await stage().counts()).to.include({ ready: 1, leased: 1 })
    })
  })

  describe('priority', () => {
    before(function () {
      if (!stage().broker.can.priorities) this.skip()
    })

    it('gives the step of 0 first and of 9 last', async () => {
      await stage().broker.publish([9, 6, 3, 0, 4, 8].map((priority) => message(`p${priority}`, { priority })))

      expect(await stage().drain()).to.deep.equal(['p0', 'p3', 'p4', 'p6', 'p8', 'p9'])
    })

    it('treats what is out of range as the nearest step', async () => {
      const priorities = [-1, 10, 2.5, 255, Number.NaN]
      await stage().broker.publish(priorities.map((priority) => message(`p${priority}`, { priority })))

      expect(await stage().drain()).to.deep.equal(['p-1', 'p2.5', 'pNaN', 'p10', 'p255'])
    })

    it('goes by priority before it goes by queue', async () => {
      await stage().broker.publish([
        message('mail low', { queue: 'mail', priority: 6 }),
        message('kuma low', { priority: 9 }),
        message('mail high', { queue: 'mail' }),
        message('kuma mid', { priority: 3 }),
      ])
      const worker = await stage().worker({ queues: [QUEUE, 'mail'] })

      expect(texts(await worker.take())).to.deep.equal(['mail high', 'kuma mid', 'mail low', 'kuma low'])
    })
  })

  describe('fair order', () => {
    it('serves all queues of a step in turn, one message at a time', async () => {
      await stage().broker.publish([
        ...names('m', 40).map((text) => message(text)),
        ...names('n', 40).map((text) => message(text, { queue: 'mail' })),
      ])
      const worker = await stage().worker({ queues: [QUEUE, 'mail'] })

      const queues: string[] = []
      for (let i = 0; i < 20; i++) queues.push((await worker.takeOne()).lane.queue)

      expect(queues.filter((queue) => queue === QUEUE)).to.have.length.within(5, 15)
    })

    it('serves a short queue beside a long one in large takes', async () => {
      await stage().broker.publish([...names('m', 400).map((text) => message(text)), message('n', { queue: 'mail' })])
      const worker = await stage().worker({ queues: [QUEUE, 'mail'] })

      const got = [...(await worker.take(100)), ...(await worker.take(100))]

      expect(texts(got)).to.include('n')
      expect(got).to.have.length(200)
    })
  })

  describe('a take sent again', () => {
    it('gives the same lanes, and pops nothing more', async () => {
      await stage().publish(...names('m', 6))
      const { consumer } = await stage().worker()

      const first = held(await consumer.take(1, [QUEUE], 3))
      const again = held(await consumer.take(1, [QUEUE], 5))

      expect(texts(again.deliveries)).to.deep.equal(['m0', 'm1', 'm2'])
      expect(again.deliveries.map(place)).to.deep.equal(first.deliveries.map(place))
      expect(await stage().counts()).to.include({ ready: 3, leased: 3 })
    })

    it('gives the same lanes on another connection', async () => {
      await stage().broker.publish([message('a'), message('b', { priority: 9 }), message('c', { queue: 'mail' })])
      const registration = { incarnation: 'one-run', node: 'celery@test', leaseMs: LONG_LEASE_MS, queues: [QUEUE, 'mail'] }
      const first = await stage().broker.register(registration)
      const { deliveries } = held(await first.take(1, [QUEUE, 'mail'], 10))

      const second = await (await stage().connect()).register(registration)
      const again = held(await second.take(1, [QUEUE, 'mail'], 10))

      expect(again.deliveries.map(place)).to.deep.equal(deliveries.map(place))
      expect(texts(again.deliveries)).to.deep.equal(texts(deliveries))
      expect(await second.settle(again.deliveries.map((delivery) => ({ delivery, fate: { kind: 'ack' } })))).to.equal('ok')
      expect(await stage().counts()).to.include({ ready: 0, leased: 0 })
    })

    it('gives the older lanes while a younger take is in flight', async () => {
      await stage().publish(...names('m', 4))
      const { consumer } = await stage().worker()
      await consumer.take(1, [QUEUE], 2)
      await consumer.take(2, [QUEUE], 2)

      expect(texts(held(await consumer.take(1, [QUEUE], 2)).deliveries)).to.deep.equal(['m0', 'm1'])
    })
  })

  describe('a take that was closed', () => {
    it('gives back what it holds, in its place and in order', async () => {
      await stage().publish(...names('m', 4))
      const { consumer } = await stage().worker()
      await consumer.take(1, [QUEUE], 3)

      await consumer.closeTake(1)

      expect(await stage().counts()).to.include({ ready: 4, leased: 0 })
      expect(await stage().drain()).to.deep.equal(names('m', 4))
    })

    it('is refused when it arrives late, and so is every older one', async () => {
      await stage().publish('a')
      const { consumer } = await stage().worker()
      await consumer.closeTake(3)

      for (const seq of [3, 2, 1]) expect(held(await consumer.take(seq, [QUEUE], 5)).deliveries).to.deep.equal([])
      expect(texts(held(await consumer.take(4, [QUEUE], 5)).deliveries)).to.deep.equal(['a'])
    })

    it('leaves the lanes of other takes alone', async () => {
      await stage().publish('a', 'b')
      const { consumer } = await stage().worker()
      const { deliveries } = held(await consumer.take(1, [QUEUE], 1))
      await consumer.take(2, [QUEUE], 1)

      await consumer.closeTake(2)

      expect(await stage().counts()).to.include({ ready: 1, leased: 1 })
      await consumer.settle(deliveries.map((delivery) => ({ delivery, fate: { kind: 'ack' } })))
      expect(await stage().drain()).to.deep.equal(['b'])
    })

    it('stays closed when it is closed twice', async () => {
      await stage().publish('a')
      const { consumer } = await stage().worker()
      await consumer.take(1, [QUEUE], 1)
      await consumer.closeTake(1)
      await consumer.closeTake(1)

      expect(await stage().counts()).to.include({ ready: 1, leased: 0 })
    })
  })
}

function place({
  lane,
  position,
}: {
  readonly lane: { readonly name: string; readonly queue: string }
  readonly position: number
}): string {
  return `${lane.name} ${lane.queue} ${position}`
}
