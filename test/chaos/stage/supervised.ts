/** A worker that is started again whenever it dies, as a supervisor does. */
import { eventually } from '../../eventually.js'
import type { WorkerOptions } from '../peers/peer.js'
import type { GroupProcess } from './processes.js'
import type { Stage } from './stage.js'

export class Supervised {
  /** So far; each stands in the ledger. */
  deaths = 0
  readonly #stage: Stage
  readonly #name: string
  readonly #options: WorkerOptions
  #worker: GroupProcess
  #over = false

  constructor(stage: Stage, name: string, options: WorkerOptions) {
    this.#stage = stage
    this.#name = name
    this.#options = options
    this.#worker = this.#start()
  }

  /** The one that lives now. */
  get worker(): GroupProcess {
    return this.#worker
  }

  #start(): GroupProcess {
    const worker = this.#stage.startWorker(this.#name, this.#options)
    void worker.ended.then(() => {
      if (this.#over) return
      this.deaths++
      this.#stage.died(worker)
      this.#worker = this.#start()
    })
    return worker
  }

  /** Resolves when the next one was started. */
  async kill(): Promise<void> {
    const { deaths } = this
    this.#worker.signal('SIGKILL')
    await eventually(() => this.deaths > deaths)
  }

  /** It is not started again any more. */
  leave(): GroupProcess {
    this.#over = true
    return this.#worker
  }
}
