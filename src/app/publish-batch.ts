/**
 * Sends what one turn of the event loop wants sent in one call to the broker, and tells each sender within the deadline. Many messages in
 * one call cost the broker and us a fraction of many calls; a lone one waits for nothing but the end of its turn.
 *
 * One call is under way at a time. What comes meanwhile waits here, where it can still be said for certain that it was not sent: with the
 * broker away only the messages of one call are in doubt, and nothing is sent long after its sender was told that it failed.
 */
import type { Broker, Outgoing } from '../broker/broker.js'
import { CelerityError, isCelerityError, reason } from '../errors.js'

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
  readonly turn: Turn
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  /** From then on nobody can tell for certain that it was not stored. */
  handedOver: boolean
}

/** The units of one turn of the event loop are late together: one timer for all. */
interface Turn {
  readonly units: Unit[]
  /** When they are late, on the monotonic clock. */
  end: number
  unanswered: number
  timer: NodeJS.Timeout | undefined
}

/** How much longer than the deadline a broker may take to say what it knows. */
const ADAPTER_GRACE_MS = 200

/** Messages of one call: more gains nothing, and a call should end well within its deadline. */
const MOST_MESSAGES = 1_000

export class PublishBatch {
  readonly #options: BatchOptions
  #gathering: Turn | undefined
  #waiting: Unit[] = []
  #sending: Promise<void> | undefined

  constructor(options: BatchOptions) {
    this.#options = options
  }

  /**
   * Resolves when all of `messages` are stored.
   *
   * @throws E_BROKER_UNREACHABLE (not sent), E_BROKER_REFUSED (not sent), E_PUBLISH_TIMEOUT (perhaps stored, perhaps not)
   */
  add(messages: readonly Outgoing[], what: string): Promise<void> {
    this.#gathering ??= this.#gather()
    const turn = this.#gathering
    turn.unanswered++
    return new Promise((resolve, reject) => {
      turn.units.push({ messages, what, turn, resolve, reject, handedOver: false })
    })
  }

  /** Resolves when everything that was added has been answered. */
  async drain(): Promise<void> {
    if (this.#gathering !== undefined) this.#endTurn(this.#gathering)
    await this.#sending
  }

  #gather(): Turn {
    const turn: Turn = { units: [], end: 0, unanswered: 0, timer: undefined }
    setImmediate(() => this.#endTurn(turn))
    return turn
  }

  #endTurn(turn: Turn): void {
    if (this.#gathering !== turn) return // drained meanwhile
    this.#gathering = undefined
    const deadlineMs = this.#options.deadline * 1000
    turn.end = performance.now() + deadlineMs
    turn.timer = setTimeout(() => this.#expire(turn), deadlineMs)
    this.#waiting = this.#waiting.concat(turn.units)
    this.#sending ??= this.#send()
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const opened = await this.#open()
      // Taken only now: some may have become late while the broker was opened.
      const units = 'broker' in opened ? this.#handOver() : this.#waiting.splice(0)
      if ('broker' in opened) await publish(opened.broker, units)
      else for (const unit of units) unit.reject(opened.error)
      for (const { turn } of units) if (--turn.unanswered === 0) clearTimeout(turn.timer)
    }
    this.#sending = undefined // in the same step as the last look at what waits
  }

  async #open(): Promise<{ readonly broker: Broker } | { readonly error: unknown }> {
    try {
      return { broker: await this.#options.broker() }
    } catch (error) {
      return { error }
    }
  }

  #handOver(): readonly Unit[] {
    let messages = 0
    const end = this.#waiting.findIndex((unit, at) => {
      messages += unit.messages.length
      return at > 0 && messages > MOST_MESSAGES
    })
    const units = this.#waiting.splice(0, end < 0 ? this.#waiting.length : end)
    for (const unit of units) unit.handedOver = true
    return units
  }

  /** Those that were answered already take no notice. */
  #expire(turn: Turn): void {
    const { units } = turn
    const within = `within ${this.#options.deadline} s`
    for (const unit of units) if (!unit.handedOver) unit.reject(notSent(unit.what, `the broker could not be reached ${within}`))
    const late = new Set(units)
    this.#waiting = this.#waiting.filter((unit) => !late.has(unit))
    // The adapter's own deadline may be the same: a moment more, for it knows whether anything was sent at all.
    turn.timer = setTimeout(() => {
      for (const unit of units) unit.reject(fateUnknown(unit.what, `no answer ${within}`))
    }, ADAPTER_GRACE_MS)
  }
}

/** Answers every unit; never rejects. */
async function publish(broker: Broker, units: readonly Unit[]): Promise<void> {
  if (units.length === 0) return
  const deadlineMs = Math.max(1, Math.min(...units.map(({ turn }) => turn.end)) - performance.now())
  try {
    await broker.publish(
      units.flatMap((unit) => unit.messages),
      deadlineMs,
    )
    for (const unit of units) unit.resolve()
  } catch (error) {
    if (units.length > 1 && isCode(error, 'E_BROKER_REFUSED')) {
      // Nothing was stored because of one of them: only its sender shall hear of it.
      await Promise.all(units.map((unit) => publish(broker, [unit])))
    } else for (const unit of units) unit.reject(explained(unit.what, error))
  }
}

/** The broker's error, about this unit. */
function explained(what: string, error: unknown): unknown {
  if (isCode(error, 'E_BROKER_UNREACHABLE')) return notSent(what, reason(error), error)
  return isCode(error, 'E_PUBLISH_TIMEOUT') ? fateUnknown(what, reason(error), error) : error
}

function isCode(error: unknown, code: CelerityError['code']): boolean {
  return isCelerityError(error) && error.code === code
}

function notSent(what: string, why: string, cause?: unknown): CelerityError {
  return new CelerityError('E_BROKER_UNREACHABLE', {
    message: `${what} was not sent: ${why}`,
    hint: 'Is it running? brokerUrl names it; taskPublishDeadline is how long a send may take.',
    cause,
  })
}

function fateUnknown(what: string, why: string, cause?: unknown): CelerityError {
  return new CelerityError('E_PUBLISH_TIMEOUT', {
    message: `${what} may or may not have been stored: ${why}`,
    hint: 'Sending again may run it twice; the result of its id, once there, tells that it arrived.',
    cause,
  })
}
