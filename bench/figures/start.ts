/** From the start of the worker's process to the first line of a task that waits for it. */
import type { Contender, Figure } from '../figure.js'
import type { Peer } from '../peers/peer.js'

export const start: Figure = {
  name: 'start',
  title: 'start of a worker, until its first task begins',
  columns: [{ key: 'span', head: 'ms' }],
  goals: [{ column: 'span', to: 'BullMQ', atMost: 1 }],
  contenders: ({ celerity, bullmq, celery }) => [celerity, bullmq, ...(celery === null ? [] : [celery])].map(starting),
}

function starting(peer: Peer): Contender {
  return {
    name: peer.name,
    async measure() {
      const site = await peer.open()
      try {
        await site.send('pings', 1)
        const began = performance.now()
        await site.startWorker(10).values('started', 1)
        return { span: performance.now() - began }
      } finally {
        await site.close()
      }
    },
  }
}
