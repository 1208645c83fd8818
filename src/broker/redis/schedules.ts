/** Schedules on Redis. What must be one step is a script; entries are read in pieces, which is harmless: a tick is refused when the plan is not as read. */
import { randomUUID } from 'node:crypto'
import { CelerityError } from '../../errors.js'
import type { RedisLink } from '../../redis/link.js'
import { type Outgoing, priorityStep } from '../broker.js'
import {
  type Candidate,
  type Entries,
  HISTORY_KEPT,
  type Hold,
  type Leadership,
  type NewEntry,
  type Occurrence,
  REMOVED_KEPT,
  type Reign,
  type Run,
  type Schedules,
  type StoredEntry,
  type Tick,
  type TickOutcome,
} from '../schedules.js'
import type { Bindings } from './bindings.js'
import { holdField, readEntry, readHolds, readOccurrence, readReign } from './entry-row.js'
import type { Keys } from './keys.js'
import type { Argument } from './ops.js'
import { scripts } from './scripts.js'

/** Entries of one step: a script must not hold the server up. */
const ENTRIES_AT_ONCE = 200

export class RedisSchedules implements Schedules {
  readonly #link: RedisLink
  readonly #keys: Keys
  readonly #bindings: Bindings

  constructor(link: RedisLink, keys: Keys, bindings: Bindings) {
    this.#link = link
    this.#keys = keys
    this.#bindings = bindings
  }

