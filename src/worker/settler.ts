/**
 * The only file that acks. Settlements of one moment go out as one step; while that step is under way the next ones gather, so batches
 * grow with the load by themselves. Result and ack are one step where the broker carries out the store's writes; otherwise the results are
 * written first, and where the final state of another run stands already, the message ends as that says.
 */
import { setImmediate as endOfTurn } from 'node:timers/promises'
import type { Consumer, Delivery, Settlement } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import { isCelerityError, reason } from '../errors.js'
import type { Log } from '../log.js'
import type { EncodedResult, ResultStore } from '../results/store.js'
import { SetAside } from './set-aside.js'

export interface Settling {
  readonly settlement: Settlement
  /** For a store on another server: written before the ack. */
  readonly results?: readonly EncodedResult[] | undefined
  /** How it is settled when this JSON is the final state that stands in the place of one of `results`; null: as it is. */
  readonly instead?: ((stored: string) => Settlement | null) | undefined
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

/** Settlements of one step at most, two whole takes: beyond this the script would hold the server up. */
const MAX_BATCH = 300
/** Settlements that may wait to be stored before nothing more is taken: a broker that is slow, or away, does not fill the memory. */
const MAX_PENDING = 2_000
/** Tries, over some five seconds, before an outcome that is refused makes room for others. An outage is waited out, however long. */
const PATIENCE = 6

export class Settler {
  readonly #parts: SettlerParts
  #waiting: Settling[] = []
  #inFlight = 0
  #flushing: Promise<void> | undefined
  readonly #stop = new AbortController()
  readonly #setAside: SetAside

  constructor(parts: SettlerParts) {
    this.#parts = parts
    const offer = (settling: Settling) => this.#offer(settling)
    this.#setAside = new SetAside({ clock: parts.clock, stopped: this.#stop.signal, offer })
  }

  /** Settlements that are on their way. */
  get pending(): number {
    return this.#waiting.length + this.#inFlight
  }

  /** How many more may be added before what is there should be stored first. */
  get room(): number {
    return Math.max(0, MAX_PENDING - this.pending - this.#setAside.size)
  }

  add(settling: Settling): void {
    const { fate, publish } = settling.settlement
    if (fate.kind === 'park') this.#parts.parked(fate.due)
    if (publish !== undefined) for (const { due } of publish) if (due !== undefined) this.#parts.parked(due)
    this.#waiting.push(settling)
    this.#flushing ??= this.#flush()
  }

  /** Back to the front of its queue, for whoever takes next. */
  giveBack(delivery: Delivery): void {
    this.add({ settlement: { delivery, fate: { kind: 'requeue', to: 'front' } } })
  }

  /** Resolves when everything added so far is stored or set aside, or was refused because the lease is lost. */
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
      do {
        // Whatever ends in the same turn of the event loop goes out together: a lane that is settled in two parts costs the server notes.
        await endOfTurn()
        if (this.#stopped) break
        const batch = this.#waiting.splice(0, MAX_BATCH)
        this.#inFlight = batch.length
        await this.#store(batch)
        this.#inFlight = 0
        for (const { over } of batch) over?.()
        this.#parts.stored()
      } while (this.#waiting.length > 0)
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
        const refusal = refusalIn(error)
        if (refusal === 'of the step' || (refusal !== 'none' && tries >= PATIENCE)) {
          if (await this.#storeSingly(batch, error, refusal)) return
          if (tries >= PATIENCE && batch[0] !== undefined) return this.#putAside(batch[0], error)
        }
        if (tries === 0) this.#parts.log.warning(`results wait: ${reason(error)}`, { settlements: batch.length })
        await this.#parts.clock.sleep(Math.min(0.1 * 2 ** tries, 2), this.#stop.signal)
      }
    }
  }

  async #storeOnce(batch: readonly Settling[]): Promise<void> {
    const answer = await this.#parts.consumer.settle(await storeResults(batch, this.#parts.results))
    if (answer === 'lost') {
      this.stop()
      this.#parts.lost()
    }
  }

  /**
   * The server refuses the batch: find the one it refuses, and keep that message where a person can see it. False: it takes no dead letter
   * either, so it is not the message that it refuses. It has no room, say, and may have some later.
   */
  async #storeSingly(batch: readonly Settling[], error: unknown, refusal: Refusal): Promise<boolean> {
    if (batch.length > 1) {
      for (const settling of batch) await this.#store([settling])
      return true
    }
    const settling = batch[0]
    if (settling === undefined) return true
    const { delivery, fate } = settling.settlement
    // Who lacks a right is not to condemn what ran well.
    if (fate.kind === 'dead' || refusal === 'of the user') return false
    const detail = `the broker refused its outcome: ${reason(error)}`
    try {
      await this.#storeOnce([{ settlement: { delivery, fate: { kind: 'dead', reason: 'refused-by-broker', detail } } }])
    } catch {
      return false
    }
    this.#parts.log.error(detail, { queue: delivery.lane.queue })
    return true
  }

  #putAside(settling: Settling, error: unknown): void {
    const { queue } = settling.settlement.delivery.lane
    this.#parts.log.error(`an outcome is refused, and kept until it is taken or the worker stops: ${reason(error)}`, { queue, error })
    this.#setAside.add(settling)
  }

  async #offer(settling: Settling): Promise<boolean> {
    try {
      await this.#storeOnce([settling])
    } catch {
      return false
    }
    this.#parts.log.info('an outcome that was refused is stored', { queue: settling.settlement.delivery.lane.queue })
    this.#parts.stored()
    return true
  }
}

/** Stores the results of a store on another server. @returns how the messages end, then */
export async function storeResults(batch: readonly Settling[], store: ResultStore | null): Promise<Settlement[]> {
  const results = batch.flatMap((settling) => settling.results ?? [])
  const standing = results.length === 0 ? [] : ((await store?.set(results)) ?? [])
  let at = 0
  return batch.map(({ settlement, results = [], instead }) => {
    const own = standing.slice(at, at + results.length)
    at += results.length
    for (const stored of own) {
      const other = stored === null ? null : instead?.(stored)
      if (other !== null && other !== undefined) return other
    }
    return settlement
  })
}

/** `of the step`: the server says no. `of the user`: it says no to us. `unclear`: nobody foresaw it, a fault of ours perhaps. `none`: it is away. */
type Refusal = 'of the step' | 'of the user' | 'unclear' | 'none'

function refusalIn(error: unknown): Refusal {
  if (!isCelerityError(error)) return 'unclear'
  switch (error.code) {
    case 'E_BROKER_UNREACHABLE':
    case 'E_RESULTS_UNREACHABLE':
      return 'none'
    case 'E_BROKER_REFUSED':
      return 'of the step'
    case 'E_ACCESS_DENIED':
      return 'of the user'
    default:
      return 'unclear'
  }
}
