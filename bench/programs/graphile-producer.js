import { makeWorkerUtils } from 'graphile-worker'
import { produce } from './produce.js'

const utils = await makeWorkerUtils({ connectionString: process.env.BENCH_URL, logger: undefined })
await utils.migrate()
const payload = { number: 1, text: 'no-op' }
const add = (identifier, given) => utils.addJob(identifier, given)
const addMany = (count, more) => utils.addJobs(Array.from({ length: count }, () => ({ identifier: 'noop', payload, ...more })))

await produce({
  sendMany: (count) => addMany(count),
  sendOne: () => add('noop', payload),
  sendDelayed: (count) => addMany(count, { runAt: new Date(Date.now() + 3_600_000) }),
  sendPing: (sent) => add('ping', { sent }),
  close: () => utils.release(),
})
