/** One queue: what is ready by priority step, what waits for its time, and the dead letters. */
import { ReadyList } from './ready-list.js'

export interface Message {
  readonly queue: string
  /** Index in `PRIORITY_STEPS`. */
  readonly step: number
  readonly raw: Buffer
}

export interface Delayed {
  readonly due: number
  readonly message: Message
}

export interface Dead {
  readonly id: string
  readonly message: Message
  readonly reason: string
  readonly detail: string
  readonly when: number
  readonly node: string
  readonly deliveries: number
}

export class Queue {
  readonly ready: readonly ReadyList<Message>[] = [new ReadyList(), new ReadyList(), new ReadyList(), new ReadyList()]
  /** Of every priority, in the order they came. */
  readonly suspects = new ReadyList<Message>()
  /** By due time, earliest first; those due together in the order they came. */
  #delayed: Delayed[] = []
  readonly dead = new Map<string, Dead>()

  get delayed(): number {
    return this.#delayed.length
  }
  get nextDue(): number | null {
    return this.#delayed[0]?.due ?? null
  }
  get readyCount(): number {
    return this.ready.reduce((sum, list) => sum + list.size, 0)
  }
  get isEmpty(): boolean {
    return this.#delayed.length === 0 && this.dead.size === 0 && this.readyCount === 0 && this.suspects.size === 0
  }

  delay(message: Message, due: number): void {
    let low = 0
    let high = this.#delayed.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#delayed[middle] as Delayed).due <= due) low = middle + 1
      else high = middle
    }
    this.#delayed.splice(low, 0, { due, message })
  }

  /** Moves what is due to the front of its list, the earliest first; returns how many. */
  moveDue(now: number): number {
    const later = this.#delayed.findIndex((delayed) => delayed.due > now)
    const due = this.#delayed.splice(0, later < 0 ? this.#delayed.length : later)
    for (const { message } of due.reverse()) this.ready[message.step]?.pushFront(message)
    return due.length
  }

  /** Empties it but for the dead letters; returns what was there. */
  purge(): Readonly<Record<'ready' | 'delayed' | 'suspects', readonly Message[]>> {
    const ready = this.ready.flatMap((list) => list.pop(list.size))
    const delayed = this.#delayed.splice(0).map(({ message }) => message)
    return { ready, delayed, suspects: this.suspects.pop(this.suspects.size) }
  }
}