  async lead({ id, node }: Candidate, leaseMs: number): Promise<Leadership> {
    const keys = [this.#keys.schedule, this.#keys.reigns, this.#keys.scratch]
    const reply = (await this.#link.script(scripts.lead, keys, [id, node, leaseMs, HISTORY_KEPT])) as (number | Buffer)[]
    if (reply[0] === 1) return { leader: true, epoch: Number(reply[1]), now: Number(reply[2]) }
    return { leader: false, node: String(reply[1]), until: Number(reply[2]), now: Number(reply[3]) }
  }

  async yield(id: string): Promise<void> {
    await this.#link.script(scripts.yield, [this.#keys.schedule, this.#keys.reigns], [id, HISTORY_KEPT])
  }

  async leader(): Promise<Reign | null> {
    return this.#link.run(async (client) => {
      const [row, time] = await Promise.all([client.hgetall(this.#keys.schedule), client.time()])
      const reign = presentReign(row)
      return reign !== null && reign.until > milliseconds(time) ? reign : null
    })
  }

  async leaders(limit: number): Promise<readonly Reign[]> {
    return this.#link.run(async (client) => {
      const [row, lines] = await Promise.all([client.hgetall(this.#keys.schedule), client.lrange(this.#keys.reigns, 0, -1)])
      const past = lines.flatMap((line) => readReign(line) ?? [])
      return [...[presentReign(row)].flatMap((reign) => reign ?? []), ...past].slice(0, Math.min(limit, HISTORY_KEPT))
    })
  }

  async version(): Promise<number> {
    return Number((await this.#link.run((client) => client.hget(this.#keys.schedule, 'version'))) ?? 0)
  }

  async entries(since?: number): Promise<Entries> {
    const names = await this.#names(since)
    const entries: StoredEntry[] = []
    for (const some of pieces(names.edited)) entries.push(...(await this.#read(some)))
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    const { version, complete, removed } = names
    return { version, complete, entries, removed }
  }

  /** Of one moment. */
  async #names(since: number | undefined): Promise<{ version: number; complete: boolean; edited: string[]; removed: string[] }> {
    const k = this.#keys
    return this.#link.run(async (client) => {
      const after = since === undefined ? '-inf' : `(${since}`
      const replies = await client
        .multi()
        .hmget(k.schedule, 'version', 'forgotten')
        .zrangebyscore(k.entries, after, '+inf')
        .zrangebyscore(k.removedEntries, after, '+inf')
        .exec()
      const [meta, edited, removed] = (replies ?? []).map(([error, value]) => {
        if (error) throw error
        return value as (string | null)[]
      })
      const [version, forgotten] = meta ?? []
      const tooOld = since !== undefined && since < Number(forgotten ?? 0)
      const complete = since === undefined || tooOld
      return {
        version: Number(version ?? 0),
        complete,
        edited: tooOld ? await client.zrange(k.entries, 0, '-1') : (edited as string[]),
        removed: complete ? [] : (removed as string[]),
      }
    })
  }

  async #read(names: readonly string[]): Promise<readonly StoredEntry[]> {
    return this.#link.run(async (client) => {
      const [time, ...rows] = await Promise.all([
        client.time(),
        // A key of another type is an entry that was damaged: it is shown as one, and the others are not kept from it.
        ...names.map((name) => client.hgetall(this.#keys.entry(name)).catch(wrongType)),
      ])
      const now = milliseconds(time)
      return names.flatMap((name, index) => {
        const row = rows[index]
        if (row === undefined) return []
        return row === 'damaged' ? readEntry(name, {}, now) : Object.keys(row).length === 0 ? [] : readEntry(name, row, now)
      })
    })
  }

  async put(entries: readonly NewEntry[]): Promise<readonly boolean[]> {
    const changed: boolean[] = []
    for (const some of pieces(entries)) {
      const keys = [this.#keys.schedule, this.#keys.entries, this.#keys.removedEntries, ...some.map(({ name }) => this.#keys.entry(name))]
      const args = some.flatMap(({ name, json, source, planned }) => [name, json, source, planned ?? ''])
      changed.push(...((await this.#link.script(scripts.putEntries, keys, args)) as number[]).map((each) => each === 1))
    }
    return changed
  }

  async remove(names: readonly string[]): Promise<number> {
    const k = this.#keys
    let count = 0
    for (const some of pieces(names)) {
      const keys = [k.schedule, k.entries, k.removedEntries, k.holding, ...some.flatMap((name) => [k.entry(name), k.history(name)])]
      count += Number(await this.#link.script(scripts.removeEntries, keys, [REMOVED_KEPT, ...some]))
    }
    return count
  }

  async setEnabled(name: string, enabled: boolean): Promise<boolean> {
    const keys = [this.#keys.schedule, this.#keys.entries, this.#keys.entry(name)]
    return (await this.#link.script(scripts.enableEntry, keys, [name, enabled ? 1 : 0])) === 1
  }

  async ticks(id: string, epoch: number, ticks: readonly Tick[]): Promise<readonly TickOutcome[]> {
    const outcomes: TickOutcome[] = []
    for (const some of pieces(ticks)) {
      const reply = await this.#perform(['tick', id, epoch], some)
      if (reply[0] === 'lost') return [...outcomes, ...ticks.slice(outcomes.length).map(() => 'lost' as const)]
      outcomes.push(...reply)
    }
    return outcomes
  }

  async run(name: string, { publish, ids, by, hold }: Run): Promise<boolean> {
    const note = { due: 0, outcome: 'by-hand' as const, ids } // when it is due, the script knows
    const held: Hold | undefined = hold && { ...hold, whenOpen: 'wait' }
    const [outcome] = await this.#perform(['run', by, ''], [{ name, planned: null, next: null, publish, note, hold: held }])
    if (outcome === 'refused') throw refusal(name)
    return outcome === 'sent'
  }

  async #perform(head: readonly Argument[], ticks: readonly AnyTick[]): Promise<TickOutcome[]> {
    const k = this.#keys
    const fresh = this.#bindings.missing(ticks.flatMap(({ publish }) => publish.map(({ queue }) => queue)))
    const keys = [k.schedule, k.queues, k.holding]
    const args: Argument[] = [...head, HISTORY_KEPT, fresh.size, ...fresh]
    for (const tick of ticks) addTick(keys, args, tick, k)
    const reply = (await this.#link.script(scripts.tick, keys, args)) as Buffer[]
    await this.#bindings.add(fresh)
    return reply.map((each) => String(each) as TickOutcome)
  }

  async release(name: string): Promise<void> {
    const key = this.#keys.entry(name)
    await this.#link.run(async (client) => {
      const fields = readHolds(await client.hgetall(key)).map(({ id }) => holdField(id))
      if (fields.length > 0) await client.hdel(key, ...fields)
    })
  }

  async history(name: string, limit: number): Promise<readonly Occurrence[]> {
    const lines = await this.#link.run((client) => client.lrange(this.#keys.history(name), 0, -1))
    return lines.flatMap((line) => readOccurrence(line) ?? []).slice(0, limit)
  }
}

type AnyTick = Omit<Tick, 'note'> & {
  readonly note?: { readonly due: number; readonly outcome: string; readonly ids: readonly string[] } | undefined
}

function addTick(keys: string[], args: Argument[], { name, planned, next, publish, note, hold }: AnyTick, k: Keys): void {
  keys.push(k.entry(name), k.history(name))
  args.push(name, planned ?? '', next ?? '')
  args.push(note?.due ?? '', note?.outcome ?? '', JSON.stringify(note?.ids ?? []), note !== undefined && note.ids.length > 0 ? 1 : 0)
  args.push(hold?.id ?? '', hold?.whenOpen ?? '', hold?.forMs ?? '', publish[0]?.queue ?? '')
  args.push(publish.length)
  for (const message of publish) addMessage(keys, args, message, k)
}

function addMessage(keys: string[], args: Argument[], { queue, priority, raw, due }: Outgoing, k: Keys): void {
  const step = priorityStep(priority)
  if (due === undefined) {
    keys.push(k.list(queue, step))
    args.push('l', raw as string)
  } else {
    keys.push(k.delayed(queue), k.delayedRaw(queue))
    args.push('d', `${step}:${randomUUID()}`, Math.ceil(due), raw as string)
  }
}

function refusal(name: string): CelerityError {
  return new CelerityError('E_BROKER_REFUSED', {
    message: `The messages of schedule entry ${name} were refused: a key of the entry, or of the queue, is not what it should be`,
    hint: 'Somebody else uses a key of that name; docs/redis.md lists ours.',
  })
}

function presentReign(row: Readonly<Record<string, string>>): Reign | null {
  const { id, node = '', epoch, from } = row
  return id === undefined ? null : { id, node, epoch: Number(epoch), from: Number(from), until: Number(row['until']) }
}

function wrongType(error: unknown): 'damaged' {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return 'damaged'
  throw error
}

function milliseconds([seconds, micros]: readonly (number | string)[]): number {
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
}

function pieces<Item>(items: readonly Item[]): Item[][] {
  const count = Math.ceil(items.length / ENTRIES_AT_ONCE)
  return Array.from({ length: count }, (_, index) => items.slice(index * ENTRIES_AT_ONCE, (index + 1) * ENTRIES_AT_ONCE))
}
