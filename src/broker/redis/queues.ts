/** The operator's side of the Redis broker. Reads in a few round trips; counts are of nearly the same moment, not of one. */
import { createHash } from 'node:crypto'
import { reason } from '../../errors.js'
import type { RedisLink } from '../../redis/link.js'
import type { DeadLetter, PriorityStep, Purged, QueueCounts, Queues } from '../broker.js'
import { type EntryTask, entryTaskOf } from '../entry-header.js'
import { holdField, readHolds } from './entry-row.js'
import type { Keys } from './keys.js'
import { readEntry } from './registry-entry.js'
import { scripts } from './scripts.js'

/** Dead letters that are read in one step. */
const DEAD_AT_ONCE = 200

export class RedisQueues implements Queues {
  readonly #link: RedisLink
  readonly #keys: Keys

  constructor(link: RedisLink, keys: Keys) {
    this.#link = link
    this.#keys = keys
  }

  async names(): Promise<readonly string[]> {
    return (await this.#link.run((client) => client.smembers(this.#keys.queues))).sort()
  }

  async counts(queues: readonly string[]): Promise<readonly QueueCounts[]> {
    const { leased, consumers } = await this.#inFlight()
    return this.#link.run((client) =>
      Promise.all(
        queues.map(async (queue): Promise<QueueCounts> => {
          const [s0 = 0, s3 = 0, s6 = 0, s9 = 0] = await Promise.all(this.#keys.lists(queue).map((list) => held(client.llen(list))))
          const [delayed, dead] = await Promise.all([
            held(client.zcard(this.#keys.delayed(queue))),
            held(client.llen(this.#keys.dead(queue))),
          ])
          const suspects = await Promise.all(this.#keys.suspects(queue).map((list) => held(client.llen(list))))
          return {
            queue,
            ready: s0 + s3 + s6 + s9,
            steps: [s0, s3, s6, s9],
            delayed,
            suspects: suspects.reduce((sum, count) => sum + count, 0),
            leased: leased.get(queue) ?? 0,
            dead,
            consumers: consumers.get(queue) ?? 0,
          }
        }),
      ),
    )
  }

  /** Per queue: messages in lanes that are not settled yet, and registered workers. */
  async #inFlight(): Promise<{ leased: Map<string, number>; consumers: Map<string, number> }> {
    const leased = new Map<string, number>()
    const consumers = new Map<string, number>()
    await this.#link.run(async (client) => {
      leased.clear()
      consumers.clear()
      const registry = await client.hgetall(this.#keys.registry)
      await Promise.all(
        Object.entries(registry).map(async ([incarnation, entry]) => {
          for (const queue of readEntry(entry).queues) consumers.set(queue, (consumers.get(queue) ?? 0) + 1)
          const lanes = await client.hgetall(this.#keys.lanes(incarnation))
          await Promise.all(
            Object.entries(lanes).map(async ([name, source]) => {
              const [size, done] = await Promise.all([
                client.llen(this.#keys.lane(incarnation) + name),
                client.scard(this.#keys.done(incarnation) + name),
              ])
              const { queue } = this.#keys.sourceOf(source, name)
              leased.set(queue, (leased.get(queue) ?? 0) + Math.max(0, size - done))
            }),
          )
        }),
      )
    })
    return { leased, consumers }
  }

  async peek(queue: string, limit: number, step?: PriorityStep): Promise<readonly Buffer[]> {
    const found: Buffer[] = []
    const lists = [...this.#keys.lists(queue), ...this.#keys.suspects(queue)]
    for (const list of step === undefined ? lists : lists.slice(step, step + 1)) {
      const left = limit - found.length
      if (left <= 0) break
      found.push(...(await this.#link.run((client) => client.lrangeBuffer(list, -left, -1))).reverse())
    }
    return found
  }

  async purge(queue: string): Promise<Purged> {
    const holding = await this.#link.run((client) => client.smembers(this.#keys.holding))
    const k = this.#keys
    const keys = [...k.lists(queue), ...k.suspects(queue), k.delayed(queue), k.delayedRaw(queue)]
    const reply = await this.#link.script(scripts.purge, [...keys, ...holding.map((name) => this.#keys.entry(name))], [])
    const [ready, suspects, delayed, ...rows] = reply as [number, number, number, ...Buffer[][]]
    const here = holding.flatMap((entry, index) =>
      readHolds(rowOf(rows[index] ?? []))
        .filter((hold) => hold.queue === queue)
        .map((hold) => ({ ...hold, entry })),
    )
    if (here.length > 0) await this.#release(here)
    return { ready, delayed, suspects }
  }

  /** What is not in flight was purged, and holds its entry open no more. */
  async #release(holds: readonly EntryTask[]): Promise<void> {
    const inFlight = new Set<string>()
    await this.#link.run(async (client) => {
      for (const incarnation of await client.hkeys(this.#keys.registry)) {
        for (const name of await client.hkeys(this.#keys.lanes(incarnation))) {
          for (const raw of await client.lrangeBuffer(this.#keys.lane(incarnation) + name, 0, -1)) {
            const task = entryTaskOf(raw)
            if (task !== undefined) inFlight.add(task.id)
          }
        }
      }
      const gone = holds.filter(({ id }) => !inFlight.has(id))
      await Promise.all(gone.map(({ entry, id }) => client.hdel(this.#keys.entry(entry), holdField(id))))
    })
  }

  async dead(queue: string, offset: number, limit: number): Promise<readonly DeadLetter[]> {
    const entries = await this.#link.run((client) => client.lrangeBuffer(this.#keys.dead(queue), offset, offset + limit - 1))
    return entries.map((entry) => readDead(queue, entry))
  }

  retryDead(queue: string, ids: readonly string[]): Promise<number> {
    return this.#takeDead('retry', queue, ids)
  }

  dropDead(queue: string, ids: readonly string[]): Promise<number> {
    return this.#takeDead('drop', queue, ids)
  }

  async #takeDead(how: 'retry' | 'drop', queue: string, ids: readonly string[]): Promise<number> {
    const wanted = new Set(ids)
    const pairs: (string | Buffer)[] = []
    // Newest first, and no further than it has to: such a list may be long. What is added meanwhile is seen twice, and counted once.
    for (let from = 0; wanted.size > 0; from += DEAD_AT_ONCE) {
      const entries = await this.#link.run((client) => client.lrangeBuffer(this.#keys.dead(queue), from, from + DEAD_AT_ONCE - 1))
      if (entries.length === 0) break
      for (const entry of entries) {
        const letter = readDead(queue, entry)
        if (wanted.delete(letter.id)) pairs.push(entry, letter.raw)
      }
    }
    if (pairs.length === 0) return 0
    const keys = [this.#keys.dead(queue), this.#keys.list(queue, 0)]
    return Number(await this.#link.script(scripts.retryDead, keys, [how, ...pairs]))
  }
}

/** A key of another type holds nothing; what the other queues hold is told all the same. */
function held(size: Promise<number>): Promise<number> {
  return size.catch((error: unknown) => {
    if (reason(error).startsWith('WRONGTYPE')) return 0
    throw error
  })
}

/** Fields and values in turn, as a hash. */
function rowOf(flat: readonly Buffer[]): Readonly<Record<string, string>> {
  const row: Record<string, string> = {}
  for (let i = 0; i + 1 < flat.length; i += 2) row[String(flat[i])] = String(flat[i + 1])
  return row
}

/** An entry that somebody else wrote is shown as it is rather than hidden. */
function readDead(queue: string, entry: Buffer): DeadLetter {
  try {
    const e = JSON.parse(entry.toString()) as Record<string, unknown>
    return {
      id: String(e['id']),
      queue,
      reason: String(e['reason']),
      detail: String(e['detail']),
      when: Number(e['when']),
      node: String(e['worker']),
      deliveries: Number(e['deliveries']),
      raw: Buffer.from(String(e['raw']), 'base64'),
    }
  } catch {
    return {
      id: `entry-${createHash('sha256').update(entry).digest('hex').slice(0, 32)}`,
      queue,
      reason: 'unreadable',
      detail: 'this entry was not written by us',
      when: 0,
      node: '',
      deliveries: 0,
      raw: entry,
    }
  }
}
