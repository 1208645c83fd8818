/** How fast a worker works off a full queue of no-op tasks, and what a task costs the worker and the server in CPU. */
import type { Contender, Figure, Sample } from '../figure.js'
import type { Peer } from '../peers/peer.js'
import { timeOf } from '../watch.js'

export const drain10: Figure = {
  name: 'drain-10',
  title: 'drain: no-op tasks from a full queue, results kept, concurrency 10',
  note: 'from the first to the last task done, as the server counts them. Celery: prefork -c 2. graphile-worker: local queue, keeps no results',
  columns: [
    { key: 'rate', head: 'tasks/s' },
    { key: 'worker', head: 'worker CPU µs/task', digits: 1 },
    { key: 'server', head: 'server CPU µs/task', digits: 1 },
  ],
  goals: [
    { column: 'rate', to: 'BullMQ', atLeast: 5 },
    { column: 'rate', to: 'Celery', atLeast: 40 },
    { column: 'rate', to: 'graphile', atLeast: 2 },
    { column: 'worker', to: 'BullMQ', atMost: 1 / 5 },
    { column: 'server', to: 'BullMQ', atMost: 1 / 8 },
  ],
  contenders: ({ celerity, bullmq, celery, graphile }, { tasks, slowTasks }) => [
    draining(celerity, tasks, 10),
    draining(bullmq, tasks, 10),
    ...(celery === null ? [] : [draining(celery, slowTasks, 2)]),
    ...(graphile === null ? [] : [draining(graphile, tasks, 10)]),
  ],
}

export const drain100: Figure = {
  ...drain10,
  name: 'drain-100',
  title: 'the same, concurrency 100',
  note: '',
  goals: [{ column: 'rate', to: 'BullMQ', atLeast: 3 }],
  contenders: ({ celerity, bullmq }, { tasks }) => [draining(celerity, tasks, 100), draining(bullmq, tasks, 100)],
}

export function draining(peer: Peer, tasks: number, concurrency: number): Contender {
  return { name: peer.name, measure: () => drain(peer, tasks, concurrency) }
}

/**
 * The queue is filled before the worker starts. Neither the start of the process nor the first batch counts; the warming up of the
 * compiler does.
 *
 * @param watched the drain is over after this many of them
 */
export async function drain(peer: Peer, tasks: number, concurrency: number, watched = tasks): Promise<Sample> {
  const site = await peer.open()
  try {
    await site.send('fill', tasks)
    const worker = site.startWorker(concurrency)
    const cost = async () => ({ worker: worker.cpuSeconds(), server: await site.serverCpu() })

    const first = await timeOf(site, worker, 1)
    const before = await cost()
    const last = await timeOf(site, worker, watched)
    const after = await cost()

    const done = last.done - first.done
    const microseconds = (key: 'worker' | 'server') => ((after[key] - before[key]) * 1e6) / done
    return { rate: (done * 1000) / (last.at - first.at), worker: microseconds('worker'), server: microseconds('server') }
  } finally {
    await site.close()
  }
}
