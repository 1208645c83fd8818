import { expect } from 'chai'
import type { Broker, Consumer } from '../../src/broker/broker.js'
import { Stage, unreachable } from './a-worker.js'

/** A broker that carries out a take and loses its answer, and takes the close of it for done without doing it: once. */
function losing(broker: Broker): Broker {
  let takes = 0
  let closes = 0
  const consumer = (real: Consumer): Consumer =>
    over(real, {
      async take(seq: number, queues: readonly string[], max: number) {
        const taken = await real.take(seq, queues, max)
        if (taken !== 'lost' && taken.deliveries.length > 0 && takes++ === 0) throw unreachable()
        return taken
      },
      async closeTake(seq: number) {
        if (closes++ > 0) await real.closeTake(seq)
      },
    })
  return over(broker, { register: async (worker: Parameters<Broker['register']>[0]) => consumer(await broker.register(worker)) })
}

function over<T extends object>(real: T, changed: Partial<T>): T {
  return new Proxy(real, {
    get(_, key) {
      if (key in changed) return Reflect.get(changed, key)
      const value: unknown = Reflect.get(real, key, real)
      return typeof value === 'function' ? value.bind(real) : value
    },
  })
}

describe('a take whose answer was lost, and its close too', () => {
  it('is closed when the broker says that it is still held here: its tasks run', async function () {
    this.timeout(20_000)
    const stage = new Stage()
    try {
      const add = stage.app.task('kuma.add', (a: number, b: number) => a + b)
      const results = await Promise.all([add.delay(1, 2), add.delay(3, 4)])
      await stage.work({ parts: { broker: losing(await stage.app.broker()) }, options: { leaseMs: 300, deadlineMs: 150 } })

      expect(await Promise.all(results.map((result) => result.get({ timeout: 10 })))).to.deep.equal([3, 7])
      expect(stage.said('never came')).to.have.length(1)
      await stage.settled()
    } finally {
      await stage.end()
    }
  })
})
