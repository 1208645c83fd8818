/** How fast a process sends. */
import type { Contender, Figure } from '../figure.js'
import type { Peer, Sending } from '../peers/peer.js'

const columns = [{ key: 'rate', head: 'messages/s' }]

export const bulk: Figure = {
  name: 'enqueue-bulk',
  title: 'enqueue in bulk: sendMany, addBulk, 1,000 a call',
  columns,
  goals: [{ column: 'rate', to: 'BullMQ', atLeast: 5 }],
  contenders: ({ celerity, bullmq }, { tasks }) => [sending(celerity, 'bulk', tasks), sending(bullmq, 'bulk', tasks)],
}

export const awaited: Figure = {
  name: 'enqueue-awaited',
  title: 'enqueue, one await after the other',
  columns,
  goals: [{ column: 'rate', to: 'BullMQ', atLeast: 2 }],
  contenders: ({ celerity, bullmq, celery }, { awaited: count }) => [
    sending(celerity, 'awaited', count),
    sending(bullmq, 'awaited', count),
    ...(celery === null ? [] : [sending(celery, 'awaited', count)]),
  ],
}

export const concurrent: Figure = {
  name: 'enqueue-concurrent',
  title: 'enqueue, a hundred callers side by side, each awaiting its own',
  columns,
  goals: [{ column: 'rate', to: 'BullMQ', atLeast: 2 }],
  contenders: ({ celerity, bullmq }, { tasks }) => [sending(celerity, 'concurrent', tasks), sending(bullmq, 'concurrent', tasks)],
}

function sending(peer: Peer, how: Sending, count: number): Contender {
  return {
    name: peer.name,
    async measure() {
      const site = await peer.open()
      try {
        return { rate: count / (await site.send(how, count)) }
      } finally {
        await site.close()
      }
    },
  }
}
