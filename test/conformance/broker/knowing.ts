/** What is known of a worker from outside: its registration, its last word, what it holds. */
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import type { KnownWorker } from '../../../src/broker/broker.js'
import { eventually, message, QUEUE, type Stage, textOf, texts } from './stage.js'

export function knowing(stage: () => Stage): void {
  const known = async (incarnation: string): Promise<KnownWorker | undefined> =>
    (await stage().broker.workers()).find((worker) => worker.incarnation === incarnation)

  describe('workers', () => {
    it('are none where none has registered', async () => {
      expect(await stage().broker.workers()).to.deep.equal([])
    })

    it('are known on every connection by node, queues and whether they live, before they have said a word', async () => {
      const incarnation = randomUUID()
      await stage().worker({ incarnation, node: 'mail@host', queues: [QUEUE, 'mail'], broker: await stage().connect() })

      expect(await stage().broker.workers()).to.deep.equal([
        { incarnation, node: 'mail@host', queues: [QUEUE, 'mail'], isAlive: true, state: null, stateAge: null },
      ])
    })

    it('are known with their last word and its age', async () => {
      const { consumer } = await stage().worker()
      const state = '{"answers": {"conf": "müde\\n"},\n "pid": 7}'
      await stage().broker.note(consumer.incarnation, '{}')
      await (await stage().connect()).note(consumer.incarnation, state)

      const worker = await known(consumer.incarnation)
      expect(worker).to.include({ state, isAlive: true })
      expect(worker?.stateAge).to.be.within(0, 5_000)
      await eventually(async () => ((await known(consumer.incarnation))?.stateAge ?? 0) > (worker?.stateAge ?? 0))
    })

    it('of one node are told apart by their incarnation', async () => {
      const [one, two] = [await stage().worker(), await stage().worker()]
      await stage().broker.note(two.consumer.incarnation, '{"two": 2}')

      expect((await stage().broker.workers()).map(({ node }) => node)).to.deep.equal(['celery@test', 'celery@test'])
      expect((await known(one.consumer.incarnation))?.state).to.equal(null)
      expect((await known(two.consumer.incarnation))?.state).to.equal('{"two": 2}')
    })

    it('that resigned are forgotten with their word, and what they say after is not heard', async () => {
      const { consumer } = await stage().worker()
      await stage().broker.note(consumer.incarnation, '{}')

      await consumer.resign()
      await stage().broker.note(consumer.incarnation, '{"late": true}')

      expect(await stage().broker.workers()).to.deep.equal([])
    })

    it('whose lease ran out live no more, and are known with their last word after they were reaped', async () => {
      const { consumer } = await stage().doomed({ node: 'gone@host', queues: ['mail'] })
      const { incarnation } = consumer
      await stage().broker.note(incarnation, '{"last": "word"}')
      await eventually(async () => (await known(incarnation))?.isAlive === false)
      expect(await known(incarnation)).to.include({ state: '{"last": "word"}' })

      await stage().reap()
      await stage().broker.note(incarnation, '{"after": "the fence"}')

      const worker = await known(incarnation)
      expect(worker).to.deep.include({ node: 'gone@host', queues: ['mail'], isAlive: false, state: '{"last": "word"}' })
      expect(worker?.stateAge).to.be.within(0, 15_000)
    })

    it('that vanished without a word are forgotten when they were reaped', async () => {
      const { consumer } = await stage().doomed()
      expect((await known(consumer.incarnation))?.state).to.equal(null)

      await stage().reap()

      expect(await stage().broker.workers()).to.deep.equal([])
    })

    it('that nobody has registered leave no word', async () => {
      await stage().broker.note(randomUUID(), '{}')

      expect(await stage().broker.workers()).to.deep.equal([])
    })
  })

  describe('consume', () => {
    it('changes what the registry says a worker consumes', async () => {
      const { consumer } = await stage().worker({ queues: [QUEUE, 'mail'] })
      await stage().broker.note(consumer.incarnation, '{}')

      expect(await consumer.consume([QUEUE, 'wiki'])).to.equal('ok')
      expect(await consumer.consume([QUEUE, 'wiki'])).to.equal('ok')

      expect(await known(consumer.incarnation)).to.deep.include({ queues: [QUEUE, 'wiki'], isAlive: true, state: '{}' })
      const counts = await stage().broker.queues.counts([QUEUE, 'mail', 'wiki'])
      expect(counts.map(({ consumers }) => consumers)).to.deep.equal([1, 0, 1])
      expect(await stage().broker.queues.names()).to.include('wiki')
    })

    it('goes on with its lease and with what it holds', async () => {
      await stage().publish('a')
      const worker = await stage().worker()
      const a = await worker.takeOne()
      await stage().broker.publish([message('w', { queue: 'wiki' })])

      await worker.consumer.consume(['wiki'])

      expect((await worker.renew()).kind).to.equal('kept')
      expect(texts(await worker.take())).to.deep.equal([]) // the queues of a take are those it is told
      const taken = await worker.consumer.take(worker.seq + 1, ['wiki'], 5)
      expect(taken !== 'lost' && texts(taken.deliveries)).to.deep.equal(['w'])
      expect(await worker.ack(a)).to.equal('ok')
    })

    it('may end all of them', async () => {
      const { consumer } = await stage().worker()

      expect(await consumer.consume([])).to.equal('ok')

      expect(await known(consumer.incarnation)).to.deep.include({ queues: [], isAlive: true })
      expect((await stage().counts()).consumers).to.equal(0)
      await consumer.resign()
      expect(await stage().broker.workers()).to.deep.equal([])
    })

    it('is lost when the worker was fenced or has resigned', async () => {
      const fenced = await stage().doomed()
      await stage().reap()
      const resigned = await stage().worker()
      await resigned.consumer.resign()

      expect(await fenced.consumer.consume(['wiki'])).to.equal('lost')
      expect(await resigned.consumer.consume(['wiki'])).to.equal('lost')

      expect(await stage().broker.workers()).to.deep.equal([])
      expect((await stage().counts('wiki')).consumers).to.equal(0)
    })
  })

  describe('inFlight', () => {
    const look = async (incarnation: string, limit = 10) => (await stage().connect()).inFlight(incarnation, limit)

    it('is nothing with a worker that holds nothing, and with one that nobody knows', async () => {
      const { consumer } = await stage().worker()

      expect(await look(consumer.incarnation)).to.deep.equal([])
      expect(await look(randomUUID())).to.deep.equal([])
    })

    it('shows what a worker holds as it was taken, with lane, position, queue and bytes', async () => {
      await stage().publish('a', 'b')
      const worker = await stage().worker({ queues: [QUEUE, 'mail'] })
      const first = await worker.take()
      await stage().broker.publish([message('c', { queue: 'mail', priority: 9 })])
      const second = await worker.take()

      const seen = await look(worker.consumer.incarnation)

      expect(seen).to.deep.equal(
        [...first, ...second].map(({ lane, position, raw }) => ({ lane: lane.name, position, queue: lane.queue, raw, isStarted: false })),
      )
      expect(seen.map(textOf)).to.deep.equal(['a', 'b', 'c'])
      expect(seen.map(({ queue }) => queue)).to.deep.equal([QUEUE, QUEUE, 'mail'])
    })

    it('shows in the order of the takes, also beyond the tenth', async () => {
      const worker = await stage().worker()
      const all = Array.from({ length: 12 }, (_, index) => `m${index}`)
      await stage().publish(...all)
      for (const _ of all) await worker.take(1)

      expect((await look(worker.consumer.incarnation, 20)).map(textOf)).to.deep.equal(all)
    })

    it('leaves out what is settled, and says what ran at the last renewal', async () => {
      await stage().publish('a', 'b', 'c', 'd')
      const worker = await stage().worker()
      const [a, b, c] = await worker.take()
      if (a === undefined || b === undefined || c === undefined) throw new Error('not taken')
      await worker.ack(a, c)
      await worker.renew([b])

      const seen = await look(worker.consumer.incarnation)

      expect(seen.map(textOf)).to.deep.equal(['b', 'd'])
      expect(seen.map(({ isStarted }) => isStarted)).to.deep.equal([true, false])
    })

    it('shows the first so many', async () => {
      await stage().publish('a', 'b', 'c', 'd', 'e')
      const worker = await stage().worker()
      const [a] = await worker.take(3)
      await worker.take(3)
      if (a !== undefined) await worker.ack(a)

      expect((await look(worker.consumer.incarnation, 1)).map(textOf)).to.deep.equal(['b'])
      expect((await look(worker.consumer.incarnation, 3)).map(textOf)).to.deep.equal(['b', 'c', 'd'])
      expect(await look(worker.consumer.incarnation, 0)).to.deep.equal([])
    })

    it('changes nothing', async () => {
      await stage().publish('a')
      const worker = await stage().worker()
      const a = await worker.takeOne()

      await look(worker.consumer.incarnation)

      expect(await stage().counts()).to.include({ leased: 1, ready: 0 })
      expect(await worker.ack(a)).to.equal('ok')
    })

    it('is still there with a worker whose lease ran out, until it was given back', async () => {
      await stage().publish('a')
      const worker = await stage().doomed()
      await worker.take()
      expect((await look(worker.consumer.incarnation)).map(textOf)).to.deep.equal(['a'])

      await stage().reap()

      expect(await look(worker.consumer.incarnation)).to.deep.equal([])
    })
  })
}
