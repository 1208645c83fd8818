/**
 * The Redis broker: kombu's queues, envelopes and channels byte for byte; what is in flight with us in lanes under one lease per worker
 * (docs/redis.md). Every step is one script that is safe to send twice, so `RedisLink` may repeat it after a cut.
 */
import { randomUUID } from 'node:crypto'
import { CelerityError, reason } from '../../errors.js'
import { maskUrl } from '../../mask.js'
import { type RedisLink, Unreachable } from '../../redis/link.js'
import {
  type Broadcast,
  type Broker,
  type Consumer,
  type Heard,
  type InFlight,
  type Judge,
  type KnownWorker,
  type Outgoing,
  priorityStep,
  type Registration,
  type Renewal,
  type StartedPosition,
  type Subscription,
  type Tended,
} from '../broker.js'
import type { BrokerOptions } from '../options.js'
import { Wakefulness } from '../wakefulness.js'
import { Bindings } from './bindings.js'
import { Channels } from './channels.js'
import { RedisConsumer, type Registered } from './consumer.js'
import { DueMessages } from './due.js'
import { RedisJournal } from './journal.js'
import { Keys } from './keys.js'
import { KnownWorkers } from './known-workers.js'
import { Mailboxes } from './mailboxes.js'
import { openLink } from './open-link.js'
import type { Argument } from './ops.js'
import { Primacy } from './primacy.js'
import { RedisQueues } from './queues.js'
import { type Reaper, reap } from './reaper.js'
import { writeEntry } from './registry-entry.js'
import { Replicas } from './replicas.js'
import { refuseMissingRights } from './rights.js'
import { RedisSchedules } from './schedules.js'
import { scripts } from './scripts.js'
import { restoreUnacked } from './unacked.js'

/** How long a producer's mark outlives its last batch: longer than any deadline within which a batch may be sent again. */
const PRODUCER_MARK_MS = 120_000
const SWEEP_MS = 60_000
const RESTORE_MS = 10_000

export async function openRedisBroker(url: string, options: BrokerOptions): Promise<Broker> {
  return new RedisBroker(url, openLink(url, options), options)
}

export class RedisBroker implements Broker {
  readonly can
  readonly queues: RedisQueues
  readonly schedules: RedisSchedules
  readonly journal: RedisJournal
  readonly #url: string
  readonly #link: RedisLink
  readonly #options: BrokerOptions
  readonly #keys: Keys
  readonly #channels: Channels
  readonly #mailboxes: Mailboxes
  readonly #known: KnownWorkers
  readonly #consumers = new Set<RedisConsumer>()
  readonly #awake = new Wakefulness(() => performance.now(), Date.now)
  readonly #due: DueMessages
  readonly #reaper: Reaper
  readonly #replicas: Replicas
  readonly #producer = randomUUID()
  readonly #bindings: Bindings
  /** As the last renewal has seen it, by incarnation: the data are others when it is another. */
  readonly #generations = new Map<string, string>()
  #batch = 0
  #swept = Number.NEGATIVE_INFINITY
  #restored = Number.NEGATIVE_INFINITY
  #publishing: Promise<unknown> = Promise.resolve()

