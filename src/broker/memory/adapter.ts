/**
 * The broker of one process: for tests, eager runs and the first steps. The smallest adapter, and the model for a new one: what is a
 * method of `MemoryServer` here is a transaction or a script there.
 */
import { randomUUID } from 'node:crypto'
import { CelerityError } from '../../errors.js'
import type {
  Broadcast,
  Broker,
  BrokerAbilities,
  Consumer,
  Heard,
  InFlight,
  Judge,
  KnownWorker,
  Outgoing,
  Registration,
  Renewal,
  StartedPosition,
  Subscription,
  Tended,
} from '../broker.js'
import { matches } from '../glob.js'
import type { BrokerOptions } from '../options.js'
import { MemoryConsumer } from './consumer.js'
import { MemoryJournal } from './journal.js'
import { inFlight, knownWorkers, note } from './known-workers.js'
import { MemoryQueues } from './queues.js'
import { tend } from './reaper.js'
import { MemorySchedules } from './schedules.js'
import { bytes, MemoryServer, type Subscriber } from './server.js'
import { Worker } from './worker.js'

/** `memory://name`: the same name in one process is the same broker; `memory://` alone is one of its own. */
export async function openMemoryBroker(url: string, options: BrokerOptions): Promise<Broker> {
  return new MemoryBroker(serverNamed(url.replace(/^memory:(\/\/)?/i, '')), options)
}

/** On `globalThis`, not in this module: a task module loaded through another loader may hold a second copy of it. */
const SERVERS = Symbol.for('celerity.broker.memory')

function serverNamed(name: string): MemoryServer {
  if (name === '') return new MemoryServer(randomUUID())
  const shared = globalThis as { [SERVERS]?: Map<string, MemoryServer> }
  shared[SERVERS] ??= new Map()
  const known = shared[SERVERS].get(name)
  if (known !== undefined) return known
  const server = new MemoryServer(name)
  shared[SERVERS].set(name, server)
  return server
}

class MemoryBroker implements Broker {
  readonly can: BrokerAbilities
  readonly queues: MemoryQueues
  readonly schedules: MemorySchedules
  readonly journal: MemoryJournal
  readonly #server: MemoryServer
  readonly #options: BrokerOptions
  readonly #connected: number
  readonly #subscriptions = new Set<Subscription>()
  /** Registered over this connection, and not resigned. */
  readonly #own = new Set<string>()
  readonly #check = () => {
    if (this.#closed) throw new CelerityError('E_BROKER_UNREACHABLE', { message: 'This connection to the broker was closed' })
  }
  #closed = false

