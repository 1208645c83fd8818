/**
 * The only file that acks. Settlements of one moment go out as one step; while that step is under way the next ones gather, so batches
 * grow with the load by themselves. Result and ack are one step where the broker carries out the store's writes; otherwise the results are
 * written first.
 */
import type { Consumer, Delivery, Settlement } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import { type CelerityError, isCelerityError, reason } from '../errors.js'
import type { Log } from '../log.js'
import type { EncodedResult, ResultStore } from '../results/store.js'

export interface Settling {
  readonly settlement: Settlement
  /** For a store on another server: written before the ack. */
  readonly results?: readonly EncodedResult[] | undefined
  /** Called when it is stored, or when nobody tries to any more. */
  readonly over?: (() => void) | undefined
}

export interface SettlerParts {
  readonly consumer: Consumer
  /** Where `Settling.results` go. */
  readonly results: ResultStore | null
  readonly clock: Clock
  readonly log: Log
  /** Something will be due at the broker then, in broker milliseconds. */
  parked(due: number): void
  /** Settlements are stored: there is room for others. */
  stored(): void
  /** The lease was lost: nothing of this incarnation counts any more. */
  lost(): void
}

/** Settlements of one step at most: beyond this the script would hold the server up. */
const MAX_BATCH = 250
/** Settlements that may wait to be stored before nothing more is taken: a broker that is slow, or away, does not fill the memory. */
const MAX_PENDING = 2_000

export class Settler {
  readonly #parts: SettlerParts
  #waiting: Settling[] = []
  #inFlight = 0
  #flushing: Promise<void> | undefined
  readonly #stop = new AbortController()

  constructor(parts: SettlerParts) {
    this.#parts = parts
  }

  /** Settlements that are not yet stored. */
  get pending(): number {
    return this.#waiting.length + this.#inFlight
  }

  /** How many more may be added before what is there should be stored first. */
  get room(): number {
    return Math.max(0, MAX_PENDING - this.pending)
  }

  add(settling: Settling): void {
    const { fate, publish } = settling.settlement
    if (fate.kind === 'park') this.#parts.parked(fate.due)
    if (publish !== undefined) for (const { due } of publish) if (due !== undefined) this.#parts.parked(due)
    this.#waiting.push(settling)
    // Whatever ends in the same turn of the event loop goes out together.
    this.#flushing ??= new Promise((resolve) => setImmediate(() => this.#flush().then(resolve)))
  }

  /** Back to the front of its queue, for whoever takes next. */
  giveBack(delivery: Delivery): void {
    this.add({ settlement: { delivery, fate: { kind: 'requeue', to: 'front' } } })
  }

  /** Resolves when everything added so far is stored, or was refused because the lease is lost. */
  async drained(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing
  }

  /** No more tries: what is not stored comes back when the lease runs out. */
  stop(): void {
    this.#stop.abort()
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted
  }

  async #flush(): Promise<void> {
    try {
      while (this.#waiting.length > 0 && !this.#stopped) {
        const batch = this.#waiting.splice(0, MAX_BATCH)
        this.#inFlight = batch.length
        await this.#store(batch)
        this.#inFlight = 0
        for (const { over } of batch) over?.()
        this.#parts.stored()
      }
    } finally {
      this.#inFlight = 0
      this.#flushing = undefined
    }
  }

  /** A broker that is away is asked again until it answers: steps are safe to send twice, and nothing new is taken meanwhile. */
  async #store(batch: readonly Settling[]): Promise<void> {
    for (let tries = 0; !this.#stopped; tries++) {
      try {
        await this.#storeOnce(batch)
        return
      } catch (error) {
        if (isRefusal(error) && (await this.#storeSingly(batch, error))) return
        if (tries === 0) this.#parts.log.warning(`results wait: ${reason(error)}`, { settlements: batch.length })
        await this.#parts.clock.sleep(Math.min(0.1 * 2 ** tries, 2), this.#stop.signal)
      }
    }
  }

  async #storeOnce(batch: readonly Settling[]): Promise<void> {
    const results = batch.flatMap((settling) => settling.results ?? [])
    if (results.length > 0) await this.#parts.results?.set(results)
    const answer = await this.#parts.consumer.settle(batch.map((settling) => settling.settlement))
    if (answer === 'lost') {
      this.stop()
      this.#parts.lost()
    }
  }

  /**
   * The server refuses the batch: find the one it refuses, and keep that message where a person can see it. False: it takes no dead letter
   * either, so it is not the message that it refuses. It has no room, say, and may have some later.
   */
  async #storeSingly(batch: readonly Settling[], refusal: Error): Promise<boolean> {
    if (batch.length > 1) {
      for (const settling of batch) await this.#store([settling])
      return true
    }
    const settling = batch[0]
    if (settling === undefined) return true
    const { delivery, fate } = settling.settlement
    if (fate.kind === 'dead') return false
    const detail = `the broker refused its outcome: ${refusal.message}`
    try {
      await this.#storeOnce([{ settlement: { delivery, fate: { kind: 'dead', reason: 'refused-by-broker', detail } } }])
    } catch {
      return false
    }
    this.#parts.log.error(detail, { queue: delivery.lane.queue })
    return true
  }
}

function isRefusal(error: unknown): error is CelerityError {
  return isCelerityError(error) && error.code === 'E_BROKER_REFUSED'
}
