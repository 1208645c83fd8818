/** One registered incarnation on Redis. */
import { randomUUID } from 'node:crypto'
import type { PreparedWrite } from '../../prepared-write.js'
import type { RedisLink } from '../../redis/link.js'
import type { Consumer, Delivery, Settlement, Taken } from '../broker.js'
import type { BrokerOptions } from '../options.js'
import { Holdings } from './holdings.js'
import { type Keys, suspectLane } from './keys.js'
import { openLink } from './open-link.js'
import { type OpsContext, type RedisLane, settleArguments, writeArguments } from './ops.js'
import { RedisQueues } from './queues.js'
import { type RegistryEntry, writeEntry } from './registry-entry.js'
import { Replicas } from './replicas.js'
import { scripts } from './scripts.js'
import { Waiters } from './waiters.js'

type TakeReply = [status: Buffer, now: Buffer, due: Buffer, revocations: Buffer, broken: (number | Buffer)[], taken: (number | Buffer[])[]]

type SuspectReply = [status: Buffer, now: Buffer, revocations: Buffer, source?: number, raw?: Buffer]

/** Messages of one step: a script must not hold the server up. */
const UNPARK_BATCH = 500

/** An incarnation, and what stands of it in the registry. */
export interface Registered {
  readonly incarnation: string
  readonly entry: RegistryEntry
  /** Of the server's data, when it registered; null: elsewhere, where also is known what it holds. */
  readonly generation: string | null
}

export class RedisConsumer implements Consumer {
  readonly incarnation: string
  readonly watch: NonNullable<Consumer['watch']>
  readonly #link: RedisLink
  readonly #keys: Keys
  readonly #entry: RegistryEntry
  #consumed: readonly string[]
  readonly #queues: RedisQueues
  readonly #waiters: Waiters
  readonly #replicas: Replicas
  readonly #early = new Set<string>()
  readonly #context: OpsContext
  readonly #holdings = new Holdings()
  readonly #options: BrokerOptions
  readonly #closed: (it: RedisConsumer) => void
  #generation: string | null
  #restoring: Promise<boolean> | undefined
  #turn = 0

  /** @param closed called when it has ended its connections */
  constructor(url: string, link: RedisLink, keys: Keys, worker: Registered, options: BrokerOptions, closed: (it: RedisConsumer) => void) {
    this.#closed = closed
    this.incarnation = worker.incarnation
    this.#link = link
    this.#keys = keys
    this.#entry = worker.entry
    this.#generation = worker.generation
    this.#options = options
    this.#consumed = worker.entry.queues
    this.#queues = new RedisQueues(link, keys)
    this.#waiters = new Waiters(url, keys, options)
    this.watch = {
      waiting: (queues) => waiting(url, keys, options, queues),
      reconnect: () => {
        link.rebuild()
        this.#waiters.rebuild()
      },
    }
    this.#replicas = new Replicas(link, options)
    this.#context = { keys, incarnation: this.incarnation, node: worker.entry.node, early: this.#early }
  }

  take(seq: number, queues: readonly string[], max: number): Promise<Taken | 'lost'> {
    return this.#standing(() => this.#take(seq, queues, max))
  }

  async #take(seq: number, queues: readonly string[], max: number): Promise<Taken | 'lost'> {
    const order = rotate(queues, seq) // by the number, so that a repeated take asks in the same order
    const k = this.#keys
    const keys = [k.epoch(this.incarnation), k.lanes(this.incarnation), k.marks(this.incarnation), k.revocations]
    for (const queue of order) keys.push(k.delayed(queue), k.delayedRaw(queue))
    for (let step = 0; step < 4; step++) for (const queue of order) keys.push(k.list(queue, step))
    const args = [seq, max, order.length, k.lane(this.incarnation)]
    const reply = (await this.#link.script(scripts.take, keys, args)) as TakeReply
    if (reply[0].toString() === 'lost') return 'lost'

    const due = Number(reply[2])
    return {
      deliveries: this.#deliveries(seq, order, reply[5]),
      now: Number(reply[1]),
      nextDue: due < 0 ? null : due,
      revocations: Number(reply[3]),
      broken: pairs(reply[4]).map(([source, why]) => ({ queue: order[(Number(source) - 1) % order.length] ?? '', reason: String(why) })),
    }
  }

