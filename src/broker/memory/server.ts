/**
 * What the connections of one memory broker share: queues, workers, listeners. Every method runs to its end without a pause, which
 * is what a transaction or a script is to the other adapters.
 */
import { randomUUID } from 'node:crypto'
import type { PreparedWrite } from '../../prepared-write.js'
import { type Broadcast, type Fate, type Outgoing, priorityStep } from '../broker.js'
import { isEnd } from '../entry-header.js'
import { DELIVERIES_REMEMBERED_MS } from '../orphan.js'
import { KeptJournal } from './journal.js'
import { KeptSchedules } from './kept-schedules.js'
import type { Note } from './known-workers.js'
import { type Message, Queue } from './queue.js'
import type { HeldLane, Worker } from './worker.js'

export interface Subscriber {
  readonly exchange: string
  /** Whether it hears broadcasts with this routing key. */
  readonly fits: (routingKey: string) => boolean
  readonly hear: (message: Broadcast & { readonly raw: Buffer }) => void
}

export class MemoryServer {
  readonly name: string
  readonly queues = new Map<string, Queue>()
  readonly workers = new Map<string, Worker>()
  readonly subscribers = new Set<Subscriber>()
  /** Called when something may have come. */
  readonly waiters = new Set<() => void>()
  /** Per rate limit, the monotonic millisecond of its next free slot. */
  readonly limits = new Map<string, number>()
  /** Id → wall-clock millisecond at which the revocation ends. */
  readonly revoked = new Map<string, number>()
  revocations = 0
  readonly schedules = new KeptSchedules()
  readonly journal = new KeptJournal()
  /** The last word of each incarnation, also of those that are not registered any more. */
  readonly notes = new Map<string, Note>()
  /** By message: how often it was found with a dead worker, and when that is forgotten. */
  readonly #deliveries = new Map<string, { readonly count: number; readonly until: number }>()

  constructor(name: string) {
    this.name = name
  }

  queue(name: string): Queue {
    let queue = this.queues.get(name)
    if (queue === undefined) {
      queue = new Queue()
      this.queues.set(name, queue)
    }
    return queue
  }

  publish(messages: readonly Outgoing[], now: number): void {
    for (const { queue, priority, raw, due } of messages) {
      const message: Message = { queue, step: priorityStep(priority), raw: bytes(raw) }
      if (due !== undefined && due > now) this.queue(queue).delay(message, due)
      else this.queue(queue).ready[message.step]?.pushBack(message)
    }
    if (messages.length > 0) this.wake()
  }

  /** The end of one position: what is to be written, what is to follow, and what becomes of the message. */
  settle(worker: Worker, lane: HeldLane, position: number, ending: Ending, now: number): void {
    const held = lane.held.get(position)
    if (held === undefined) return // settled before
    for (const write of ending.writes ?? []) carryOut(write)
    this.publish(ending.publish ?? [], now)
    this.#meet(held.message, lane.alone, ending, worker.registration.node, now)
    if (isEnd(ending.fate)) this.schedules.ended(held.message.raw, ending.publish)
    lane.held.delete(position)
    if (lane.held.size === 0) worker.lanes.delete(lane.name)
  }

  /** Puts back, uncounted and in its order, what a lane still holds; positions with a start record stay. */
  giveBack(worker: Worker, lane: HeldLane): void {
    for (const [position, held] of [...lane.held].reverse()) {
      if (held.early) continue
      this.#putBack(held.message, lane.alone)
      lane.held.delete(position)
    }
    if (lane.held.size === 0) worker.lanes.delete(lane.name)
    this.wake()
  }

  /** How often this message was found with a dead worker within 72 hours. */
  deliveries(key: string, now: number): number {
    const known = this.#deliveries.get(key)
    return known === undefined || known.until <= now ? 0 : known.count
  }

  /** Counts that it was found so once more. */
  countDelivery(key: string, now: number): void {
    for (const [other, { until }] of this.#deliveries) if (until <= now) this.#deliveries.delete(other)
    this.#deliveries.set(key, { count: this.deliveries(key, now) + 1, until: now + DELIVERIES_REMEMBERED_MS })
  }

  wake(): void {
    for (const wake of [...this.waiters]) wake()
  }

  #putBack(message: Message, alone: boolean): void {
    const queue = this.queue(message.queue)
    const list = alone ? queue.suspects : queue.ready[message.step]
    list?.pushFront(message)
  }

  #meet(message: Message, alone: boolean, ending: Ending, node: string, now: number): void {
    const { fate } = ending
    const queue = this.queue(message.queue)
    switch (fate.kind) {
      case 'ack':
        return
      case 'requeue': {
        const again = withRaw(message, fate.raw)
        if (fate.to === 'front') this.#putBack(again, alone)
        else if (fate.to === 'back') queue.ready[message.step]?.pushBack(again)
        else queue.suspects.pushBack(again)
        break
      }
      case 'park':
        queue.delay(withRaw(message, fate.raw), fate.due)
        break
      case 'dead': {
        const { reason, detail } = fate
        const id = randomUUID()
        queue.dead.set(id, { id, message, reason, detail, when: now, node, deliveries: ending.deliveries ?? 1 })
        break
      }
    }
    this.wake()
  }
}

export interface Ending {
  readonly fate: Fate
  readonly writes?: readonly PreparedWrite[] | undefined
  readonly publish?: readonly Outgoing[] | undefined
  /** How often it was delivered, for dead letters; absent: once. */
  readonly deliveries?: number
}

function withRaw(message: Message, raw: Uint8Array | undefined): Message {
  return raw === undefined ? message : { ...message, raw: bytes(raw) }
}

export function carryOut(write: PreparedWrite): void {
  if (write.kind !== 'memory') throw new TypeError(`a ${write.kind} write cannot be carried out in memory`)
  write.apply()
}

/** A copy, so that a caller who writes on in its buffer changes no stored message. */
export function bytes(raw: Uint8Array | string): Buffer {
  return typeof raw === 'string' ? Buffer.from(raw) : Buffer.from(raw)
}
