/**
 * Sends what one turn of the event loop wants sent in one call to the broker, and tells each sender within the deadline. Many messages in
 * one call cost the broker and us a fraction of many calls; a lone one waits for nothing but the end of the turn.
 */
import type { Broker, Outgoing } from '../broker/broker.js'
import { CelerityError, isCelerityError } from '../errors.js'

export interface BatchOptions {
  /** Opens the broker, or gives the open one. */
  readonly broker: () => Promise<Broker>
  /** Seconds until a sender is told that it failed. */
  readonly deadline: number
}

/** What one sender wants stored: all of it or nothing. */
interface Unit {
  readonly messages: readonly Outgoing[]
  /** `task kuma.add[3f…]`: for errors. */
  readonly what: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class PublishBatch {
  readonly #options: BatchOptions
  readonly #flushing = new Set<Promise<void>>()
  #units: Unit[] = []

  constructor(options: BatchOptions) {
    this.#options = options
  }

  /**
   * Resolves when all of `messages` are stored.
   *
   * @throws E_BROKER_UNREACHABLE (not sent), E_BROKER_REFUSED (not sent), E_PUBLISH_TIMEOUT (perhaps stored, perhaps not)
   */
  add(messages: readonly Outgoing[], what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#units.length === 0) setImmediate(() => this.#start())
      this.#units.push({ messages, what, resolve, reject })
    })
  }

  /** Resolves when everything that was added has been answered. */
  async drain(): Promise<void> {
    if (this.#units.length > 0) this.#start()
    await Promise.all(this.#flushing)
  }

  #start(): void {
    const units = this.#units
    if (units.length === 0) return // drained meanwhile
    this.#units = []
    const flush = this.#flush(units).finally(() => this.#flushing.delete(flush))
    this.#flushing.add(flush)
  }

  async #flush(units: readonly Unit[]): Promise<void> {
    const progress = { handedOver: false, expired: false }
    const timer = setTimeout(() => {
      progress.expired = true
      for (const unit of units)
        unit.reject(progress.handedOver ? fateUnknown(unit.what, this.#options.deadline) : notSent(unit.what, this.#options.deadline))
    }, this.#options.deadline * 1000)
    try {
      const broker = await this.#options.broker()
      if (progress.expired) return // they were told that it was not sent: now it must not be
      progress.handedOver = true
      await publish(broker, units)
    } catch (error) {
      for (const unit of units) unit.reject(error)
    } finally {
      clearTimeout(timer)
    }
  }
}

async function publish(broker: Broker, units: readonly Unit[]): Promise<void> {
  try {
    await broker.publish(units.flatMap((unit) => unit.messages))
  } catch (error) {
    if (units.length === 1 || !isRefusal(error)) throw error
    // The broker stored nothing because of one of them: only its sender shall hear of it.
    await Promise.all(units.map((unit) => publish(broker, [unit]).catch(unit.reject)))
  }
  for (const unit of units) unit.resolve() // no effect on those that were rejected above
}

function isRefusal(error: unknown): boolean {
  return isCelerityError(error) && error.code === 'E_BROKER_REFUSED'
}

function notSent(what: string, deadline: number): CelerityError {
  return new CelerityError('E_BROKER_UNREACHABLE', {
    message: `${what} was not sent: the broker could not be reached within ${deadline} s`,
    hint: 'Is it running? brokerUrl names it; taskPublishDeadline is how long a send may take.',
  })
}

function fateUnknown(what: string, deadline: number): CelerityError {
  return new CelerityError('E_PUBLISH_TIMEOUT', {
    message: `${what} may or may not have been stored: the broker did not answer within ${deadline} s`,
    hint: 'Sending again may run it twice; the result of its id, once there, tells that it arrived.',
  })
}
