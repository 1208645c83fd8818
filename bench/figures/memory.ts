/** What a worker holds in memory: when it has nothing to do, and when many tasks are due later. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender, Figure } from '../figure.js'
import type { Peer } from '../peers/peer.js'
import type { Program } from '../program.js'

const MEGABYTE = 1e6
/** Long enough for everything that a worker loads when it first needs it. */
const START_MS = 7_000
/** Without CPU worth speaking of for this long, it has taken what it takes ahead. */
const SETTLE_MS = 1_500
const IDLE_SECONDS = 0.05

export const memory: Figure = {
  name: 'memory',
  title: 'memory of a worker: idle after one task, and what it grows by when tasks are due in an hour',
  note: 'resident, all its processes. Celery: a tenth as many tasks, since its worker takes them all, slowly',
  together: true,
  columns: [
    { key: 'idle', head: 'idle MB', digits: 1 },
    { key: 'growth', head: 'growth MB', digits: 1 },
    { key: 'each', head: 'bytes/task' },
  ],
  goals: [
    { column: 'idle', to: 'BullMQ', atMost: 1 },
    { column: 'growth', atMost: 5 },
  ],
  contenders: ({ celerity, bullmq, celery }, { delayed }) => [
    holding(celerity, delayed),
    holding(bullmq, delayed),
    ...(celery === null ? [] : [holding(celery, delayed / 10)]),
  ],
}

function holding(peer: Peer, delayed: number): Contender {
  return {
    name: peer.name,
    async measure() {
      const site = await peer.open()
      try {
        const worker = site.startWorker(10)
        await site.send('pings', 1)
        await worker.values('started', 1)
        await sleep(START_MS)
        await settled(worker)
        const idle = worker.residentBytes()

        await site.send('delayed', delayed)
        await settled(worker)
        const growth = Math.max(0, worker.residentBytes() - idle) // less than before: what the start had left behind
        return { idle: idle / MEGABYTE, growth: growth / MEGABYTE, each: growth / delayed }
      } finally {
        await site.close()
      }
    },
  }
}

/** Resolves when the worker has used no CPU worth speaking of for a while. */
async function settled(worker: Program): Promise<void> {
  for (;;) {
    const before = worker.cpuSeconds()
    await sleep(SETTLE_MS)
    if (worker.cpuSeconds() - before < IDLE_SECONDS) return
  }
}
