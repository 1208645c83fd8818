/** With the settings its documentation gives for throughput: jobs are fetched and completed in batches. */
import { Logger, run } from 'graphile-worker'
import { tellStart } from './start-line.js'

const concurrency = Number(process.argv[2])
const taskList = { noop: async () => {}, ping: async ({ sent }) => tellStart(sent) }
const preset = {
  worker: {
    connectionString: process.env.BENCH_URL,
    concurrentJobs: concurrency,
    maxPoolSize: concurrency + 1,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
    logger: new Logger(() => () => {}),
  },
}
await run({ preset, taskList })
