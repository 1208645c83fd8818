/** A worker that is started again whenever it dies, as a supervisor does. */
import { eventually } from '../../eventually.js'
import type { WorkerOptions } from '../peers/peer.js'
import type { Ended, GroupProcess } from './processes.js'
import type { Stage } from './stage.js'

export class Supervised {
  /** How it ended each time; each end stands in the ledger. */
  readonly ends: Ended[] = []
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
    void worker.ended.then((end) => {
      if (this.#over) return
      this.ends.push(end)
      this.#stage.died(worker)
      this.#worker = this.#start()
    })
    return worker
  }

  /** Resolves when the next one was started. */
  async kill(): Promise<void> {
    const before = this.ends.length
    this.#worker.signal('SIGKILL')
    await eventually(() => this.ends.length > before)
  }

  /** It is not started again any more. Resolves when the last one takes tasks, so that it is known to the broker. */
  async leave(): Promise<GroupProcess> {
    this.#over = true
    await this.#worker.said(this.#stage.peer.ready, 60)
    return this.#worker
  }
}
