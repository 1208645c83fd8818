/** Leases: kept while renewed, fenced when they run out; what a dead worker held is judged and given back, once. */
import { expect } from 'chai'
import type { Tended } from '../../../src/broker/broker.js'
import { ACK, DEAD, eventually, FRONT, giveBack, held, message, NO_LEASE_MS, names, QUEUE, type Stage, textOf, witness } from './stage.js'

export function leases(stage: () => Stage): void {
  describe('a lease', () => {
    it('is not cut short: a worker within it is left alone', async () => {
      await stage().publish('a')
      const worker = await stage().worker()
      await worker.take()

      expect((await stage().broker.tend(giveBack)).reaped).to.deep.equal([])
      expect(await stage().counts()).to.include({ leased: 1 })
    })

    it('stands for as long as it is renewed, from any connection', async () => {
      await stage().publish('a')
      const leaseMs = 1_500
      const worker = await stage().worker({ leaseMs, broker: stage().elsewhere })
      const a = await worker.takeOne()
      const keeper = await stage().connect()
      const reaped: Tended['reaped'][number][] = []
      const end = performance.now() + 2 * leaseMs

      await eventually(async () => {
        await keeper.renew(worker.consumer.incarnation, [{ lane: a.lane.name, position: a.position }])
        reaped.push(...(await stage().broker.tend(giveBack)).reaped)
        return performance.now() > end
      })

      expect(reaped).to.deep.equal([])
      expect(await worker.ack(a)).to.equal('ok')
    }).timeout(20_000)

    it('renewed after it ran out, but before anybody fenced the worker, stands again', async () => {
      await stage().publish('a')
      const worker = await stage().worker({ leaseMs: 50 })
      const a = await worker.takeOne()
      await eventually(() => performance.now() > 0 && true)

      expect((await worker.renew()).kind).to.equal('kept')
      expect(await worker.ack(a)).to.equal('ok')
    })

    it('names, when renewed, the lanes that hold something', async () => {
      await stage().broker.publish([message('a'), message('b', { queue: 'mail' })])
      const worker = await stage().worker({ queues: [QUEUE, 'mail'] })
      const [a, b] = await worker.take()

      expect(await lanesOf(worker.renew())).to.deep.equal([a!.lane.name, b!.lane.name].sort())
      await worker.ack(a!)
      expect(await lanesOf(worker.renew([b!]))).to.deep.equal([b!.lane.name])
      await worker.ack(b!)
      expect(await lanesOf(worker.renew())).to.deep.equal([])
    })

    it('that ran out is no reason to fence a worker over the connection that registered it: it lives, and its keeper is only late', async () => {
      const { broker, elsewhere } = stage()
      await stage().publish('a', 'b')
      const worker = await stage().worker({ broker, leaseMs: NO_LEASE_MS })
      const [a, b] = await worker.take()
      const other = await stage().doomed({ node: 'celery@gone' })

      // Both leases have run out when the other one is found, and this one is looked at no later.
      const reaped: string[] = []
      await eventually(async () => {
        reaped.push(...(await broker.tend(giveBack)).reaped.map(({ incarnation }) => incarnation))
        return reaped.length > 0
      })
      expect(reaped).to.deep.equal([other.consumer.incarnation])
      expect(await worker.ack(a!)).to.equal('ok')
      expect((await worker.renew([b!])).kind).to.equal('kept')

      expect(await stage().reap(giveBack, elsewhere)).to.equal(1)
      expect(await worker.ack(b!)).to.equal('lost')
    })

    it('of an incarnation nobody registered is lost', async () => {
      expect(await stage().broker.renew('never-registered', [])).to.deep.equal({ kind: 'lost' })
    })
  })

  describe('a worker whose lease ran out', () => {
    it('has what it held given back, in front of what waits and in its order', async () => {
      await stage().publish(...names('m', 5))
      const worker = await stage().doomed({ node: 'celery@gone' })
      await worker.take(2)
      await worker.take(1)

      const reaped = await eventually(async () => {
        const tended = await stage().broker.tend(giveBack)
        return tended.reaped.length > 0 && tended.reaped
      })

      expect(reaped).to.deep.equal([{ node: 'celery@gone', incarnation: worker.consumer.incarnation, messages: 3 }])
      expect(await stage().counts()).to.include({ ready: 5, leased: 0, consumers: 0 })
      const drained = await stage().drain()
      expect([...drained.slice(0, 3)].sort()).to.deep.equal(['m0', 'm1', 'm2'])
      expect(drained.indexOf('m0')).to.be.lessThan(drained.indexOf('m1'))
      expect(drained.slice(3)).to.deep.equal(['m3', 'm4'])
    })

    it('is fenced: whatever it still says is refused, and changes nothing', async () => {
      await stage().publish('a', 'b')
      const worker = await stage().doomed()
      const [a, b] = await worker.take()
      await stage().reap()

      expect(await worker.consumer.take(2, [QUEUE], 5)).to.equal('lost')
      expect(await worker.consumer.take(1, [QUEUE], 5)).to.equal('lost')
      expect(await worker.settle({ delivery: a!, fate: ACK, publish: [message('next')] }, { delivery: b!, fate: DEAD })).to.equal('lost')
      expect(await worker.consumer.start([a!])).to.equal('lost')
      expect(await worker.renew([a!])).to.deep.equal({ kind: 'lost' })
      await worker.consumer.closeTake(1)
      await worker.consumer.resign()

      expect(await stage().counts()).to.include({ ready: 2, leased: 0, delayed: 0, dead: 0 })
      expect(await stage().drain()).to.deep.equal(['a', 'b'])
    })

    it('cannot settle what its successor now holds', async () => {
      await stage().publish('a')
      const worker = await stage().doomed()
      const late = await worker.takeOne()
      await stage().reap()
      const successor = await stage().worker()
      const again = await successor.takeOne()

      expect(await worker.ack(late)).to.equal('lost')

      expect(await stage().counts()).to.include({ leased: 1 })
      expect(await successor.settle({ delivery: again, fate: FRONT })).to.equal('ok')
      expect(await stage().drain()).to.deep.equal(['a'])
    })

    it('gives back what was not settled, and nothing that was', async () => {
      await stage().publish('a', 'b', 'c', 'd')
      const worker = await stage().doomed()
      const [a, , c] = await worker.take()
      await worker.settle({ delivery: a!, fate: ACK }, { delivery: c!, fate: { kind: 'park', due: Date.now() + 60_000 } })
      const { judge, seen } = witness()

      expect(await stage().reap(judge)).to.equal(2)

      expect(seen.map(textOf).sort()).to.deep.equal(['b', 'd'])
      expect(await stage().counts()).to.include({ ready: 2, leased: 0, delayed: 1 })
    })

    it('with nothing in its hands leaves nothing behind', async () => {
      const worker = await stage().doomed()

      expect(await stage().reap()).to.equal(0)

      expect((await stage().broker.tend(giveBack)).reaped).to.deep.equal([])
      expect(await worker.renew()).to.deep.equal({ kind: 'lost' })
    })

    it('is reaped once, however many look at the same time', async () => {
      await stage().publish(...names('m', 20))
      await (await stage().doomed()).take(20)
      const reapers = [stage().broker, await stage().connect(), await stage().connect()]
      let messages = 0

      await eventually(async () => {
        const all = await Promise.all(reapers.map((reaper) => reaper.tend(giveBack)))
        for (const { reaped } of all) for (const each of reaped) messages += each.messages
        return (await stage().counts()).leased === 0
      })

      expect(messages).to.equal(20)
      expect(await stage().counts()).to.include({ ready: 20, leased: 0 })
      expect((await stage().drain()).sort()).to.deep.equal(names('m', 20).sort())
    })

    it('is not reaped by one who came only now: others must have had the time to renew', async () => {
      await stage().publish('a')
      const leaseMs = 1_000
      const worker = await stage().worker({ leaseMs })
      await worker.take()
      const ran = performance.now() + leaseMs
      await eventually(() => performance.now() > ran + 50)

      const start = performance.now()
      const newcomer = await stage().connect()
      const { reaped } = await newcomer.tend(giveBack)
      const late = performance.now() - start >= leaseMs // a machine this slow shows nothing

      if (!late) expect(reaped).to.deep.equal([])
      expect(await stage().reap(giveBack, newcomer)).to.equal(1)
    }).timeout(20_000)
  })

  describe('a warm stop', () => {
    it('gives back all the worker still holds, in place and in order, and ends it', async () => {
      await stage().publish(...names('m', 6))
      const worker = await stage().worker()
      const [m0] = await worker.take(3)
      await worker.take(1)
      await worker.ack(m0!)

      await worker.consumer.resign()

      expect(await stage().counts()).to.include({ ready: 5, leased: 0, consumers: 0 })
      expect(await worker.renew()).to.deep.equal({ kind: 'lost' })
      expect(await worker.consumer.take(9, [QUEUE], 1)).to.equal('lost')
      const drained = await stage().drain()
      expect([...drained.slice(0, 3)].sort()).to.deep.equal(['m1', 'm2', 'm3'])
      expect(drained.slice(3)).to.deep.equal(['m4', 'm5'])
    })

    it('said twice gives back once', async () => {
      await stage().publish('a')
      const worker = await stage().worker()
      await worker.take()

      await worker.consumer.resign()
      await worker.consumer.resign()

      expect(await stage().counts()).to.include({ ready: 1, leased: 0 })
      expect((await stage().broker.tend(giveBack)).reaped).to.deep.equal([])
    })
  })

  describe('closing a connection', () => {
    it('leaves what is in flight leased: the incarnation goes on from another connection', async () => {
      await stage().publish('a')
      const registration = { incarnation: 'one-run', node: 'celery@test', leaseMs: 60_000, queues: [QUEUE] }
      const first = await stage().connect()
      await (await first.register(registration)).take(1, [QUEUE], 1)

      await first.close()

      expect(await stage().counts()).to.include({ ready: 0, leased: 1 })
      const again = await stage().broker.register(registration)
      expect(held(await again.take(1, [QUEUE], 1)).deliveries.map(textOf)).to.deep.equal(['a'])
    })

    it('may be said twice, and what is asked of it later fails', async () => {
      const broker = await stage().connect()
      await broker.close()
      await broker.close()

      const failure = await broker.publish([message('a')]).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(failure).to.include({ code: 'E_BROKER_UNREACHABLE' })
    })
  })
}

async function lanesOf(renewal: ReturnType<Stage['broker']['renew']>): Promise<string[]> {
  const answer = await renewal
  if (answer.kind !== 'kept') throw new Error('the incarnation was fenced')
  return [...answer.lanes].sort()
}
