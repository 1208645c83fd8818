/** One registered incarnation, as the server sees it. */
import type { Lane, Registration } from '../broker.js'
import type { Message } from './queue.js'

export interface Held {
  readonly message: Message
  /** Has a start record (`acks: 'early'`). */
  early: boolean
}

export class HeldLane implements Lane {
  readonly name: string
  /** Every position not yet settled. */
  readonly held = new Map<number, Held>()
  size = 0

  constructor(
    readonly seq: number,
    readonly queue: string,
    readonly step: number,
    /** It holds a suspect. */
    readonly alone = false,
  ) {
    this.name = `${seq}/${queue}:${alone ? 'suspect' : step}`
  }
  add(message: Message): void {
    this.held.set(this.size++, { message, early: false })
  }
}

export class Worker {
  readonly lanes = new Map<string, HeldLane>()
  /** `lane:position` of what was running at the last renewal. */
  started: ReadonlySet<string> = new Set()
  /** The last take that held something, and the last that was closed. */
  lastSeq = 0
  closedSeq = 0
  /** False: fenced. Nothing of it is written any more; what it holds is about to be given back. */
  epoch = true

  /** What it consumes now. */
  queues: readonly string[]

  constructor(
    readonly registration: Registration,
    /** Monotonic milliseconds. */
    public leaseUntil: number,
  ) {
    this.queues = registration.queues
  }
}
