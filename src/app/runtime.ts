/** What an application is once its settings are known: what it sends with, and what it is connected to. */
import { hostname } from 'node:os'
import type { Broadcast } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import type { Settings } from '../config/schema.js'
import { SentEvents } from '../events/sent-events.js'
import type { Log } from '../log.js'
import { Connections } from './connections.js'
import { MessageBuilder } from './message-builder.js'
import { Producer } from './producer.js'
import { PublishBatch } from './publish-batch.js'
import type { Registry } from './registry.js'

export interface RuntimeParts {
  readonly settings: Settings
  readonly registry: Registry
  readonly log: Log
  readonly clock: Clock
}

export class Runtime {
  readonly settings: Settings
  readonly log: Log
  readonly clock: Clock
  readonly connections: Connections
  readonly builder: MessageBuilder
  readonly producer: Producer
  readonly #batch: PublishBatch
  readonly #events: SentEvents | null

  constructor({ settings, registry, log, clock }: RuntimeParts) {
    this.settings = settings
    this.log = log
    this.clock = clock
    this.connections = new Connections(settings, log, clock)
    const origin = `gen${process.pid}@${hostname()}`
    this.builder = new MessageBuilder({ registry, settings, clock, origin })
    this.#batch = new PublishBatch({ broker: () => this.connections.broker(), deadline: settings.taskPublishDeadline })
    const source = { node: origin, pid: process.pid }
    const broadcast = async (message: Broadcast) => (await this.connections.broker()).broadcast(message)
    this.#events = settings.taskSendSentEvent ? new SentEvents({ broadcast, source, clock, log }) : null
    this.producer = new Producer(this.builder, this.#batch, this.#events)
  }

  /** Waits for what is being sent, then ends the connections. */
  async close(): Promise<void> {
    await this.#batch.drain()
    await this.#events?.close()
    await this.connections.close()
  }
}
