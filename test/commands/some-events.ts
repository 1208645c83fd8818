/** Events of a worker that is not there, for tests of what shows them: written as a worker writes them. */
import { randomUUID } from 'node:crypto'
import type { Broker } from '../../src/broker/broker.js'
import { EventEncoder } from '../../src/protocol/event-encode.js'

type Event = Readonly<Record<string, unknown>> & { readonly type: string }

export class SomeEvents {
  readonly node: string
  readonly #broker: Broker
  readonly #encoder: EventEncoder
  #clock = 0

  constructor(broker: Broker, node = 'w1@test') {
    this.#broker = broker
    this.node = node
    this.#encoder = new EventEncoder({ node, pid: 1234 })
  }

  /** Each with its type and what belongs to it; who, when and which clock is added. */
  async send(...events: readonly Event[]): Promise<void> {
    const texts = events.map((event) =>
      ascii({ hostname: this.node, utcoffset: 0, pid: 1234, clock: ++this.#clock, timestamp: Date.now() / 1000, ...event }),
    )
    await this.#broker.broadcast(this.#encoder.many(Buffer.from(`[${texts.join(', ')}]`), texts.length))
  }

  /** A heartbeat, by which the worker is online for two minutes. */
  heartbeat(active: number, processed: number): Promise<void> {
    return this.send({ type: 'worker-heartbeat', freq: 60, active, processed, loadavg: [0.5, 1, 2], sw_ident: 'celerity', sw_ver: '0' })
  }

  /** A task that a worker has received and started. @returns its id */
  async start(name: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const uuid = randomUUID()
    await this.send(
      { type: 'task-received', uuid, name, args: '(1, 2)', kwargs: '{}', root_id: uuid, retries: 0, queue: 'celery', ...more },
      { type: 'task-started', uuid },
    )
    return uuid
  }
}

/** As Python's JSON: the envelope takes nothing else. */
function ascii(value: object): string {
  return JSON.stringify(value).replace(/[^\0-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
