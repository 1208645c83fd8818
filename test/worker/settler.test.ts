import { expect } from 'chai'
import type { Consumer, Delivery, Settlement } from '../../src/broker/broker.js'
import { systemClock } from '../../src/clock.js'
import { silentLog } from '../../src/log.js'
import { Settler, type Settling } from '../../src/worker/settler.js'
import { eventually } from '../eventually.js'

describe('what is settled', () => {
  it('goes out as one step with all that ends in the same turn, also while the step before is under way', async () => {
    const { settler, steps, answer } = aSettler()
    settler.add(ack(0))
    await eventually(() => steps.length === 1)
    // As tasks do that end one after the other, each as the one before lets go of the loop.
    const ending = (async () => {
      for (let position = 1; position < 100; position++) {
        settler.add(ack(position))
        await Promise.resolve()
        if (position === 10) answer()
      }
    })()
    await ending
    await eventually(() => steps.length === 2)
    answer()
    await settler.drained()

    expect(steps.map((step) => step.length)).to.deep.equal([1, 99])
  })

  it('is drained when it was stopped, whatever is added after that', async () => {
    const { settler, steps } = aSettler()
    settler.stop()
    settler.add(ack(0))
    await settler.drained()

    expect(steps).to.deep.equal([])
  })
})

function ack(position: number): Settling {
  const delivery: Delivery = { lane: { name: '1/1', seq: 1, queue: 'celery', size: 100 }, position, raw: Buffer.alloc(0) }
  return { settlement: { delivery, fate: { kind: 'ack' } } }
}

/** A broker that answers when it is told to. */
function aSettler() {
  const steps: (readonly Settlement[])[] = []
  let answer = () => {}
  const settle = (settlements: readonly Settlement[]) => {
    steps.push(settlements)
    return new Promise<'ok'>((resolve) => {
      answer = () => resolve('ok')
    })
  }
  const nothing = () => {}
  const parts = { clock: systemClock, log: silentLog, results: null, parked: nothing, stored: nothing, lost: nothing }
  const settler = new Settler({ ...parts, consumer: { settle } as unknown as Consumer })
  return { settler, steps, answer: () => answer() }
}
