/** The operator's part of the port of brokers: what is in the queues, and the dead letters. */
import type { PriorityStep } from './broker.js'

export interface Queues {
  /** Queues that hold something now or are bound or consumed, as far as the broker knows. */
  names(): Promise<readonly string[]>
  counts(queues: readonly string[]): Promise<readonly QueueCounts[]>
  /** The first `limit` waiting messages, oldest first per priority and the suspects last, or of one priority step alone; nothing is taken. */
  peek(queue: string, limit: number, step?: PriorityStep): Promise<readonly Buffer[]>
  /** Removes what waits (not what is leased, not the dead); returns how many of each. */
  purge(queue: string): Promise<Purged>
  /** Newest first. */
  dead(queue: string, offset: number, limit: number): Promise<readonly DeadLetter[]>
  /** Puts dead letters back into their queue, bytes unchanged, one step each; returns how many there were. */
  retryDead(queue: string, ids: readonly string[]): Promise<number>
  dropDead(queue: string, ids: readonly string[]): Promise<number>
}

export interface Purged {
  readonly ready: number
  readonly delayed: number
  readonly suspects: number
}

export interface QueueCounts {
  readonly queue: string
  readonly ready: number
  /** Ready, by priority step: 0, 3, 6, 9. */
  readonly steps: readonly [number, number, number, number]
  readonly delayed: number
  /** Found with several dead workers, and waiting to be run alone. */
  readonly suspects: number
  /** In flight with our workers. */
  readonly leased: number
  readonly dead: number
  /** Registered workers of ours that consume it. */
  readonly consumers: number
}

export interface DeadLetter {
  readonly id: string
  readonly queue: string
  /** A `DeadReason`, perhaps of another version. */
  readonly reason: string
  readonly detail: string
  /** Milliseconds since 1970. */
  readonly when: number
  readonly node: string
  readonly deliveries: number
  readonly raw: Buffer
}
