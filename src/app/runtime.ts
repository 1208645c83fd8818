/** What an application is once its settings are known: what it sends with, and what it is connected to. */
import { hostname } from 'node:os'
import type { Clock } from '../clock.js'
import type { Settings } from '../config/schema.js'
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

  constructor({ settings, registry, log, clock }: RuntimeParts) {
    this.settings = settings
    this.log = log
    this.clock = clock
    this.connections = new Connections(settings, log, clock)
    this.builder = new MessageBuilder({ registry, settings, clock, origin: `gen${process.pid}@${hostname()}` })
    this.#batch = new PublishBatch({ broker: () => this.connections.broker(), deadline: settings.taskPublishDeadline })
    this.producer = new Producer(this.builder, this.#batch)
  }

  /** Waits for what is being sent, then ends the connections. */
  async close(): Promise<void> {
    await this.#batch.drain()
    await this.connections.close()
  }
}
