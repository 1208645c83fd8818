/** Places for workers. Who ends is replaced by another one, with other options, until the fleet rests. */
import type { WorkerOptions } from '../peers/peer.js'
import type { Ended, GroupProcess } from './processes.js'
import type { Stage } from './stage.js'

/** A worker that has ended. */
export interface Departure extends Ended {
  readonly worker: GroupProcess
  /** The ends it was told to come to, as `toldTo` had them. */
  readonly told: ReadonlySet<string>
}

export class Berth {
  readonly departures: Departure[] = []
  readonly #stage: Stage
  readonly #name: string
  /** Drawn anew for each worker. */
  readonly #options: () => WorkerOptions
  #worker: GroupProcess | null = null
  #told = new Set<string>()
  #taken = false
  #count = 0

  constructor(stage: Stage, name: string, options: () => WorkerOptions) {
    this.#stage = stage
    this.#name = name
    this.#options = options
  }

  /** The worker that lives there now. */
  get worker(): GroupProcess | null {
    return this.#worker
  }

  /** Whether a worker is to be there. */
  get taken(): boolean {
    return this.#taken
  }

  take(): void {
    this.#taken = true
    if (this.#worker === null) this.#start()
  }

  /** Who ends from now on is not replaced. */
  leave(): void {
    this.#taken = false
  }

  /** It may end so from now on, and no worker is lost by that: with an exit code, or by a signal. */
  toldTo(...ends: readonly string[]): void {
    for (const end of ends) this.#told.add(end)
  }

  get wasTold(): boolean {
    return this.#told.size > 0
  }

  #start(): void {
    const worker = this.#stage.startWorker(`${this.#name}-${this.#count++}`, this.#options())
    const told = new Set<string>()
    this.#worker = worker
    this.#told = told
    void worker.ended.then((ended) => {
      this.departures.push({ ...ended, worker, told })
      if (!told.has(endOf(ended))) this.#stage.died(worker)
      this.#worker = null
      if (this.#taken) this.#start()
    })
  }
}

/** As `toldTo` has it: `0`, `143`, `SIGKILL`. */
export function endOf({ code, signal }: Ended): string {
  return signal ?? `${code}`
}
