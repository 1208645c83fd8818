/** What a worker holds in memory: when it has nothing to do, and when many tasks are due later. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender, Figure } from '../figure.js'
import type { Peer, Site } from '../peers/peer.js'
import type { Program } from '../program.js'

const MEGABYTE = 1e6
/** Long enough for everything that a worker loads when it first needs it (our keeper, its client library after a sixth of the lease). */
const START_MS = 7_000
/** Without CPU worth speaking of for this long, it has taken what it takes ahead. */
const SETTLE_MS = 1_500

export const idleMemory: Figure = {
  name: 'memory-idle',
  title: 'memory: an idle worker that has run one task',
  note: 'resident, all its processes',
  together: true,
  columns: [{ key: 'resident', head: 'MB', digits: 1 }],
  goals: [{ column: 'resident', to: 'BullMQ', atMost: 1 }],
  contenders: ({ celerity, bullmq, celery }) =>
    [celerity, bullmq, ...(celery === null ? [] : [celery])].map((peer) =>
      holding(peer, async (_, worker) => ({ resident: worker.residentBytes() / MEGABYTE })),
    ),
}

export const delayedMemory: Figure = {
  name: 'memory-delayed',
  title: 'memory: what it grows by when tasks are due in an hour',
  note: 'Celery: a tenth as many, since its worker takes them all, slowly',
  together: true,
  columns: [
    { key: 'growth', head: 'growth MB', digits: 1 },
    { key: 'each', head: 'bytes/task' },
  ],
  goals: [{ column: 'growth', atMost: 5 }],
  contenders: ({ celerity, bullmq, celery }, { delayed }) => [
    growing(celerity, delayed),
    growing(bullmq, delayed),
    ...(celery === null ? [] : [growing(celery, delayed / 10)]),
  ],
}

function growing(peer: Peer, count: number): Contender {
  return holding(peer, async (site, worker) => {
    const before = worker.residentBytes()
    await site.send('delayed', count)
    await settled(worker)
    const growth = worker.residentBytes() - before
    return { growth: growth / MEGABYTE, each: growth / count }
  })
}

function holding(peer: Peer, look: (site: Site, worker: Program) => Promise<Readonly<Record<string, number>>>): Contender {
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
        return await look(site, worker)
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
    if (worker.cpuSeconds() - before < 0.15) return
  }
}
