/**
 * A small parent process that runs the same command in a child, and again when it has ended: because a source has changed (watch.ts), or because
 * it ended by an accident (restart.ts). Both sides of it are here.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { EXIT } from '../errors.js'

/** Where the child finds the number of its launcher. A process started by a task inherits it, and has another parent. */
const LAUNCHER = 'CELERITY_LAUNCHER'

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const

export interface ChildEnd {
  /** As a shell would say it: 128 and the signal's number for one that was killed. */
  readonly code: number
  /** What killed it; null: it ended by itself. */
  readonly signal: NodeJS.Signals | null
  /** It came to the end of its command, and was not torn out of it: by `process.exit` in a handler, say. */
  readonly isInOrder: boolean
  /** For how long it ran. */
  readonly seconds: number
}

/** Asked when the child has ended though we were not told to stop: `again`, or the exit code to end with, at the latest when `stopped` aborts. */
export type Next = (end: ChildEnd, stopped: AbortSignal) => Promise<'again' | number>

/** One child at a time: the next one starts when the last one has ended. */
export class Launcher {
  readonly #next: Next
  readonly #stopped = new AbortController()
  #child: ChildProcess | undefined

  constructor(next: Next) {
    this.#next = next
  }

  /** Has the child end in order, if there is one; what is next is asked then. */
  endChild(): boolean {
    return this.#child?.kill('SIGTERM') ?? false
  }

  /** @returns the exit code: of the child, once a signal has ended it through us, or what `next` says */
  async run(): Promise<number> {
    // Every signal is passed on, once: the second one means something else than the first.
    const pass = (signal: NodeJS.Signals) => {
      this.#stopped.abort()
      this.#child?.kill(signal)
    }
    for (const signal of SIGNALS) process.on(signal, pass)
    try {
      for (;;) {
        const end = await this.#once()
        if (this.#stopped.signal.aborted) return end.code
        const next = await this.#next(end, this.#stopped.signal)
        if (next !== 'again') return next
      }
    } finally {
      for (const signal of SIGNALS) process.off(signal, pass)
    }
  }

  #once(): Promise<ChildEnd> {
    const began = performance.now()
    let isInOrder = false
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // A group of its own: Ctrl-C on the terminal reaches us alone, and the child once, through us; twice would end it at once.
      detached: true,
      env: { ...process.env, [LAUNCHER]: String(process.pid) },
    })
    this.#child = child
    child.on('message', (word) => {
      isInOrder ||= word === IN_ORDER
    })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        this.#child = undefined
        resolve({ code: code ?? codeOf(signal), signal, isInOrder, seconds: (performance.now() - began) / 1000 })
      })
    })
  }
}

function codeOf(signal: NodeJS.Signals | null): number {
  const number = signal === null ? undefined : constants.signals[signal]
  return number === undefined ? EXIT.terminated : 128 + number
}

/** The child's word that it comes to its end. */
const IN_ORDER = 'in-order'

/** The child's side. */
export interface Launched {
  /** Calls `act` when the launcher is gone, however it ended; at once, if it is. */
  onGone(act: () => void): void
  /** To be said at the very end; see `ChildEnd.isInOrder`. */
  endsInOrder(): void
}

/** Null: nobody launched this process. Answers once; what this process starts is not to take itself for launched. */
export function launched(): Launched | null {
  const launcher = process.env[LAUNCHER]
  delete process.env[LAUNCHER]
  if (launcher !== String(process.ppid) || process.channel === undefined) return null
  return {
    onGone(act) {
      if (!process.connected) return act()
      process.once('disconnect', act)
      process.channel?.unref() // to listen there is no reason to live
    },
    endsInOrder() {
      if (process.connected) process.send?.(IN_ORDER, () => {}) // a launcher that is gone need not know
    },
  }
}