  #deliveries(seq: number, order: readonly string[], taken: TakeReply[5]): Delivery[] {
    const deliveries: Delivery[] = []
    for (const [source, raws] of pairs(taken)) {
      const index = Number(source) - 1
      const messages = raws as Buffer[]
      const queue = order[index % order.length] ?? ''
      const step = Math.floor(index / order.length)
      const lane: RedisLane = { name: `${seq}/${source}`, seq, queue, size: messages.length, step }
      this.#holdings.hold(lane, messages)
      for (let position = 0; position < messages.length; position++) deliveries.push({ lane, position, raw: messages[position] as Buffer })
    }
    return deliveries
  }

  async suspects(queues: readonly string[]): Promise<boolean> {
    const lists = queues.flatMap((queue) => this.#keys.suspects(queue))
    return lists.length > 0 && (await this.#link.run((client) => client.exists(...lists))) > 0
  }

  takeSuspect(seq: number, queues: readonly string[]): Promise<Taken | 'lost'> {
    return this.#standing(() => this.#takeSuspect(seq, queues))
  }

  async #takeSuspect(seq: number, queues: readonly string[]): Promise<Taken | 'lost'> {
    const order = rotate(queues, seq)
    const k = this.#keys
    const sources = [4, 5, 6, 7].flatMap((step) => order.map((queue) => ({ queue, step })))
    const keys = [k.epoch(this.incarnation), k.lanes(this.incarnation), k.marks(this.incarnation), k.revocations]
    for (const { queue, step } of sources) keys.push(k.list(queue, step))
    const reply = (await this.#link.script(scripts.takeSuspect, keys, [seq, k.lane(this.incarnation)])) as SuspectReply
    const [status, now, revocations, number, raw] = reply
    if (String(status) === 'lost') return 'lost'

    const deliveries: Delivery[] = []
    const source = sources[Number(number) - 1]
    if (source !== undefined && raw !== undefined) {
      const lane: RedisLane = { name: suspectLane(seq, Number(number)), seq, size: 1, ...source }
      this.#holdings.hold(lane, [raw])
      deliveries.push({ lane, position: 0, raw })
    }
    return { deliveries, now: Number(now), nextDue: null, revocations: Number(revocations), broken: [] }
  }

  wait(queues: readonly string[], seconds: number, signal: AbortSignal): Promise<void> {
    return this.#waiters.wait(rotate(queues, this.#turn++), seconds, signal)
  }

  async closeTake(seq: number): Promise<void> {
    await this.#giveBack('close', seq)
  }

  start(deliveries: readonly Delivery[]): Promise<'ok' | 'lost'> {
    return this.#standing(() => this.#start(deliveries))
  }

  async #start(deliveries: readonly Delivery[]): Promise<'ok' | 'lost'> {
    const keys = [this.#keys.epoch(this.incarnation), this.#keys.lanes(this.incarnation), this.#keys.early(this.incarnation)]
    const reply = await this.#link.script(
      scripts.start,
      keys,
      deliveries.flatMap((d) => [d.lane.name, d.position]),
    )
    if (String(reply) === 'lost') return 'lost'
    for (const delivery of deliveries) this.#early.add(place(delivery))
    return 'ok'
  }

  tell(delivery: Delivery, writes: readonly PreparedWrite[]): Promise<'ok' | 'lost'> {
    return this.#standing(() => this.#tell(delivery, writes))
  }

  async #tell({ lane, position }: Delivery, writes: readonly PreparedWrite[]): Promise<'ok' | 'lost'> {
    const k = this.#keys
    const keys = [k.epoch(this.incarnation), k.lanes(this.incarnation)]
    const args = [lane.name, position, `${k.done(this.incarnation)}${lane.name}`, ...writes.flatMap(writeArguments)]
    return String(await this.#link.script(scripts.tell, keys, args)) === 'lost' ? 'lost' : 'ok'
  }

  async settle(settlements: readonly Settlement[]): Promise<'ok' | 'lost'> {
    if (settlements.length === 0) return 'ok'
    const reply = await this.#standing(() => this.#settle(settlements))
    if (reply === 'lost') return 'lost'
    const why = new Map(reply)
    for (const { delivery } of settlements) {
      if (why.has(place(delivery))) continue
      this.#holdings.settled(delivery)
      if (this.#early.size > 0) this.#early.delete(place(delivery))
    }
    if (why.size === 0) return 'ok'
    // A right was taken from us: the task is not to blame, and somebody may give it back.
    for (const words of why.values()) {
      const error = this.#link.refusal(words)
      if (error.code === 'E_ACCESS_DENIED') throw error
    }
    // The server would not carry out some follow-ups (a queue's key of another type): keep the message where a person can see it.
    const refused = settlements.filter(({ delivery }) => why.has(place(delivery)))
    const dead = refused.map(
      (s): Settlement => ({
        ...s,
        publish: [],
        fate: { kind: 'dead', reason: 'refused-by-broker', detail: `what followed was refused: ${why.get(place(s.delivery))}` },
      }),
    )
    const still = await this.#settle(dead)
    if (still === 'lost') return 'lost'
    for (const [, words] of still) throw this.#link.refusal(words)
    for (const { delivery } of refused) {
      this.#holdings.settled(delivery)
      this.#early.delete(place(delivery))
    }
    return 'ok'
  }

  /** What was refused, as [lane:position, words]. */
  async #settle(settlements: readonly Settlement[]): Promise<'lost' | [string, string][]> {
    const k = this.#keys
    const keys = [k.epoch(this.incarnation), k.lanes(this.incarnation), k.scratch, k.early(this.incarnation)]
    const head = ['owner', k.lane(this.incarnation), k.done(this.incarnation), this.#link.address.db]
    const args = settleArguments(settlements, this.#context)
    const reply = (await this.#replicas.settled(scripts.settle, keys, [...head, ...args])) as Buffer[]
    if (reply.length === 1) return reply[0]?.toString() === 'lost' ? 'lost' : []
    const refused: [string, string][] = []
    for (let i = 1; i + 2 < reply.length; i += 3) refused.push([`${reply[i]}:${reply[i + 1]}`, String(reply[i + 2])])
    return refused
  }

  async consume(queues: readonly string[]): Promise<'ok' | 'lost'> {
    const k = this.#keys
    const bindings = queues.map((queue) => k.binding(queue))
    const keys = [k.epoch(this.incarnation), k.registry, k.queues, ...bindings.map(([key]) => key)]
    const named = bindings.flatMap(([, member], index) => [queues[index] ?? '', member])
    const entry = writeEntry({ ...this.#entry, queues })
    const reply = await this.#link.script(scripts.consume, keys, [this.incarnation, entry, ...named])
    if (String(reply) === 'lost') return 'lost'
    const left = this.#consumed.filter((queue) => !queues.includes(queue))
    this.#consumed = [...queues]
    await Promise.all([this.#waiters.leave(left), this.#unpark(left)])
    return 'ok'
  }

  /** A step, and once more when it failed because all keys were gone, and what this incarnation holds has been put back. */
  async #standing<T>(step: () => Promise<T | 'lost'>): Promise<T | 'lost'> {
    const generation = this.#generation
    const answer = await step()
    if (answer !== 'lost' || generation === null) return answer
    if (this.#generation === generation) {
      this.#restoring ??= this.#restore().finally(() => {
        this.#restoring = undefined
      })
      if (!(await this.#restoring)) return answer
    }
    return step()
  }

  /** False: nothing was wiped, we are fenced. */
  async #restore(): Promise<boolean> {
    if (this.#generation === null) return false
    const [k, i, queues] = [this.#keys, this.incarnation, this.#consumed]
    const keys = [k.registry, k.epoch(i), k.lease(i), k.queues, k.generation, k.lanes(i), k.marks(i), k.early(i)]
    const entry = writeEntry({ ...this.#entry, queues })
    const head = [i, entry, this.#entry.leaseMs, this.#generation, randomUUID(), k.lane(i), k.done(i), this.#holdings.lastTake]
    const early = [...this.#early]
    const args = [...head, queues.length, ...queues, early.length, ...early, ...this.#holdings.arguments(k)]
    const [status, generation] = (await this.#link.script(scripts.restore, keys, args)) as Buffer[]
    if (String(status) === 'lost') return false
    this.#generation = String(generation)
    const messages = this.#holdings.size
    this.#options.log.error('all that the broker held is gone (FLUSHALL, or it lost its data): what waited there is lost', {
      kept: messages,
    })
    return true
  }

  async resign(returns = false): Promise<void> {
    try {
      const answer = await this.#giveBack('resign', 0)
      // Who was fenced, and lives, takes part as another one; had it died, what is kept would stay too.
      if (answer === 'ok' && !returns) await this.#unpark(this.#consumed)
    } finally {
      await this.close() // whatever came of it: nobody else would end the waiting connections
    }
  }

  /** What no other worker of ours would move when it is due goes back to where Python's workers look. */
  async #unpark(left: readonly string[]): Promise<void> {
    if (left.length === 0) return
    const k = this.#keys
    for (const { queue, consumers, delayed, suspects } of await this.#queues.counts(left)) {
      if (consumers > 0 || delayed + suspects === 0) continue
      const keys = [k.delayed(queue), k.delayedRaw(queue), ...k.lists(queue), ...k.suspects(queue)]
      while (Number(await this.#link.script(scripts.unpark, keys, [UNPARK_BATCH])) === UNPARK_BATCH);
    }
  }

  async #giveBack(how: 'close' | 'resign', seq: number): Promise<'ok' | 'lost'> {
    const k = this.#keys
    const i = this.incarnation
    const keys = [k.epoch(i), k.lanes(i), k.marks(i), k.early(i), k.lease(i), k.registry, k.started(i), k.noted, k.notes]
    const reply = await this.#link.script(scripts.giveBack, keys, [k.lane(i), k.done(i), i, how, seq])
    return String(reply) === 'lost' ? 'lost' : 'ok'
  }

  close(): Promise<void> {
    this.#closed(this)
    return this.#waiters.close()
  }
}

/** What is ready, as a server tells that is asked for anew. A key of another type holds nothing. */
async function waiting(url: string, keys: Keys, options: BrokerOptions, queues: readonly string[]): Promise<number> {
  const link = openLink(url, options)
  try {
    const lists = queues.flatMap((queue) => keys.lists(queue))
    const lengths = await link.run((client) => Promise.allSettled(lists.map((list) => client.llen(list))))
    return lengths.reduce((sum, length) => sum + (length.status === 'fulfilled' ? length.value : 0), 0)
  } finally {
    await link.close()
  }
}

function place(delivery: Delivery): string {
  return `${delivery.lane.name}:${delivery.position}`
}

function rotate<T>(list: readonly T[], by: number): readonly T[] {
  const at = list.length === 0 ? 0 : by % list.length
  return at === 0 ? list : [...list.slice(at), ...list.slice(0, at)]
}

function pairs<T>(flat: readonly T[]): [T, T][] {
  const out: [T, T][] = []
  for (let i = 0; i + 1 < flat.length; i += 2) out.push([flat[i] as T, flat[i + 1] as T])
  return out
}
