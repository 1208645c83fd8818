/**
 * Acts for a worker whose event loop will not turn any more: settles the task that blocks it, exactly as the worker would have, and resigns, so
 * that its neighbours go back uncounted. The fence holds here too: whoever of the two settles first has settled.
 */
import { TimeLimitExceeded } from '../../app/throwables.js'
import type { Broker, Consumer, Delivery } from '../../broker/broker.js'
import { systemClock } from '../../clock.js'
import { Dispatcher } from '../../events/dispatcher.js'
import type { Log } from '../../log.js'
import { toWireError, type WireError } from '../../protocol/error-wire.js'
import type { Lamport } from '../../protocol/lamport.js'
import { decodeMessage, type TaskMessage } from '../../protocol/message.js'
import { openResults } from '../../results/open.js'
import type { ResultStore } from '../../results/store.js'
import { within } from '../patience.js'
import { decodeLimits } from '../request.js'
import { storeResults } from '../settler.js'
import { tellLost } from '../task-events.js'
import type { OnBoard } from './board.js'
import { type HandedOver, outcomesOf } from './handed-over.js'

export interface LastActParts {
  readonly broker: Broker
  readonly lamport: Lamport
  readonly log: Log
}

export interface LastActOptions {
  readonly incarnation: string
  readonly node: string
  readonly leaseMs: number
  readonly deadlineMs: number
  readonly queues: readonly string[]
  readonly handedOver: HandedOver
}

/** Of all that is in flight here: more than a worker ever holds. */
const MAX_READ = 10_000
/** Seconds that monitors are worth. */
const EVENT_SECONDS = 0.5

export class LastAct {
  readonly #parts: LastActParts
  readonly #options: LastActOptions
  readonly #consumer: Consumer

  constructor(parts: LastActParts, options: LastActOptions) {
    this.#parts = parts
    this.#options = options
    this.#consumer = parts.broker.attach(options)
  }

  /**
   * FAILURE (TimeLimitExceeded), acked in the same step where the results are at the broker, else right after; errbacks are sent, and nothing is
   * tried again. Once this resolves it is settled, by us or before us by the worker itself; `lost`: by neither, for others have it.
   *
   * @param limit seconds it had
   * @param stack of the code that runs, as lines `    at …`
   * @throws      when broker or result store can't be told; it may be tried again
   */
  async settle(task: OnBoard, limit: number, stack: string): Promise<'settled' | 'lost'> {
    const delivery = await this.#delivery(task)
    const { handedOver } = this.#options
    const decoded = delivery === undefined ? undefined : decodeMessage(delivery.raw, decodeLimits(handedOver))
    if (delivery === undefined || decoded?.ok !== true) return 'settled'
    const ignores = handedOver.policies[decoded.message.task]?.ignoreResult === true
    const message = ignores ? { ...decoded.message, ignoreResult: true } : decoded.message
    const error = wireError(limit, stack)
    const store = await this.#openStore()
    try {
      if ((await this.#settle(delivery, message, error, store)) === 'lost') return 'lost'
    } finally {
      await store?.close()
    }
    await this.#tell(message.id, error)
    return 'settled'
  }

  /** Gives back what this worker still holds. */
  resign(): Promise<void> {
    return this.#consumer.resign()
  }

  async #settle(delivery: Delivery, message: TaskMessage, error: WireError, store: ResultStore | null): Promise<'ok' | 'lost'> {
    const { broker, log } = this.#parts
    const { node, handedOver } = this.#options
    const outcomes = outcomesOf(handedOver, { store, brokerServer: broker.can.server, node, log })
    return this.#consumer.settle(await storeResults([outcomes.failed(delivery, message, error)], store))
  }

  /** Undefined: it is settled. */
  async #delivery({ lane, position, size }: OnBoard): Promise<Delivery | undefined> {
    const inFlight = await this.#parts.broker.inFlight(this.#options.incarnation, MAX_READ)
    const found = inFlight.find((one) => one.lane === lane && one.position === position)
    if (found === undefined) return undefined
    const seq = Number.parseInt(lane, 10) // `<seq>/<source>`
    return { lane: { name: lane, seq, queue: found.queue, size }, position, raw: found.raw }
  }

  async #openStore(): Promise<ResultStore | null> {
    const { deadlineMs, handedOver } = this.#options
    const { resultBackend, resultBackendTransportOptions } = handedOver
    if (resultBackend === null) return null
    return openResults(resultBackend, { deadlineMs, keyPrefix: resultBackendTransportOptions.globalKeyprefix ?? '', log: this.#parts.log })
  }

  /** Monitors would show it running for ever. */
  async #tell(id: string, error: WireError): Promise<void> {
    const { broker, lamport, log } = this.#parts
    const source = { broker, node: this.#options.node, pid: process.pid, lamport, clock: systemClock, log }
    const events = new Dispatcher(source, { isEnabled: true })
    tellLost(events, id, error)
    await within(events.flush(), EVENT_SECONDS)
  }
}

/** With the stack of what blocks, in place of ours. */
function wireError(limit: number, stack: string): WireError {
  const error = new TimeLimitExceeded(limit)
  error.stack = `${error.name}: ${error.message}\n${stack}`.trimEnd()
  return toWireError(error)
}
