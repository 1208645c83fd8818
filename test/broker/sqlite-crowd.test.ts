import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Broker, Consumer } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { type Clock, systemClock } from '../../src/clock.js'
import { Celerity } from '../../src/index.js'
import { loadBinding } from '../../src/sqlite/binding.js'

describe('many workers on one SQLite file', () => {
  let folder: string
  let broker: Broker
  let naps: number[]
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'celerity-crowd-'))
    naps = []
    const clock: Clock = {
      now: () => systemClock.now(),
      monotonic: () => systemClock.monotonic(),
      sleep: (seconds, signal) => {
        naps.push(seconds)
        return systemClock.sleep(seconds, signal)
      },
    }
    broker = await openBroker(`sqlite:${join(folder, 'tasks.db')}`, { clock })
  })
  afterEach(async () => {
    await broker.close()
    await rm(folder, { recursive: true })
  })

  const worker = (queue: string) =>
    broker.register({ incarnation: randomUUID(), node: `${randomUUID()}@h`, leaseMs: 60_000, queues: [queue], process: null })

  /** The longest span between two looks of a worker that waits. */
  async function pace(consumer: Consumer, queue: string): Promise<number> {
    naps = []
    await consumer.wait([queue], 1.2, new AbortController().signal)
    return Math.max(...naps)
  }

  it('share the looks for work among those that wait for the same queues', async () => {
    const [first, other] = [await worker('mail'), await worker('other')]
    expect(await pace(first, 'mail')).to.equal(0.05)

    for (let fellow = 0; fellow < 11; fellow++) await worker('mail')
    expect(await pace(first, 'mail')).to.be.closeTo(12 * 0.0125, 1e-9)
    expect(await pace(other, 'other'), 'alone in its queue').to.equal(0.05)

    for (let fellow = 0; fellow < 40; fellow++) await worker('mail')
    expect(await pace(first, 'mail'), 'however many').to.equal(0.25)
  })

  it('that keep a sender from the lock past its deadline: it is told that nothing was sent, and nothing is', async () => {
    const url = `sqlite:${join(folder, 'tasks.db')}`
    const app = new Celerity('crowd', { brokerUrl: url, taskPublishDeadline: 0.2, brokerDeadline: 60 })
    await app.send('t.before')
    const holder = (await loadBinding())(join(folder, 'tasks.db'), { timeout: 0 })
    holder.exec('BEGIN IMMEDIATE')
    const refused = await Promise.allSettled([app.send('t.first'), app.send('t.second')])
    holder.exec('ROLLBACK')
    holder.close()
    for (const one of refused) expect(one).to.have.nested.include({ 'reason.code': 'E_BROKER_UNREACHABLE' })
    await app.send('t.after')
    await app.close()
    expect((await broker.queues.counts(['celery']))[0]).to.include({ ready: 2 })
  })
})
