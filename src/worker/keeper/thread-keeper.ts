/** The main thread's side of a keeper that runs in a thread of its own: starts it, again when it died, and answers what it asks. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker as Thread } from 'node:worker_threads'
import { EXIT } from '../../errors.js'
import { within } from '../patience.js'
import { TICK_MS } from './board.js'
import type { Keeper, KeeperOptions, KeeperParts } from './keeper.js'
import { askPanel, type KnownState, known } from './main-thread.js'
import { Stillness } from './still.js'
import { type KeeperData, type KeeperWord, LEAVING, type MainWord } from './words.js'

/** Seconds the thread gets to end by itself. */
const END_SECONDS = 0.5

/** One call now and then needs little; without limits the thread's heap takes 11 MB more. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64, codeRangeSizeMb: 4 }

export function threadKeeper(options: KeeperOptions, parts: KeeperParts): Keeper {
  const { broker, board, lamport, log, panel, lost, lanes, readers, listening } = parts
  const shared = { board: board.buffer, lamport: lamport.buffer }
  const common: Omit<KeeperData, 'still'> = { ...options, ...shared, started: Date.now() / 1000, log: log.twin ?? null }
  let closed = false
  let renewing = true // registering it was the first time
  let deaths = 0
  const announcing = new Map<number, () => void>()
  let number = 0
  let state: KnownState | undefined
  let ended: Promise<void> = Promise.resolve()
  let alive = false
  let still = new Stillness()
  let thread = start()
  process.on('exit', halt) // a handler may end the process, and Node its threads with it, wherever they are
  const ticks = setInterval(() => board.tick(), TICK_MS)
  ticks.unref()
  // A machine that is busy enough takes longer than a lease to load a thread: until that renews, we do.
  let standIn: NodeJS.Timeout | undefined = setInterval(() => {
    broker.renew(options.incarnation, board.started()).catch(() => {}) // the next one, or the thread, which tells of trouble
  }, options.leaseMs / 3)
  standIn.unref()

  function start(): Thread {
    still = new Stillness()
    const workerData: KeeperData = { ...common, still: still.buffer }
    const started = new Thread(threadFile(), { workerData, name: 'keeper', resourceLimits: LIMITS })
    started.on('message', (word: KeeperWord) => hear(word, started))
    started.on('error', (error) => log.critical(`the keeper died and is started again: ${error.message}`))
    ended = new Promise((resolve) => started.once('exit', () => resolve()))
    alive = true
    started.on('exit', () => {
      alive = false
      if (!closed) setTimeout(restart, Math.min(100 * 2 ** deaths++, options.leaseMs / 3)).unref()
    })
    if (state !== undefined) tell({ kind: 'state', state }, started)
    for (const number of announcing.keys()) tell({ kind: 'announce', number }, started)
    return started
  }

  function halt(): void {
    if (!alive) return
    tell({ kind: 'still' })
    still.wait()
  }

  function restart(): void {
    if (!closed) thread = start()
  }

  function tell(word: MainWord, to: Thread = thread): void {
    to.postMessage(word)
  }

  function hear(word: KeeperWord, from: Thread): void {
    switch (word.kind) {
      case 'ask':
        board.tick()
        void askPanel(panel, word.method, word.args).then((answer) => tell({ kind: 'answer', number: word.number, answer }, from))
        break
      case 'announced':
        announcing.get(word.number)?.()
        announcing.delete(word.number)
        break
      case 'readers':
        readers(word.count)
        break
      case 'listening':
        listening()
        break
      case 'said':
        if (word.what !== 'blocked') renewing = word.what === 'renewed'
        if (!word.isWritten) log.warning(`keeper: ${word.text}`)
        break
      case 'lanes':
        stopStandIn()
        lanes(word.names)
        break
      case 'over':
        process.exit(EXIT.internal) // it turns after all, and nothing here counts any more
        break
      case 'lost':
        renewing = false
        if (closed) return
        closed = true
        lost()
        forget()
    }
  }

  function stopStandIn(): void {
    clearInterval(standIn)
    standIn = undefined
  }

  /** Nobody tells the broker any more. */
  function forget(): void {
    stopStandIn()
    for (const resolve of announcing.values()) resolve()
    announcing.clear()
  }

  return {
    get renewing() {
      return renewing
    },
    state(answers, queues) {
      state = known(answers, queues)
      tell({ kind: 'state', state })
    },
    heartbeat: () => tell({ kind: 'heartbeat' }),
    announce() {
      if (closed) return Promise.resolve()
      return new Promise((resolve) => {
        announcing.set(++number, resolve)
        tell({ kind: 'announce', number })
      })
    },
    giveBack(ms) {
      closed = true
      const done = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
      tell({ kind: 'leave', done: done.buffer })
      Atomics.wait(done, 0, LEAVING.underWay, ms)
      return Atomics.load(done, 0) === LEAVING.givenBack
    },
    async close() {
      closed = true
      forget()
      clearInterval(ticks)
      tell({ kind: 'end' })
      await within(ended, END_SECONDS)
      if (alive) tell({ kind: 'still' })
      await still.come(() => !alive)
      process.off('exit', halt)
      await thread.terminate()
    },
  }
}

/** Run from sources, the thread's file ends in .ts as this one does; a thread has no TypeScript loader until it registers one. */
function threadFile(): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL('./keeper-thread.js', import.meta.url)
  const source = new URL('./keeper-thread.ts', import.meta.url).href
  // Its CommonJS twin, which `require` finds, fails to load its hooks from here.
  const loader = pathToFileURL(
    createRequire(import.meta.url)
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs'),
  ).href
  return new URL(
    `data:text/javascript,import { register } from ${JSON.stringify(loader)}; register(); await import(${JSON.stringify(source)})`,
  )
}
