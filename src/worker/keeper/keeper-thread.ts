/** The thread of `thread-keeper.ts`: keeps what must go on while the tasks block the event loop. The word `end`, or a lost lease, ends it. */
import { parentPort, workerData } from 'node:worker_threads'
import { openBroker } from '../../broker/open.js'
import { Lamport } from '../../protocol/lamport.js'
import { within } from '../patience.js'
import { Board } from './board.js'
import { Keeping } from './keeping.js'
import { type Answer, failure, type MainThread } from './main-thread.js'
import type { KeeperData, KeeperWord, MainWord } from './words.js'

/** Seconds that the last word may take; a broker that is away is not waited for. */
const LAST_WORD_SECONDS = 0.3
/** Requests that the main thread finds when its event loop turns again; what is asked beyond that is never carried out by it. */
const MAX_ASKED = 100

const { board, lamport, brokerUrl, keyPrefix, deadlineMs, ...options } = workerData as KeeperData
const say = (word: KeeperWord) => parentPort?.postMessage(word)

const asked = new Map<number, (answer: Answer) => void>()
let number = 0
const main: MainThread = {
  ask(method, args) {
    if (asked.size >= MAX_ASKED) return Promise.resolve(failure(`${asked.size} other requests wait for the event loop`))
    return new Promise((resolve) => {
      asked.set(++number, resolve)
      say({ kind: 'ask', number, method, args })
    })
  },
  lost: () => say({ kind: 'lost' }),
  say: (what, text) => say({ kind: 'said', what, text }),
  readers: (count) => say({ kind: 'readers', count }),
}

// A renewal that takes longer is no use: the next one is due.
const deadline = Math.min(deadlineMs, options.leaseMs / 3)
const broker = await openBroker(brokerUrl, { keyPrefix, deadlineMs: deadline })
const keeping = new Keeping({ broker, board: new Board(board), lamport: new Lamport(lamport), main }, options)

parentPort?.on('message', (word: MainWord) => {
  switch (word.kind) {
    case 'end':
      void end()
      break
    case 'state':
      keeping.know(word.state)
      break
    case 'heartbeat':
      keeping.beat()
      break
    case 'answer':
      asked.get(word.number)?.(word.answer)
      asked.delete(word.number)
  }
})
void keeping.run()

async function end(): Promise<void> {
  await within(keeping.close(), LAST_WORD_SECONDS)
  await broker.close()
  process.exit() // of this thread, whatever timer a connection may have left
}
