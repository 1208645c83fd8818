/** From the call of `delay()` in one process to the first line of the task in an idle worker. */
import type { Contender, Figure } from '../figure.js'
import type { Peer } from '../peers/peer.js'
import { quantile } from '../statistics.js'

/** Not counted: until then the compilers of both sides are busy. */
const WARM_UP = 30

export const latency: Figure = {
  name: 'latency',
  title: 'latency: from sending to the start of the task, idle worker',
  columns: [
    { key: 'p50', head: 'p50 ms', digits: 2 },
    { key: 'p99', head: 'p99 ms', digits: 2 },
  ],
  goals: [{ column: 'p50', to: 'BullMQ', atMost: 1 / 2 }],
  contenders: ({ celerity, bullmq, celery }, { pings }) =>
    [celerity, bullmq, ...(celery === null ? [] : [celery])].map((peer) => pinging(peer, pings)),
}

function pinging(peer: Peer, pings: number): Contender {
  return {
    name: peer.name,
    async measure() {
      const site = await peer.open()
      try {
        const worker = site.startWorker(10)
        const count = WARM_UP + pings
        await site.send('pings', count)
        const milliseconds = (await worker.values('started', count)).slice(WARM_UP).map((nanoseconds) => nanoseconds / 1e6)
        return { p50: quantile(milliseconds, 0.5), p99: quantile(milliseconds, 0.99) }
      } finally {
        await site.close()
      }
    },
  }
}
