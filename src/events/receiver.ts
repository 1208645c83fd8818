/** Hears the events that are broadcast now, from workers of ours and of Python's. What was missed is in the journal. */
import type { Broadcast, Broker, Subscription } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import { reason } from '../errors.js'
import type { Log } from '../log.js'
import { CONTROL_EXCHANGE, encodeControl } from '../protocol/control.js'
import { type ClusterEvent, decodeEvents, EVENT_EXCHANGE } from '../protocol/event.js'
import type { Lamport } from '../protocol/lamport.js'

export interface ReceiverParts {
  readonly broker: Pick<Broker, 'subscribe' | 'broadcast'>
  readonly lamport: Lamport
  readonly clock: Clock
  readonly log: Log
}

export interface ReceiverOptions {
  /** Called with what one message held, never with nothing; it must not throw. */
  readonly hear: (events: readonly ClusterEvent[]) => void
  /** Only events of these types; absent: all. */
  readonly types?: ReadonlySet<string> | undefined
  /** For who reads the journal too: what is in there is passed over here. */
  readonly passOverJournaled?: boolean | undefined
}

export interface ReceiverCounts {
  readonly messages: number
  readonly events: number
  /** Events that were none. */
  readonly bad: number
}

export interface Receiver extends Subscription {
  readonly counts: ReceiverCounts
}

/** Resolves once it listens. Workers are asked for a sign of life, so that they show at once. */
export async function openReceiver(parts: ReceiverParts, options: ReceiverOptions): Promise<Receiver> {
  const { broker, lamport, log } = parts
  const ear = new Ear(parts, options)
  const subscription = await broker.subscribe(EVENT_EXCHANGE, '*', (message) => ear.hear(message))
  // Heartbeats come by themselves a little later, so this may fail.
  broker.broadcast(wakeUp(lamport)).catch((error: unknown) => log.debug(`workers were not asked for a heartbeat: ${reason(error)}`))
  return { counts: ear.counts, close: () => subscription.close() }
}

function wakeUp(lamport: Lamport): Broadcast {
  const raw = encodeControl({ method: 'heartbeat', arguments: {} }, { clock: lamport.tick(), expires: 0 })
  return { exchange: CONTROL_EXCHANGE, routingKey: '', raw }
}

class Ear {
  readonly counts = { messages: 0, events: 0, bad: 0 }
  readonly #parts: ReceiverParts
  readonly #options: ReceiverOptions

  constructor(parts: ReceiverParts, options: ReceiverOptions) {
    this.#parts = parts
    this.#options = options
  }

  hear({ raw }: Broadcast): void {
    const { lamport, clock, log } = this.#parts
    const { types, passOverJournaled, hear } = this.#options
    const { events, bad, why } = decodeEvents(raw, { localReceived: clock.now() / 1000, passOverJournaled })
    this.counts.messages++
    this.counts.events += events.length
    this.counts.bad += bad
    if (bad > 0) log.debug(`not an event: ${why}`, { bad })
    const latest = latestClock(events)
    if (latest > 0) lamport.adjust(latest)
    const wanted = types === undefined ? events : events.filter(({ type }) => types.has(type))
    if (wanted.length > 0) hear(wanted)
  }
}

/** Clients keep a clock of their own that nobody sets, so theirs says nothing. */
function latestClock(events: readonly ClusterEvent[]): number {
  let latest = 0
  for (const { clock, type } of events) if (clock > latest && type !== 'task-sent') latest = clock
  return latest
}