  constructor(server: MemoryServer, options: BrokerOptions) {
    this.#server = server
    this.#options = options
    this.#connected = options.clock.monotonic()
    this.can = { priorities: true, delay: true, shared: false, server: `memory:${server.name}` }
    this.queues = new MemoryQueues(server, this.#check)
    this.schedules = new MemorySchedules(server, options.clock, this.#check)
    this.journal = new MemoryJournal(server.journal, options.clock, this.#check)
  }

  async publish(messages: readonly Outgoing[]): Promise<void> {
    this.#check()
    this.#server.publish(messages, this.#options.clock.now())
  }

  async register(registration: Registration): Promise<Consumer> {
    this.#check()
    const { incarnation, leaseMs } = registration
    const worker = this.#server.workers.get(incarnation) ?? new Worker(registration, this.#options.clock.monotonic() + leaseMs)
    this.#server.workers.set(incarnation, worker)
    this.#own.add(incarnation)
    return this.#consumer(worker)
  }

  attach(registration: Registration): Consumer {
    const worker = this.#server.workers.get(registration.incarnation) ?? fenced(registration)
    return this.#consumer(worker)
  }

  #consumer(worker: Worker): MemoryConsumer {
    const resigned = () => void this.#own.delete(worker.registration.incarnation)
    return new MemoryConsumer(this.#server, worker, this.#options.clock, this.#check, resigned)
  }

  async renew(incarnation: string, started: readonly StartedPosition[]): Promise<Renewal> {
    this.#check()
    const worker = this.#server.workers.get(incarnation)
    if (worker === undefined || !worker.epoch) return { kind: 'lost' }
    worker.leaseUntil = this.#options.clock.monotonic() + worker.registration.leaseMs
    worker.started = new Set(started.map(({ lane, position }) => `${lane}:${position}`))
    return { kind: 'kept', lanes: [...worker.lanes.keys()] }
  }

  async tend(judge: Judge): Promise<Tended> {
    this.#check()
    const { clock } = this.#options
    return tend(this.#server, judge, { now: clock.now(), monotonic: clock.monotonic(), connected: this.#connected, own: this.#own })
  }

  async reserve(limit: string, intervalMs: number, count: number): Promise<readonly number[]> {
    this.#check()
    const now = this.#options.clock.monotonic()
    let at = Math.max(now, this.#server.limits.get(limit) ?? 0)
    const waits: number[] = []
    for (let slot = 0; slot < count; slot++, at += intervalMs) waits.push(Math.ceil(at - now))
    this.#server.limits.set(limit, at)
    return waits
  }

  async revoke(ids: readonly string[], ttl: number): Promise<void> {
    this.#check()
    if (ids.length === 0) return
    const until = this.#options.clock.now() + ttl * 1000
    for (const id of ids) this.#server.revoked.set(id, until)
    this.#server.revocations++
  }

  async revoked(): Promise<ReadonlySet<string>> {
    this.#check()
    const now = this.#options.clock.now()
    return new Set([...this.#server.revoked].filter(([, until]) => until > now).map(([id]) => id))
  }

  async broadcast(message: Broadcast): Promise<Heard> {
    this.#check()
    const { exchange, routingKey, events = 0 } = message
    const fitting = [...this.#server.subscribers].filter((each) => each.exchange === exchange && each.fits(routingKey))
    // Never inside the sender's call: there is no network here to keep the two apart.
    for (const { hear } of fitting) queueMicrotask(() => hear({ exchange, routingKey, raw: bytes(message.raw) }))
    const readers = events > 0 ? this.#server.journal.readers(this.#options.clock.now()).length : 0
    if (readers > 0) this.#server.journal.write(bytes(message.raw), events)
    return { listeners: fitting.length, readers }
  }

  async subscribe(exchange: string, pattern: string, hear: (message: Broadcast) => void): Promise<Subscription> {
    return this.#listen(exchange, (routingKey) => matches(pattern, routingKey), hear)
  }

  async mailbox(exchange: string, routingKey: string, hear: (raw: Buffer) => void): Promise<Subscription> {
    return this.#listen(
      exchange,
      (key) => key === routingKey,
      ({ raw }) => hear(raw),
    )
  }

  async deliver({ exchange, routingKey, raw }: Broadcast): Promise<void> {
    await this.broadcast({ exchange, routingKey, raw })
  }

  async note(incarnation: string, state: string): Promise<void> {
    this.#check()
    note(this.#server, incarnation, state, this.#options.clock.monotonic())
  }

  async workers(): Promise<readonly KnownWorker[]> {
    this.#check()
    return knownWorkers(this.#server, this.#options.clock.monotonic())
  }

  async inFlight(incarnation: string, limit: number): Promise<readonly InFlight[]> {
    this.#check()
    return inFlight(this.#server, incarnation, limit)
  }

  #listen(exchange: string, fits: (routingKey: string) => boolean, hear: Subscriber['hear']): Subscription {
    this.#check()
    let open = true
    const subscriber: Subscriber = {
      exchange,
      fits,
      hear: (message) => {
        try {
          if (open) hear(message)
        } catch (error) {
          this.#options.log.error('a subscriber failed on a broadcast', { exchange, routingKey: message.routingKey, error })
        }
      },
    }
    const subscription: Subscription = {
      close: async () => {
        open = false
        this.#server.subscribers.delete(subscriber)
        this.#subscriptions.delete(subscription)
      },
    }
    this.#server.subscribers.add(subscriber)
    this.#subscriptions.add(subscription)
    return subscription
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const subscription of [...this.#subscriptions]) await subscription.close()
  }
}

/** One that nobody knows may not do anything. */
function fenced(registration: Registration): Worker {
  const worker = new Worker(registration, 0)
  worker.epoch = false
  return worker
}
