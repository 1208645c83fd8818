/** What every scene of the broker suite plays on: connections to one server, workers on them, and ways to look. */
import { randomUUID } from 'node:crypto'
import type { Broker, Consumer, Delivery, Fate, Judge, Orphan, Outgoing, Settlement, Taken } from '../../../src/broker/broker.js'
import type { ResultStore } from '../../../src/results/store.js'
import { eventually } from '../../eventually.js'

export { eventually }

export interface BrokerHarness {
  /** Another connection to the same server each time. */
  open(): Promise<Broker>
  /** A result store on the same server, if this server can hold one. */
  openResults?(): Promise<ResultStore>
  /** Ends the server; the connections were closed before. */
  destroy(): Promise<void>
}

/** A lease that outlives every test, and one that has run out at once: then the next `tend` reaps. */
export const LONG_LEASE_MS = 60_000
export const NO_LEASE_MS = 1

export const QUEUE = 'kuma'

export class Stage {
  readonly #harness: BrokerHarness
  readonly #closing: { close(): Promise<void> }[] = []
  broker!: Broker
  /** Where workers live that die: nobody is fenced over the connection that registered him. */
  elsewhere!: Broker

  constructor(harness: BrokerHarness) {
    this.#harness = harness
  }

  get hasResults(): boolean {
    return this.#harness.openResults !== undefined
  }

  async setUp(): Promise<void> {
    this.broker = await this.connect()
    this.elsewhere = await this.connect()
  }

  async connect(): Promise<Broker> {
    const broker = await this.#harness.open()
    this.#closing.push(broker)
    return broker
  }

  async results(): Promise<ResultStore> {
    if (this.#harness.openResults === undefined) throw new Error('this server holds no results')
    const store = await this.#harness.openResults()
    this.#closing.push(store)
    return store
  }

  async worker(options: Partial<WorkerOptions> = {}): Promise<Hand> {
    const {
      broker = this.broker,
      incarnation = randomUUID(),
      node = 'celery@test',
      leaseMs = LONG_LEASE_MS,
      queues = [QUEUE],
      process,
    } = options
    const consumer = await broker.register({ incarnation, node, leaseMs, queues, process })
    return new Hand(broker, consumer, queues)
  }

  /** A worker whose lease has run out before anybody looks. */
  async doomed(options: Partial<WorkerOptions> = {}): Promise<Hand> {
    return this.worker({ broker: this.elsewhere, ...options, leaseMs: NO_LEASE_MS })
  }

  async publish(...texts: string[]): Promise<void> {
    await this.broker.publish(texts.map((text) => message(text)))
  }

  /** Tends until a worker was reaped; returns how many messages that worker had held. */
  async reap(judge: Judge = giveBack, broker = this.broker): Promise<number> {
    return eventually(async () => {
      const { reaped } = await broker.tend(judge)
      return reaped.length === 0 ? undefined : reaped.reduce((sum, { messages }) => sum + messages, 0)
    })
  }

  /** Everything that is ready, taken by a new worker (which keeps it leased), as text. */
  async drain(queue = QUEUE): Promise<string[]> {
    const worker = await this.worker({ queues: [queue] })
    const texts: string[] = []
    for (;;) {
      const got = await worker.take(100)
      if (got.length === 0) return texts
      texts.push(...got.map(textOf))
    }
  }

  async counts(queue = QUEUE) {
    const [counts] = await this.broker.queues.counts([queue])
    if (counts === undefined) throw new Error(`no counts of ${queue}`)
    return counts
  }

  async tearDown(): Promise<void> {
    await Promise.all(this.#closing.map((each) => each.close()))
    await this.#harness.destroy()
  }
}

export interface WorkerOptions {
  readonly broker: Broker
  readonly incarnation: string
  readonly node: string
  readonly leaseMs: number
  readonly queues: readonly string[]
  readonly process: string | null
}

/** A worker in a test: a consumer that counts its takes, and the keeper that renews it. */
export class Hand {
  seq = 0

  constructor(
    readonly broker: Broker,
    readonly consumer: Consumer,
    readonly queues: readonly string[],
  ) {}

  /** The next take, which must not be lost. */
  async take(max = 10): Promise<readonly Delivery[]> {
    return (await this.taken(max)).deliveries
  }
  async taken(max = 10): Promise<Taken> {
    this.seq++
    return held(await this.consumer.take(this.seq, this.queues, max))
  }
  async takeOne(): Promise<Delivery> {
    const [delivery] = await this.take(1)
    if (delivery === undefined) throw new Error('nothing was there to take')
    return delivery
  }
  settle(...settlements: Settlement[]): Promise<'ok' | 'lost'> {
    return this.consumer.settle(settlements)
  }
  ack(...deliveries: Delivery[]): Promise<'ok' | 'lost'> {
    return this.consumer.settle(deliveries.map((delivery) => ({ delivery, fate: ACK })))
  }
  renew(started: readonly Delivery[] = []) {
    return this.broker.renew(
      this.consumer.incarnation,
      started.map(({ lane, position }) => ({ lane: lane.name, position })),
    )
  }
}

export const ACK: Fate = { kind: 'ack' }
export const FRONT: Fate = { kind: 'requeue', to: 'front' }
export const BACK: Fate = { kind: 'requeue', to: 'back' }
export const DEAD: Fate = { kind: 'dead', reason: 'malformed-envelope', detail: 'headers: expected an object' }

/** The judge of most tests: everything goes back to where it was. */
export const giveBack: Judge = () => ({ fate: FRONT })

/** A judge that gives everything back and remembers what it was shown. */
export function witness(fate: Fate = FRONT): { readonly judge: Judge; readonly seen: Orphan[] } {
  const seen: Orphan[] = []
  return {
    seen,
    judge: (orphan) => {
      seen.push(orphan)
      return { fate }
    },
  }
}

export function message(text: string, options: Partial<Omit<Outgoing, 'raw'>> = {}): Outgoing {
  return { queue: QUEUE, priority: 0, raw: text, ...options }
}

/** A kombu envelope of a task, with the fields a broker may look at. */
export function envelope(id: string): string {
  return JSON.stringify({
    body: 'W1tdLCB7fSwge31d',
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers: { lang: 'js', task: 'kuma.add', id, root_id: id, parent_id: null },
    properties: { correlation_id: id, delivery_info: { exchange: '', routing_key: QUEUE }, delivery_tag: randomUUID(), priority: 0 },
  })
}

export function textOf(delivery: { readonly raw: Buffer }): string {
  return delivery.raw.toString()
}
export function texts(deliveries: readonly { readonly raw: Buffer }[]): string[] {
  return deliveries.map(textOf)
}

export function held(taken: Taken | 'lost'): Taken {
  if (taken === 'lost') throw new Error('the incarnation was fenced')
  return taken
}

/** Seconds that `promise` took. */
export async function timed(promise: Promise<unknown>): Promise<number> {
  const start = performance.now()
  await promise
  return (performance.now() - start) / 1000
}

/** `count` names: prefix0, prefix1, … */
export function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`)
}
