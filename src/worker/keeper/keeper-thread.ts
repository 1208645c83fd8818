/** The thread of `thread-keeper.ts`: keeps what must go on while the tasks block the event loop. The word `end`, or a lost lease, ends it. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Broker } from '../../broker/broker.js'
import { EXIT } from '../../errors.js'
import type { Log } from '../../log.js'
import { within } from '../patience.js'
import { Announcements } from './announcements.js'
import type { BlockWatchParts } from './block-watch.js'
import type { Keeping } from './keeping.js'
import type { Answer, KnownState, MainThread } from './main-thread.js'
import type { Sighting } from './probe.js'
import { Stillness } from './still.js'
import { type KeeperData, type KeeperWord, LEAVING, type MainWord } from './words.js'

/** Seconds that the last word may take; a broker that is away is not waited for. */
const LAST_WORD_SECONDS = 0.3
/** Requests that the main thread finds when its event loop turns again; what is asked beyond that is never carried out by it. */
const MAX_ASKED = 100
const TOO_MANY: Answer = { kind: 'reply', json: JSON.stringify({ error: `${MAX_ASKED} other requests wait for the event loop` }) }

const { board, lamport, still, brokerUrl, keyPrefix, deadlineMs, blockedLimit, handedOver, log, ...options } = workerData as KeeperData
const say = (word: KeeperWord) => parentPort?.postMessage(word)

const asked = new Map<number, (answer: Answer) => void>()
let number = 0
const main: MainThread = {
  ask(method, args) {
    if (asked.size >= MAX_ASKED) return Promise.resolve(TOO_MANY)
    return new Promise((resolve) => {
      asked.set(++number, resolve)
      say({ kind: 'ask', number, method, args })
    })
  },
  lost: () => say({ kind: 'lost' }),
  say: (what, text) => void tell(what, text),
  lanes: (names) => say({ kind: 'lanes', names }),
  readers: (count) => say({ kind: 'readers', count }),
  listening: () => say({ kind: 'listening' }),
}

const announcements = new Announcements()
const ends = new AbortController()
let broker: Broker | undefined
let control: Broker | undefined
let keeping: Keeping | undefined
let state: KnownState | undefined
let ownLogOpened: Promise<Log> | undefined
let isOpen = () => {}
const opened = new Promise<void>((resolve) => {
  isOpen = resolve
})

// Before anything is loaded: a worker may have done all it was started for by then.
parentPort?.on('message', (word: MainWord) => {
  switch (word.kind) {
    case 'end':
      void end()
      break
    case 'still':
      new Stillness(still).keep()
      break
    case 'leave':
      void leave(new Int32Array(word.done))
      break
    case 'state':
      state = word.state
      keeping?.know(state)
      break
    case 'heartbeat':
      keeping?.beat()
      break
    case 'announce':
      void announcements.next().then(() => say({ kind: 'announced', number: word.number }))
      break
    case 'answer':
      asked.get(word.number)?.(word.answer)
      asked.delete(word.number)
  }
})

const { openBroker } = await import('../../broker/open.js')
// A renewal that takes longer is no use: the next one is due.
broker = await openBroker(brokerUrl, { keyPrefix, deadlineMs: Math.min(deadlineMs, options.leaseMs / 3) })
broker.onReplaced?.(() => {}) // the main thread sees it as well, and ends the process
isOpen()
const { Board } = await import('./board.js')
const { keepLease } = await import('./lease.js')
const slots = new Board(board)
void keepLease({ broker, board: slots, announcements, main }, options.incarnation, options.leaseMs, ends.signal).finally(() => ends.abort())
// The lease is kept from here on; what else there is to do is loaded meanwhile.
const module = await import('./keeping.js')
const { Lamport } = await import('../../protocol/lamport.js')
const { BlockWatch } = await import('./block-watch.js')
const clock = new Lamport(lamport)
control = await openBroker(brokerUrl, { keyPrefix, deadlineMs })
keeping = new module.Keeping({ broker, control, board: slots, lamport: clock, main }, options)
if (state !== undefined) keeping.know(state)
void keeping.run(ends.signal)
void new BlockWatch({ board: slots, main, sight, execute }, blockedLimit).run(ends.signal)

function ownLog(): Promise<Log> {
  ownLogOpened ??= import('./own-log.js').then(({ openOwnLog }) => openOwnLog(log))
  return ownLogOpened
}

/** Through the main thread, unless that is blocked: what it says then would come when nobody needs it any more. */
async function tell(what: Parameters<MainThread['say']>[0], text: string): Promise<void> {
  const isWritten = log !== null && slots.blockedMs > 0
  if (isWritten) (await ownLog()).warning(`keeper: ${text}`)
  say({ kind: 'said', what, text, isWritten })
}

/** Null also where Node was built without an inspector. */
async function sight(): Promise<Sighting | null> {
  const probe = await import('./probe.js').catch(() => null)
  return probe === null ? null : probe.sight()
}

// Loaded when it comes to it, which is hardly ever: a keeper is to be small.
async function execute(...found: Parameters<BlockWatchParts['execute']>): Promise<void> {
  if (control === undefined) return
  const [{ LastAct }, execution, own] = await Promise.all([import('./last-act.js'), import('./execution.js'), ownLog()])
  const queues = state?.queues ?? []
  const act = new LastAct({ broker: control, lamport: clock, log: own }, { ...options, deadlineMs, queues, handedOver })
  await execution.execute({ board: slots, log: own, act, stop, end: endProcess }, ...found)
}

async function stop(): Promise<void> {
  ends.abort()
  if (keeping !== undefined) await within(keeping.close(), LAST_WORD_SECONDS)
}

/** By the main thread's own hand if it can be made to, for the sake of the exit code; else the hard way. */
async function endProcess(): Promise<void> {
  await within(Promise.all([broker?.close(), control?.close()]), LAST_WORD_SECONDS)
  const probe = await import('./probe.js').catch(() => null)
  await probe?.exitMain(EXIT.internal)
  process.kill(process.pid, 'SIGKILL')
  // Process 1 of a container is not killed from inside: it ends as soon as its event loop turns.
  say({ kind: 'over' })
}

/** For a main thread that stands still until `done` says how it went, and then ends the process; this one waits for that, its connections closed. */
async function leave(done: Int32Array): Promise<void> {
  await opened
  const resigned = broker?.attach({ ...options, queues: state?.queues ?? [] }).resign()
  const [{ status }] = await Promise.allSettled([resigned, stop()])
  await within(Promise.all([broker?.close(), control?.close()]), LAST_WORD_SECONDS)
  Atomics.store(done, 0, status === 'fulfilled' ? LEAVING.givenBack : LEAVING.failed)
  Atomics.notify(done, 0)
  new Stillness(still).keep()
}

async function end(): Promise<void> {
  // The last word; where the lease is lost the node lives on, with another one.
  if (!ends.signal.aborted) await stop()
  await Promise.all([broker?.close(), control?.close()])
  process.exit() // of this thread, whatever timer a connection may have left
}
