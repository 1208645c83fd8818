/**
 * Renews the lease, where user code can't stop it: in a thread with a connection of its own. A handler that blocks the event loop for ten
 * leases is therefore not run twice. A broker inside this process (memory) can't be reached from a thread and is renewed by a timer.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker as Thread } from 'node:worker_threads'
import type { Broker } from '../../broker/broker.js'
import { reason } from '../../errors.js'
import type { Log } from '../../log.js'
import type { Lamport } from '../../protocol/lamport.js'
import { within } from '../patience.js'
import type { Board } from './board.js'
import type { Panel, RemoteControl } from './panel-port.js'

export interface KeeperOptions {
  readonly incarnation: string
  readonly node: string
  readonly leaseMs: number
  readonly remoteControl: RemoteControl
  /** Seconds between two heartbeats. */
  readonly heartbeat: number
  /** How the thread reaches the broker. */
  readonly brokerUrl: string
  readonly keyPrefix: string
  readonly deadlineMs: number
}

export interface KeeperParts {
  readonly broker: Broker
  readonly board: Board
  readonly lamport: Lamport
  readonly log: Log
  /** Answers control requests on the main thread. */
  readonly panel: Panel
  /** The broker says this incarnation was fenced. */
  lost(): void
  /** What a heartbeat has learnt: how many readers of the journal are registered. */
  readers(count: number): void
}

export interface Keeper {
  /** Whether the last renewal came through. */
  readonly renewing: boolean
  /**
   * What the keeper answers while the event loop is blocked, and notes at the broker: answers of `inspect` by wire method (`stats`,
   * `registered`, `active_queues`, `conf`, `report` …), and the queues consumed. Told at the start, and again when they change.
   */
  state(answers: Readonly<Record<string, unknown>>, queues: readonly string[]): void
  /** Sends a heartbeat now. */
  heartbeat(): void
  close(): Promise<void>
}

/** Seconds the thread gets to end by itself. */
const END_SECONDS = 0.5

/** One call now and then needs little; without limits the thread's heap takes 11 MB more. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64, codeRangeSizeMb: 4 }

/** What the thread is started with. */
export interface KeeperData extends KeeperOptions {
  readonly board: SharedArrayBuffer
}

/** What the thread says. */
export type KeeperWord = { readonly kind: 'lost' } | { readonly kind: 'trouble' | 'renewed'; readonly text: string }

export function startKeeper(options: KeeperOptions, parts: KeeperParts): Keeper {
  return parts.broker.can.shared ? threadKeeper(options, parts) : timerKeeper(options, parts)
}

function threadKeeper(options: KeeperOptions, { board, log, lost }: KeeperParts): Keeper {
  const workerData: KeeperData = { ...options, board: board.buffer }
  let closed = false
  let renewing = true // registering it was the first time
  let deaths = 0
  let ended: Promise<void> = Promise.resolve()
  let thread = start()

  function start(): Thread {
    const started = new Thread(threadFile(), { workerData, name: 'keeper', resourceLimits: LIMITS })
    started.on('message', (word: KeeperWord) => {
      renewing = word.kind === 'renewed'
      if (word.kind !== 'lost') {
        log.warning(`keeper: ${word.text}`)
        return
      }
      if (closed) return
      closed = true
      lost()
    })
    started.on('error', (error) => log.critical(`the keeper died and is started again: ${error.message}`))
    ended = new Promise((resolve) => started.once('exit', () => resolve()))
    started.on('exit', () => {
      if (!closed) setTimeout(restart, Math.min(100 * 2 ** deaths++, options.leaseMs / 3)).unref()
    })
    return started
  }

  function restart(): void {
    if (!closed) thread = start()
  }

  return {
    get renewing() {
      return renewing
    },
    state() {},
    heartbeat() {},
    async close() {
      closed = true
      // Asked, not terminated: a thread that is terminated inside SQLite's code takes the process down with it (SIGABRT).
      thread.postMessage('end')
      await within(ended, END_SECONDS)
      await thread.terminate()
    },
  }
}

/** Run from sources, the thread's file ends in .ts as this one does; a thread has no TypeScript loader until it registers one. */
function threadFile(): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL('./keeper-thread.js', import.meta.url)
  const source = new URL('./keeper-thread.ts', import.meta.url).href
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm/api')).href
  return new URL(
    `data:text/javascript,import { register } from ${JSON.stringify(loader)}; register(); await import(${JSON.stringify(source)})`,
  )
}

function timerKeeper({ incarnation, leaseMs }: KeeperOptions, { broker, board, log, lost }: KeeperParts): Keeper {
  let closed = false
  let trouble = 0
  const timer = setInterval(() => {
    broker.renew(incarnation, board.started()).then(
      (renewal) => {
        if (renewal.kind === 'lost' && !closed) lost()
        trouble = 0
      },
      (error: unknown) => {
        if (trouble++ === 0) log.warning(`keeper: can't renew the lease: ${reason(error)}`)
      },
    )
  }, leaseMs / 3)
  timer.unref()
  return {
    get renewing() {
      return trouble === 0
    },
    state() {},
    heartbeat() {},
    async close() {
      closed = true
      clearInterval(timer)
    },
  }
}
