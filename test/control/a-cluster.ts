/** Workers that only answer: on a broker in memory, and a clock that stands still until it is told to go on. */
import type { Broadcast, Broker, Heard, Subscription } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import type { Clock } from '../../src/clock.js'
import { ControlClient } from '../../src/control/client.js'
import { isFor } from '../../src/control/pattern.js'
import { createLog } from '../../src/log.js'
import { CONTROL_EXCHANGE, type ControlRequest, type ControlStamp, decodeControl, encodeReply } from '../../src/protocol/control.js'
import { Lamport } from '../../src/protocol/lamport.js'

export type Heeded = ControlRequest & ControlStamp

/** What a node says to a request; undefined: nothing. */
export type Answer = (request: Heeded) => unknown

export class ACluster {
  readonly broker: Broker
  readonly clock = new StillClock()
  readonly lamport = new Lamport()
  readonly warnings: string[] = []
  /** What the nodes heard, in order. */
  readonly heard: Heeded[] = []
  readonly client: ControlClient
  readonly #closing: { close(): Promise<void> }[] = []

  /** @param listeners what the broker says of whom a broadcast reached; absent: the truth */
  static async open(listeners?: number | null): Promise<ACluster> {
    return new ACluster(await openBroker('memory://'), listeners)
  }

  private constructor(broker: Broker, listeners: number | null | undefined) {
    this.broker = listeners === undefined ? broker : telling(broker, listeners)
    const log = createLog('warning', (_, text) => this.warnings.push(text))
    this.client = new ControlClient({ broker: this.broker, lamport: this.lamport, clock: this.clock, log }, { timeout: 1 })
    this.#closing.push(this.client, broker)
  }

  async node(name: string, answer: Answer): Promise<Subscription> {
    const listening = await this.broker.subscribe(CONTROL_EXCHANGE, '*', async ({ raw }) => {
      const decoded = decodeControl(Buffer.from(raw))
      if (!decoded.ok) throw new Error(decoded.why)
      const { request } = decoded
      if (!(await isFor(request, name))) return
      this.heard.push(request)
      const value = answer(request)
      if (value !== undefined) await this.reply(request, name, value)
    })
    this.#closing.unshift(listening)
    return listening
  }

  async reply({ reply }: Heeded, node: string, value: unknown, clock = 40): Promise<void> {
    if (reply === undefined) return
    await this.deliver(reply.routingKey, encodeReply({ ...reply, clock }, node, value))
  }

  deliver(routingKey: string, raw: string): Promise<void> {
    return this.broker.deliver({ exchange: 'reply.celery.pidbox', routingKey, raw })
  }

  async close(): Promise<void> {
    for (const one of this.#closing) await one.close()
  }
}

/** Time passes by `pass()` alone. */
class StillClock implements Clock {
  readonly #sleepers = new Set<{ readonly until: number; wake(): void }>()
  #now = 1_795_330_130_000

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  get sleepers(): number {
    return this.#sleepers.size
  }

  sleep(seconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(sleeper)
        resolve()
      }
      const sleeper = { until: this.#now + seconds * 1000, wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', sleeper.wake, { once: true })
    })
  }

  pass(seconds: number): void {
    this.#now += seconds * 1000
    for (const { until, wake } of this.#sleepers) if (until <= this.#now) wake()
  }
}

function telling(broker: Broker, listeners: number | null): Broker {
  return new Proxy(broker, {
    get(target, key) {
      if (key === 'broadcast') return async (message: Broadcast): Promise<Heard> => ({ ...(await target.broadcast(message)), listeners })
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
