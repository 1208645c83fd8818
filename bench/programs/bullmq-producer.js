import { Queue } from 'bullmq'
import { produce } from './produce.js'
import { redisOptions } from './redis-options.js'

const queue = new Queue('bench', { connection: redisOptions() })
await queue.waitUntilReady()
const job = (opts) => ({ name: 'noop', data: { number: 1, text: 'no-op' }, opts })

await produce({
  sendMany: (count) => queue.addBulk(Array.from({ length: count }, () => job({}))),
  sendOne: () => queue.add('noop', { number: 1, text: 'no-op' }),
  sendDelayed: (count) => queue.addBulk(Array.from({ length: count }, () => job({ delay: 3_600_000 }))),
  sendPing: (sent) => queue.add('ping', { sent }),
  close: () => queue.close(),
})
