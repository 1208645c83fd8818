/** The operator's side of the memory broker. */
import type { DeadLetter, PriorityStep, Purged, QueueCounts, Queues } from '../broker.js'
import type { Dead } from './queue.js'
import type { MemoryServer } from './server.js'

export class MemoryQueues implements Queues {
  readonly #server: MemoryServer
  readonly #check: () => void

  constructor(server: MemoryServer, check: () => void) {
    this.#server = server
    this.#check = check
  }

  async names(): Promise<readonly string[]> {
    this.#check()
    const names = new Set<string>()
    for (const [name, queue] of this.#server.queues) if (!queue.isEmpty) names.add(name)
    for (const worker of this.#server.workers.values()) {
      for (const name of worker.queues) names.add(name)
      for (const lane of worker.lanes.values()) names.add(lane.queue)
    }
    return [...names].sort()
  }

  async counts(queues: readonly string[]): Promise<readonly QueueCounts[]> {
    this.#check()
    return queues.map((name) => this.#count(name))
  }

  async peek(queue: string, limit: number, step?: PriorityStep): Promise<readonly Buffer[]> {
    this.#check()
    const raws: Buffer[] = []
    const { ready: lists = [], suspects = [] } = this.#server.queues.get(queue) ?? {}
    for (const list of step === undefined ? [...lists, suspects] : lists.slice(step, step + 1)) {
      for (const { raw } of list) {
        if (raws.length >= limit) return raws
        raws.push(raw)
      }
    }
    return raws
  }

  async purge(queue: string): Promise<Purged> {
    this.#check()
    const { ready = [], delayed = [], suspects = [] } = this.#server.queues.get(queue)?.purge() ?? {}
    for (const { raw } of [...ready, ...delayed, ...suspects]) this.#server.schedules.ended(raw)
    return { ready: ready.length, delayed: delayed.length, suspects: suspects.length }
  }

  async dead(queue: string, offset: number, limit: number): Promise<readonly DeadLetter[]> {
    this.#check()
    const newestFirst = [...(this.#server.queues.get(queue)?.dead.values() ?? [])].reverse()
    return newestFirst.slice(offset, offset + limit).map(({ message, ...letter }) => ({ ...letter, queue, raw: message.raw }))
  }

  async retryDead(queue: string, ids: readonly string[]): Promise<number> {
    this.#check()
    const letters = this.#takeOut(queue, ids)
    for (const { message } of letters) this.#server.queue(queue).ready[message.step]?.pushBack(message)
    if (letters.length > 0) this.#server.wake()
    return letters.length
  }

  async dropDead(queue: string, ids: readonly string[]): Promise<number> {
    this.#check()
    return this.#takeOut(queue, ids).length
  }

  /** Takes the dead letters with these ids out. */
  #takeOut(name: string, ids: readonly string[]): readonly Dead[] {
    const queue = this.#server.queues.get(name)
    return ids.flatMap((id) => {
      const letter = queue?.dead.get(id)
      queue?.dead.delete(id)
      return letter ?? []
    })
  }

  #count(name: string): QueueCounts {
    const queue = this.#server.queues.get(name)
    const size = (step: number) => queue?.ready[step]?.size ?? 0
    let leased = 0
    let consumers = 0
    for (const worker of this.#server.workers.values()) {
      if (worker.epoch && worker.queues.includes(name)) consumers++
      for (const lane of worker.lanes.values()) if (lane.queue === name) leased += lane.held.size
    }
    return {
      queue: name,
      ready: queue?.readyCount ?? 0,
      steps: [size(0), size(1), size(2), size(3)],
      delayed: queue?.delayed ?? 0,
      suspects: queue?.suspects.size ?? 0,
      leased,
      dead: queue?.dead.size ?? 0,
      consumers,
    }
  }
}
