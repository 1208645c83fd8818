/** Notes in the ledger when the machine is too busy to give a worker the CPU it waits for: what a lease has to do with is the same. */
import { readdirSync, readFileSync } from 'node:fs'
import type { GroupProcess } from './processes.js'
import type { Stage } from './stage.js'

const LOOK_MS = 250
/** Over so many looks. */
const WINDOW = 4
/** Of a thread, on Linux: nanoseconds on the CPU, and waiting for it. */
const WAITED = /^\d+ (\d+)/

export class Starvation {
  readonly #stage: Stage
  readonly #workers: () => readonly GroupProcess[]
  readonly #limitMs: number
  readonly #timer: NodeJS.Timeout
  /** How long each thread had waited, at each of the last looks, by its number. */
  readonly #waited = new Map<string, number[]>()
  #count = 0

  /** @param limitMs of a second that a thread may wait */
  constructor(stage: Stage, workers: () => readonly GroupProcess[], limitMs: number) {
    this.#stage = stage
    this.#workers = workers
    this.#limitMs = limitMs
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  /** How often a worker went short. */
  get count(): number {
    return this.#count
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    for (const { pid } of this.#workers()) {
      const [from = 0, to = 0] = this.#longest(pid)
      if (to - from < this.#limitMs) continue
      this.#count++
      void this.#stage.fault('starved', pid, async () => {})
    }
  }

  /** Of the thread that has waited most in the window: milliseconds waited, at its beginning and at its end. */
  #longest(pid: number): readonly number[] {
    const found = threadsOf(pid).map((thread) => {
      const seen = [...(this.#waited.get(thread) ?? []), waitedMs(pid, thread)].slice(-WINDOW - 1)
      this.#waited.set(thread, seen)
      return [seen[0] ?? 0, seen.at(-1) ?? 0] as const
    })
    return found.reduce<readonly number[]>((most, one) => (one[1] - one[0] > (most[1] ?? 0) - (most[0] ?? 0) ? one : most), [])
  }
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return [] // it has ended, or there is no /proc
  }
}

function waitedMs(pid: number, thread: string): number {
  try {
    return Number(WAITED.exec(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'))?.[1] ?? 0) / 1e6
  } catch {
    return 0
  }
}
