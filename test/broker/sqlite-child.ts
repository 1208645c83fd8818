/** A process of sqlite-processes.test.ts: `produce URL PREFIX COUNT`, or `work URL` until it is told to stop. */
import { randomUUID } from 'node:crypto'
import { openBroker } from '../../src/broker/open.js'
import { openResults } from '../../src/results/open.js'

const [role, url = '', prefix = '', count = '0'] = process.argv.slice(2)

if (role === 'produce') await produce(Number(count))
else await work()

async function produce(messages: number): Promise<void> {
  const broker = await openBroker(url)
  for (let i = 0; i < messages; i++) await broker.publish([{ queue: 'kuma', priority: i % 10, raw: `${prefix}${i}` }])
  await broker.close()
}

async function work(): Promise<void> {
  const broker = await openBroker(url)
  const results = await openResults(url)
  const stop = new AbortController()
  process.once('SIGTERM', () => stop.abort())
  const incarnation = randomUUID()
  const consumer = await broker.register({ incarnation, node: `celery@${process.pid}`, leaseMs: 1_000, queues: ['kuma'] })
  // What is under way when the connection is closed in the end fails with it.
  const unlessStopping = (error: unknown) => {
    if (!stop.signal.aborted) throw error
  }
  const keeper = setInterval(() => {
    broker.renew(incarnation, []).catch(unlessStopping)
    broker.tend(() => ({ fate: { kind: 'requeue', to: 'front' } })).catch(unlessStopping)
  }, 200)
  for (let seq = 1; !stop.signal.aborted; seq++) {
    const taken = await consumer.take(seq, ['kuma'], 5)
    if (taken === 'lost') throw new Error('fenced')
    if (taken.deliveries.length === 0) await consumer.wait(['kuma'], 1, stop.signal)
    for (const delivery of taken.deliveries) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      const id = delivery.raw.toString()
      const write = results.prepare({ id, state: 'SUCCESS', json: JSON.stringify({ pid: process.pid }), ttl: 60 })
      if ((await consumer.settle([{ delivery, fate: { kind: 'ack' }, writes: [write] }])) === 'lost') throw new Error('fenced')
    }
  }
  clearInterval(keeper)
  await consumer.resign()
  await results.close()
  await broker.close()
}
