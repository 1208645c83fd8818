import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Broker, Consumer } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { type Clock, systemClock } from '../../src/clock.js'

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
})
