/**
 * Which tasks must not run any more: by id, or by a stamp they bear. The record is at the broker, so it outlives this worker and reaches
 * those that start later; it is read again only when a take says that there is news. What is revoked here holds at once.
 */
import type { Broker } from '../broker/broker.js'
import { isStampMark, stampMark } from '../control/revocation.js'
import { reason } from '../errors.js'
import type { TaskMessage } from '../protocol/message.js'
import type { Taker } from './taker.js'

/** Revocations of our own that are remembered until the broker tells of them. */
const MAX_OWN = 10_000

export class Revocations {
  readonly #broker: Broker
  readonly #taker: Taker
  #count = 0
  #marks: ReadonlySet<string> = new Set()
  #hasStamps = false
  /** Not yet among what the broker told. */
  readonly #own = new Set<string>()

  constructor(broker: Broker, taker: Taker) {
    this.#broker = broker
    this.#taker = taker
  }

  has(id: string): boolean {
    return this.#marks.has(id) || (this.#own.size > 0 && this.#own.has(id))
  }

  /** Whether one of the stamps it bears is revoked. */
  hasStampOf({ stampedHeaders, stamps }: TaskMessage): boolean {
    if (!this.#hasStamps) return false
    return stampedHeaders.some((header) => listOf(stamps[header]).some((value) => this.has(stampMark(header, value))))
  }

  /** The ids. */
  get ids(): readonly string[] {
    return [...new Set([...this.#marks, ...this.#own])].filter((mark) => !isStampMark(mark))
  }

  /** @param count `Taken.revocations` */
  async learn(count: number): Promise<void> {
    if (count === this.#count) return
    try {
      this.#marks = await this.#broker.revoked()
      this.#count = count
      for (const mark of this.#own) if (this.#marks.has(mark)) this.#own.delete(mark)
      this.#look()
    } catch (error) {
      this.#taker.complain('revocations', `revocations can't be read: ${reason(error)}`)
    }
  }

  /** Ids, or marks of stamps. Rejects when they can't be recorded: then they hold in this worker alone. */
  async add(marks: readonly string[], ttl: number): Promise<void> {
    const fresh = marks.filter((mark) => !this.has(mark))
    if (fresh.length === 0) return
    for (const mark of fresh) this.#own.add(mark)
    for (const mark of this.#own) {
      if (this.#own.size <= MAX_OWN) break
      this.#own.delete(mark)
    }
    this.#look()
    await this.#broker.revoke(fresh, ttl)
  }

  #look(): void {
    this.#hasStamps = false
    for (const marks of [this.#marks, this.#own]) for (const mark of marks) if (isStampMark(mark)) this.#hasStamps = true
  }
}

/** A stamp has one value, or several. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]
}