  constructor(url: string, link: RedisLink, options: BrokerOptions) {
    this.#url = url
    this.#link = link
    this.#options = options
    this.#keys = new Keys(options.keyPrefix)
    this.#channels = new Channels(url, this.#keys, options)
    this.#mailboxes = new Mailboxes(url, link, this.#keys, options)
    this.#known = new KnownWorkers(link, this.#keys)
    this.#bindings = new Bindings(link, this.#keys, options.log)
    this.#due = new DueMessages(link, this.#keys, options)
    this.#reaper = {
      link,
      keys: this.#keys,
      primacy: new Primacy(link, this.#keys.scratch),
      awake: this.#awake,
      log: options.log,
      isOurs: (incarnation) => [...this.#consumers].some((consumer) => consumer.incarnation === incarnation),
    }
    this.#replicas = new Replicas(link, options)
    this.queues = new RedisQueues(link, this.#keys)
    this.journal = new RedisJournal(link, this.#keys)
    this.schedules = new RedisSchedules(link, this.#keys, this.#bindings)
    this.can = { priorities: true, delay: true, shared: true, server: link.server }
  }

  publish(messages: readonly Outgoing[], deadlineMs?: number): Promise<void> {
    if (messages.length === 0) return Promise.resolve()
    // One batch after the other: the producer's mark tells a repeated batch by its number, so they must arrive in order.
    const sent = this.#publishing.then(() => this.#publish(messages, deadlineMs))
    this.#publishing = sent.catch(() => {}) // the caller hears of it; the next batch does not depend on it
    return sent
  }

  async #publish(messages: readonly Outgoing[], deadlineMs: number | undefined): Promise<void> {
    this.#batch++
    const keys: string[] = [this.#keys.producer(this.#producer), this.#keys.queues]
    const lists = new Map<string, (Uint8Array | string)[]>()
    const args: Argument[] = []
    const fresh = this.#bindings.missing(messages.map(({ queue }) => queue))
    for (const [index, message] of messages.entries()) {
      const step = priorityStep(message.priority)
      if (message.due === undefined) {
        const list = this.#keys.list(message.queue, step)
        const group = lists.get(list)
        if (group === undefined) lists.set(list, [message.raw])
        else group.push(message.raw)
      } else {
        keys.push(this.#keys.delayed(message.queue), this.#keys.delayedRaw(message.queue))
        args.push('d', `${step}:${this.#producer}.${this.#batch}.${index}`, Math.ceil(message.due), message.raw as string)
      }
    }
    for (const [list, raws] of lists) {
      keys.push(list)
      args.push('l', raws.length, ...(raws as string[]))
    }
    try {
      await this.#replicas.stored(scripts.publish, keys, [this.#batch, PRODUCER_MARK_MS, fresh.size, ...fresh, ...args], deadlineMs)
    } catch (error) {
      throw error instanceof Unreachable && error.sent ? fateUnknown(error) : error
    }
    await this.#bindings.add(fresh)
  }

  async register(worker: Registration): Promise<Consumer> {
    const { incarnation, node, leaseMs, queues, write } = worker
    await refuseMissingRights(this.#link, this.#keys, queues, write)
    await this.#refuseEviction()
    const entry = { node, leaseMs, queues, since: Date.now(), pid: process.pid, process: worker.process ?? null }
    const keys = [
      this.#keys.registry,
      this.#keys.epoch(incarnation),
      this.#keys.lease(incarnation),
      this.#keys.queues,
      this.#keys.generation,
    ]
    const args = [incarnation, writeEntry(entry), leaseMs, randomUUID(), ...queues]
    const generation = String(await this.#link.script(scripts.register, keys, args))
    await this.#bindings.add(queues)
    return this.#consumer({ incarnation, entry, generation })
  }

  attach({ incarnation, node, leaseMs, queues, process: mark = null }: Registration): Consumer {
    const entry = { node, leaseMs, queues, since: Date.now(), pid: process.pid, process: mark }
    return this.#consumer({ incarnation, entry, generation: null })
  }

  #consumer(registered: Registered): RedisConsumer {
    const closed = (it: RedisConsumer) => void this.#consumers.delete(it)
    const consumer = new RedisConsumer(this.#url, this.#link, this.#keys, registered, this.#options, closed)
    this.#consumers.add(consumer)
    return consumer
  }

  /** A server that may evict keys may evict a lease or a queue: then nothing can be promised. */
  async #refuseEviction(): Promise<void> {
    const info = await this.#link.run((client) => client.info('memory'))
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'noeviction'
    const limited = Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0) > 0
    if (policy === 'noeviction') return
    const where = maskUrl(this.#url)
    if (!limited || this.#options.allowEviction) {
      this.#options.log.warning(`${where} has maxmemory-policy ${policy}: with a memory limit it may evict queues and leases`)
      return
    }
    throw new CelerityError('E_BROKER_UNSAFE', {
      message: `${where} has maxmemory-policy ${policy}: it may evict queues and leases, and tasks with them`,
      hint: 'Set it: redis-cli CONFIG SET maxmemory-policy noeviction. To run all the same: brokerAllowEviction: true.',
    })
  }

  async renew(incarnation: string, started: readonly StartedPosition[]): Promise<Renewal> {
    const k = this.#keys
    const keys = [k.epoch(incarnation), k.lease(incarnation), k.lanes(incarnation), k.started(incarnation), k.generation]
    const positions = started.map((s) => `${s.lane}:${s.position}`)
    const [kind, generation = '', ...lanes] = ((await this.#link.script(scripts.renew, keys, positions)) as Buffer[]).map(String)
    if (kind === 'kept') {
      this.#generations.set(incarnation, generation)
      return { kind, lanes }
    }
    const known = this.#generations.get(incarnation)
    if (known !== undefined && known !== generation) return { kind: 'gone' }
    this.#generations.delete(incarnation)
    return { kind: 'lost' }
  }

  /** Each of these duties by itself: one that fails, and goes on failing, must not keep the others from being done. */
  async tend(judge: Judge): Promise<Tended> {
    const duties = await Promise.allSettled([reap(this.#reaper, judge), this.#due.move(), this.#sweep(), this.#restore()])
    for (const duty of duties) if (duty.status === 'rejected') throw duty.reason
    const [reaped, due] = duties as [PromiseFulfilledResult<Tended['reaped']>, PromiseFulfilledResult<number>, ...unknown[]]
    return { due: due.value, reaped: reaped.value }
  }

  /** What Python's workers that are gone have left. */
  async #restore(): Promise<void> {
    const { clock, visibilityTimeout, log } = this.#options
    const monotonic = clock.monotonic()
    if (monotonic - this.#restored < Math.min(RESTORE_MS, visibilityTimeout * 500)) return
    this.#restored = monotonic
    // Not ours: where it can't be read, our own house is kept all the same.
    await restoreUnacked(this.#link, this.#keys, visibilityTimeout, log).catch((error: unknown) => {
      log.debug(`what Python workers hold was not looked at: ${reason(error)}`)
    })
  }

  /** Takes away what askers that were killed have left, once a minute. */
  async #sweep(): Promise<void> {
    const monotonic = this.#options.clock.monotonic()
    if (monotonic - this.#swept < SWEEP_MS) return
    this.#swept = monotonic
    await this.#mailboxes.sweep()
  }

  async reserve(limit: string, intervalMs: number, count: number): Promise<readonly number[]> {
    if (count === 0) return []
    const keys = [this.#keys.rate(limit), this.#keys.slots(randomUUID())]
    // Remembered for longer than the call may be sent again.
    return (await this.#link.script(scripts.reserve, keys, [intervalMs, count, 2 * this.#options.deadlineMs])) as number[]
  }

  async revoke(ids: readonly string[], ttl: number): Promise<void> {
    if (ids.length > 0)
      await this.#link.script(scripts.revoke, [this.#keys.revoked, this.#keys.revocations], [Math.ceil(ttl * 1000), ...ids])
  }

  async revoked(): Promise<ReadonlySet<string>> {
    return this.#link.run(async (client) => {
      const [seconds] = await client.time()
      return new Set(await client.zrangebyscore(this.#keys.revoked, Number(seconds) * 1000, '+inf'))
    })
  }

  async broadcast(message: Broadcast): Promise<Heard> {
    const heard = await this.#broadcast(message)
    // A node passes it on to the others, and counts its own subscribers.
    return this.#link.isCluster ? { ...heard, listeners: null } : heard
  }

  async #broadcast(message: Broadcast): Promise<Heard> {
    const channel = this.#keys.channel(this.#link.address.db, message.exchange, message.routingKey)
    const { events = 0 } = message
    if (events > 0) return this.journal.broadcast(channel, message, events)
    return { listeners: await this.#link.run((client) => client.publish(channel, message.raw as string)), readers: 0 }
  }

  subscribe(exchange: string, pattern: string, hear: (message: Broadcast) => void): Promise<Subscription> {
    return this.#channels.subscribe(exchange, pattern, hear)
  }

  mailbox(exchange: string, routingKey: string, hear: (raw: Buffer) => void): Promise<Subscription> {
    return this.#mailboxes.open(exchange, routingKey, hear)
  }

  deliver(message: Broadcast): Promise<void> {
    return this.#mailboxes.deliver(message)
  }

  note(incarnation: string, state: string): Promise<void> {
    return this.#known.note(incarnation, state)
  }

  workers(): Promise<readonly KnownWorker[]> {
    return this.#known.workers()
  }

  inFlight(incarnation: string, limit: number): Promise<readonly InFlight[]> {
    return this.#known.inFlight(incarnation, limit)
  }

  async close(): Promise<void> {
    this.#awake.close()
    await this.#publishing
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()))
    await this.#mailboxes.close()
    await this.#channels.close()
    await this.#link.close()
  }
}

function fateUnknown(error: Unreachable): CelerityError {
  return new CelerityError('E_PUBLISH_TIMEOUT', {
    message: `the messages may or may not have been stored: ${error.message}`,
    hint: error.hint,
    cause: error,
  })
}
