/** The thread of `keeper.ts`: renews one lease at a third of its length, and says so when it is lost. Any message to it ends it. */
import { parentPort, workerData } from 'node:worker_threads'
import { openBroker } from '../../broker/open.js'
import { systemClock } from '../../clock.js'
import { reason } from '../../errors.js'
import { Board } from './board.js'
import type { KeeperData, KeeperWord } from './keeper.js'

/** A lease so long that loading the client library is a small part of it, on a busy machine too. */
const LONG_LEASE_MS = 10_000

const { incarnation, leaseMs, brokerUrl, keyPrefix, deadlineMs, board } = workerData as KeeperData
const say = (word: KeeperWord) => parentPort?.postMessage(word)
const ends = new AbortController()
parentPort?.once('message', () => ends.abort())

const slots = new Board(board)
const interval = leaseMs / 3
// The lease has just begun. A client library loaded now would take its 150 ms of CPU from the worker's first tasks.
if (leaseMs >= LONG_LEASE_MS) await systemClock.sleep(leaseMs / 6 / 1000, ends.signal)
if (ends.signal.aborted) process.exit()
const broker = await openBroker(brokerUrl, { keyPrefix, deadlineMs: Math.min(deadlineMs, interval) })
// A renewal that waits for a broker that is away ends with the connection.
ends.signal.addEventListener('abort', () => void broker.close())
let trouble = 0

while (!ends.signal.aborted) {
  const began = performance.now()
  try {
    const renewal = await broker.renew(incarnation, slots.started())
    if (renewal.kind === 'lost') {
      say({ kind: 'lost' })
      break
    }
    if (trouble > 0) say({ kind: 'renewed', text: `the lease is renewed again, after ${trouble} tries` })
    trouble = 0
  } catch (error) {
    if (trouble++ === 0 && !ends.signal.aborted) say({ kind: 'trouble', text: `can't renew the lease: ${reason(error)}` })
  }
  // After trouble at once again (the call itself has waited), else at a third of the lease.
  const pause = trouble > 0 ? Math.min(250, interval) : interval - (performance.now() - began)
  await systemClock.sleep(Math.max(pause, 10) / 1000, ends.signal)
}
await broker.close()
process.exit() // of this thread, whatever timer a connection may have left
