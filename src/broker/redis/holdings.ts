/** What an incarnation holds, lane by lane: so that it can be put back at a server that has lost everything. */
import type { Delivery } from '../broker.js'
import type { Keys } from './keys.js'
import type { Argument, RedisLane } from './ops.js'

interface HeldLane {
  readonly lane: RedisLane
  /** By position; null: settled. */
  readonly raws: (Buffer | null)[]
  left: number
}

export class Holdings {
  readonly #lanes = new Map<string, HeldLane>()

  /** Messages that are not settled. */
  get size(): number {
    let size = 0
    for (const { left } of this.#lanes.values()) size += left
    return size
  }

  /** Number of the last take that something is left of; 0: none. */
  get lastTake(): number {
    let last = 0
    for (const { lane } of this.#lanes.values()) last = Math.max(last, lane.seq)
    return last
  }

  hold(lane: RedisLane, raws: readonly Buffer[]): void {
    this.#lanes.set(lane.name, { lane, raws: [...raws], left: raws.length })
  }

  settled({ lane, position }: Delivery): void {
    const held = this.#lanes.get(lane.name)
    if (held === undefined || !held.raws[position]) return
    held.raws[position] = null
    if (--held.left === 0) this.#lanes.delete(lane.name)
  }

  /** As scripts/restore.lua takes them. */
  arguments(keys: Keys): Argument[] {
    const args: Argument[] = []
    for (const { lane, raws } of this.#lanes.values()) {
      args.push(lane.name, keys.list(lane.queue, lane.step), raws.length)
      const settled: number[] = []
      for (const [position, raw] of raws.entries()) {
        args.push(raw ?? '')
        if (raw === null) settled.push(position)
      }
      args.push(settled.length, ...settled)
    }
    return args
  }
}
