/**
 * Finds workers whose lease ran out, fences them, and gives back what they held. Any process may do this at any time: a reaper that dies
 * half-way is finished by the next one, since the registry entry goes last.
 */
import { createHash } from 'node:crypto'
import type { Log } from '../../log.js'
import { decodeMessage } from '../../protocol/message.js'
import type { RedisLink } from '../../redis/link.js'
import type { Delivery, Judge, Orphan, Settlement } from '../broker.js'
import { isSuspectStep } from '../orphan.js'
import type { Wakefulness } from '../wakefulness.js'
import type { Keys } from './keys.js'
import { type RedisLane, settleArguments } from './ops.js'
import type { Primacy } from './primacy.js'
import { readEntry } from './registry-entry.js'
import { scripts } from './scripts.js'

/** Seconds a delivery count is remembered. */
const DELIVERIES_TTL = 72 * 3600

/** How long a reaper has one worker to itself. */
const REAPER_MARK_MS = 10_000

type Entry = ReturnType<typeof readEntry>

interface Reaped {
  readonly node: string
  readonly incarnation: string
  readonly messages: number
}

export interface Reaper {
  readonly link: RedisLink
  readonly keys: Keys
  readonly primacy: Primacy
  readonly awake: Wakefulness
  readonly log: Log
}

export async function reap({ link, keys, primacy, awake, log }: Reaper, judge: Judge): Promise<Reaped[]> {
  const quietMs = await primacy.ms()
  const registry = await link.run((client) => client.hgetall(keys.registry))
  const incarnations = Object.keys(registry)
  if (incarnations.length === 0) return []
  const exist = (key: (incarnation: string) => string) =>
    link.run((client) => Promise.all(incarnations.map((incarnation) => client.exists(key(incarnation)))))
  const [leases, epochs] = await Promise.all([exist((one) => keys.lease(one)), exist((one) => keys.epoch(one))])
  const gone = incarnations.filter((_, index) => leases[index] === 0)
  if (gone.length === 0) return []

  const reaped: Reaped[] = []
  for (const incarnation of gone) {
    const entry = readEntry(registry[incarnation] ?? '')
    // Nobody reaps until a full lease has passed since the server's start, since it is the primary, since our own connection, and since we were
    // away ourselves: after an outage longer than a lease, the first to come back would otherwise reap everybody. Who has no epoch was
    // fenced or has resigned already.
    const ended = epochs[incarnations.indexOf(incarnation)] === 0
    const awakeMs = performance.now() - awake.since(entry.leaseMs / 2)
    if (!ended && Math.min(quietMs, awakeMs) < entry.leaseMs) continue
    const fence = [keys.lease(incarnation), keys.epoch(incarnation), keys.reaper(incarnation)]
    if ((await primacy.script(scripts.fence, fence, [REAPER_MARK_MS])) !== 1) continue
    const messages = await giveBack(link, keys, incarnation, entry, judge)
    log.warning('worker lost, its messages were given back', { worker: entry.node, incarnation, messages })
    reaped.push({ node: entry.node, incarnation, messages })
  }
  return reaped
}

async function giveBack(link: RedisLink, keys: Keys, incarnation: string, entry: Entry, judge: Judge): Promise<number> {
  const [lanes, early, started] = await link.run((client) =>
    Promise.all([
      client.hgetall(keys.lanes(incarnation)),
      client.hkeys(keys.early(incarnation)),
      client.smembers(keys.started(incarnation)),
    ]),
  )
  const facts = { early: new Set(early), started: new Set(started) }
  let messages = 0
  for (const [name, source] of Object.entries(lanes)) {
    messages += await giveBackLane(link, keys, incarnation, entry, judge, name, source, facts)
  }
  await link.script(
    scripts.retire,
    [
      keys.epoch(incarnation),
      keys.lanes(incarnation),
      keys.registry,
      keys.marks(incarnation),
      keys.early(incarnation),
      keys.started(incarnation),
      keys.reaper(incarnation),
    ],
    [incarnation],
  )
  return messages
}

async function giveBackLane(
  link: RedisLink,
  keys: Keys,
  incarnation: string,
  entry: Entry,
  judge: Judge,
  name: string,
  source: string,
  facts: { readonly early: ReadonlySet<string>; readonly started: ReadonlySet<string> },
): Promise<number> {
  const [raws, done] = await link.run((client) =>
    Promise.all([client.lrangeBuffer(keys.lane(incarnation) + name, 0, -1), client.smembers(keys.done(incarnation) + name)]),
  )
  const { queue, step } = keys.sourceOf(source, name)
  const lane: RedisLane = { name, seq: Number.parseInt(name, 10), queue, size: raws.length, step }
  const settled = new Set(done)
  const open = raws.map((raw, position): Delivery => ({ lane, position, raw })).filter(({ position }) => !settled.has(String(position)))
  if (open.length === 0) return 0

  const counts = new Map<Delivery, number>()
  const settlements: Settlement[] = []
  for (const delivery of open) {
    const at = `${name}:${delivery.position}`
    const key = keys.deliveries(identity(delivery.raw))
    const deliveries = await link.run(async (client) => {
      const count = await client.incr(key)
      await client.expire(key, DELIVERIES_TTL)
      return count
    })
    counts.set(delivery, deliveries)
    const orphan: Orphan = {
      raw: delivery.raw,
      queue,
      deliveries,
      early: facts.early.has(at),
      suspect: facts.started.has(at),
      alone: isSuspectStep(step),
      node: entry.node,
      process: entry.process,
    }
    settlements.push({ delivery, ...judge(orphan) })
  }
  const args = settleArguments(settlements, {
    keys,
    incarnation,
    node: entry.node,
    early: facts.early,
    deliveries: (delivery) => counts.get(delivery) ?? 1,
  })
  const head = ['reaper', keys.lane(incarnation), keys.done(incarnation), link.address.db]
  await link.script(
    scripts.settle,
    [keys.epoch(incarnation), keys.lanes(incarnation), keys.scratch, keys.early(incarnation)],
    [...head, ...args],
  )
  return open.length
}

/** What deliveries are counted by: the task's id, or the bytes when there is none to be read. */
function identity(raw: Buffer): string {
  const decoded = decodeMessage(raw)
  const id = decoded.ok ? decoded.message.id : decoded.bad.id
  return id ?? createHash('sha1').update(raw).digest('hex')
}
