import { Worker } from 'bullmq'
import { redisOptions } from './redis-options.js'
import { tellStart } from './start-line.js'

const run = async (job) => {
  if (job.name === 'ping') tellStart(job.data.sent)
}
const worker = new Worker('bench', run, { connection: redisOptions(), concurrency: Number(process.argv[2]) })
worker.on('error', (error) => process.stderr.write(`${error.stack}\n`))
