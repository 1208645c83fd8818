/** The application under test for BullMQ: the same tasks as stage/app.ts, and the same lines in the ledger. */
import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'bullmq'

const { hostname, port } = new URL(process.env.CHAOS_URL)
const [concurrency = '4', lease = '2'] = process.argv.slice(2)
const ledger = openSync(process.env.SYSTEM_LEDGER, 'a')
const note = (kind, job) => writeSync(ledger, `${kind} ${job.id} 0 ${process.pid} ${Number(process.hrtime.bigint() / 1000n) / 1000}\n`)

const still = new Int32Array(new SharedArrayBuffer(4))
const tasks = {
  'system.sleep': (ms) => sleep(ms),
  'system.block': (ms) => {
    for (const end = performance.now() + ms; performance.now() < end; ) {
      for (const pause = performance.now() + 20; performance.now() < pause; );
      Atomics.wait(still, 0, 0, 80)
    }
  },
}

async function run(job) {
  note('S', job)
  await tasks[job.name](...job.data.args)
  note('D', job)
  return process.pid
}

const worker = new Worker('chaos', run, {
  connection: { host: hostname, port: Number(port), maxRetriesPerRequest: null },
  concurrency: Number(concurrency),
  lockDuration: Number(lease) * 1000,
  stalledInterval: Number(lease) * 1000,
})
worker.on('error', (error) => process.stderr.write(`${error.stack}\n`))
process.on('SIGTERM', () => worker.close().then(() => process.exit(0)))
await worker.waitUntilReady()
console.log('worker ready.')
