import { expect } from 'chai'
import type { DeadLetter } from '../../src/broker/broker.js'
import { eventually } from '../eventually.js'
import type { Process } from './process.js'
import type { Scene } from './scene.js'

/** A queue that gets bytes as they are, and the Node worker that must survive them. */
export class Target {
  readonly #scene: Scene
  readonly #worker: Process
  readonly queue: string

  static async open(scene: Scene, queue: string, options: { readonly jsonTypeMarkers: boolean }): Promise<Target> {
    return new Target(scene, queue, await scene.nodeWorker({ queues: [queue, `${queue}-too`], ...options }))
  }

  private constructor(scene: Scene, queue: string, worker: Process) {
    this.#scene = scene
    this.queue = queue
    this.#worker = worker
  }

  /** Everything the worker has said. */
  get log(): string {
    return this.#worker.lines.join('\n')
  }

  /** Puts the bytes into the real list, and then sees that a good task sent after them runs in the same process. */
  async take(raw: Buffer | string): Promise<void> {
    await this.#scene.redis.lpush(this.queue, raw)
    const good = await this.#scene.app.send('kuma.add', [1, 2], { queue: this.queue })
    expect(await good.get({ timeout: 10 })).to.equal(3)
    expect(this.#worker.isRunning, this.log).to.equal(true)
  }

  /** The final state of a task. */
  async ends(id: string): Promise<string> {
    return this.#scene.app.result(id).wait({ timeout: 10 })
  }

  /** The dead letter with exactly these bytes, one of the newest. */
  deadLetter(raw: Buffer | string): Promise<DeadLetter> {
    const bytes = Buffer.from(raw)
    return eventually(async () => (await this.#scene.dead(this.queue, 3)).find((letter) => letter.raw.equals(bytes)))
  }
}
