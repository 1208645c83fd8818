/**
 * A program that ends with process.exit(3). `thread`: while a thread of it does nothing but call SQLite, which is asked to stand still
 * first. `keeper`: while a keeper renews; prints what its thread was found to do.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { openBroker } from '../../../src/broker/open.js'
import { Stillness } from '../../../src/worker/keeper/still.js'
import { KeptWorker } from './a-keeper.js'

const [role, path = ''] = process.argv.slice(2)

if (role === 'thread') await endBusyThread()
else await endKeeper()

async function endBusyThread(): Promise<void> {
  const still = new Stillness()
  // A thread has no TypeScript loader: so that of `Stillness` is written out.
  const busy = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite') ?? require('@photostructure/sqlite')
    const file = new DatabaseSync(workerData.path)
    const cell = new Int32Array(workerData.still)
    parentPort.on('message', () => {
      Atomics.store(cell, 0, 1)
      Atomics.notify(cell, 0)
      Atomics.wait(cell, 0, 1)
    })
    parentPort.postMessage('busy')
    const turn = () => {
      for (let n = 0; n < 50; n++) file.prepare('SELECT 1').get()
      setImmediate(turn)
    }
    turn()`
  const thread = new Worker(busy, { eval: true, workerData: { path, still: still.buffer } })
  await once(thread, 'message')
  process.on('exit', () => {
    thread.postMessage('still')
    still.wait()
  })
  setTimeout(() => process.exit(3), 50)
}

async function endKeeper(): Promise<void> {
  const url = `sqlite:${path}`
  const worker = await KeptWorker.open(await openBroker(url), undefined, { brokerUrl: url, leaseMs: 3_000 })
  await worker.keeper.announce()
  const wait = Atomics.wait as (...cell: readonly unknown[]) => string
  const heard = (...cell: readonly unknown[]) => {
    const found = wait(...cell)
    process.stdout.write(found)
    return found
  }
  Object.assign(Atomics, { wait: heard })
  process.exit(3)
}
