/**
 * Finds workers whose lease ran out, fences them, and gives back what they held. Any process may do this at any time: a reaper that dies
 * half-way is finished by the next one, since the registry entry goes last.
 */
import type { Log } from '../../log.js'
import type { RedisLink } from '../../redis/link.js'
import type { Delivery, Judge, Orphan, Settlement } from '../broker.js'
import { DELIVERIES_REMEMBERED_MS, isSuspectStep, orphanKey } from '../orphan.js'
import type { Wakefulness } from '../wakefulness.js'
import type { Keys } from './keys.js'
import { type RedisLane, settleArguments } from './ops.js'
import type { Primacy } from './primacy.js'
import { readEntry } from './registry-entry.js'
import { scripts } from './scripts.js'

/** How long a reaper has one worker to itself. */
const REAPER_MARK_MS = 10_000

/** A worker that was fenced, and what giving back takes. */
interface Lost {
  readonly link: RedisLink
  readonly keys: Keys
  readonly incarnation: string
  readonly entry: ReturnType<typeof readEntry>
  readonly judge: Judge
  readonly log: Log
}

/** What is noted of its positions, as `lane:position`. */
interface Facts {
  readonly early: ReadonlySet<string>
  readonly started: ReadonlySet<string>
}

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
  /** Whether its consumer is in our hands: it is late with its lease, since we live, and others may fence it, but not we. */
  isOurs(incarnation: string): boolean
}

export async function reap({ link, keys, primacy, awake, log, isOurs }: Reaper, judge: Judge): Promise<Reaped[]> {
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
  const failures: unknown[] = []
  for (const incarnation of gone) {
    const entry = readEntry(registry[incarnation] ?? '')
    // Nobody reaps until a full lease has passed since the server's start, since it is the primary, since our own connection, and since we were
    // away ourselves: after an outage longer than a lease, the first to come back would otherwise reap everybody. Who has no epoch was
    // fenced or has resigned already.
    const ended = epochs[incarnations.indexOf(incarnation)] === 0
    const awakeMs = performance.now() - awake.since(entry.leaseMs / 2)
    if (!ended && (isOurs(incarnation) || Math.min(quietMs, awakeMs) < entry.leaseMs)) continue
    const fence = [keys.lease(incarnation), keys.epoch(incarnation), keys.reaper(incarnation)]
    if ((await primacy.script(scripts.fence, fence, [REAPER_MARK_MS])) !== 1) continue
    try {
      const { messages, isNews } = await giveBack({ link, keys, incarnation, entry, judge, log })
      if (!isNews) continue
      log.warning('worker lost, its messages were given back', { worker: entry.node, incarnation, messages })
      reaped.push({ node: entry.node, incarnation, messages })
    } catch (error) {
      failures.push(error) // the others come first: this one may fail for ever
    }
  }
  if (failures.length > 0) throw failures[0]
  return reaped
}

/** `isNews`: false when it turned out that it had resigned, or that another reaper was done first. */
async function giveBack(lost: Lost): Promise<{ readonly messages: number; readonly isNews: boolean }> {
  const { link, keys, incarnation } = lost
  const [lanes, early, started] = await link.run((client) =>
    Promise.all([
      client.hgetall(keys.lanes(incarnation)),
      client.hkeys(keys.early(incarnation)),
      client.smembers(keys.started(incarnation)),
    ]),
  )
  const facts: Facts = { early: new Set(early), started: new Set(started) }
  let messages = 0
  // Last taken first: what goes back to the front then stands there in its old order.
  for (const [name, source] of Object.entries(lanes).reverse()) {
    messages += await giveBackLane(lost, facts, name, source)
  }
  const retired = await link.script(
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
  return { messages, isNews: messages > 0 || retired === 1 }
}

async function giveBackLane(lost: Lost, facts: Facts, name: string, source: string): Promise<number> {
  const { link, keys, incarnation, entry, judge, log } = lost
  const [raws, done] = await link.run((client) =>
    Promise.all([client.lrangeBuffer(keys.lane(incarnation) + name, 0, -1), client.smembers(keys.done(incarnation) + name)]),
  )
  const { queue, step } = keys.sourceOf(source, name)
  const lane: RedisLane = { name, seq: Number.parseInt(name, 10), queue, size: raws.length, step }
  const settled = new Set(done)
  const open = raws.map((raw, position): Delivery => ({ lane, position, raw })).filter(({ position }) => !settled.has(String(position)))
  if (open.length === 0) {
    // Its messages are gone (evicted, or deleted by hand): nobody else would ever end this lane.
    await link.run((client) => Promise.all([client.hdel(keys.lanes(incarnation), name), client.del(keys.done(incarnation) + name)]))
    return 0
  }

  const counted = open.map(({ raw }) => keys.deliveries(orphanKey(raw)))
  const found = (await link.script(scripts.countDeliveries, counted, [incarnation, DELIVERIES_REMEMBERED_MS / 1000])) as number[]
  const counts = new Map(open.map((delivery, index) => [delivery, found[index] ?? 1]))
  const settlements: Settlement[] = []
  for (const delivery of open) {
    const at = `${name}:${delivery.position}`
    const orphan: Orphan = {
      raw: delivery.raw,
      queue,
      deliveries: counts.get(delivery) ?? 1,
      early: facts.early.has(at),
      suspect: facts.started.has(at),
      alone: isSuspectStep(step),
      node: entry.node,
      process: entry.process,
    }
    const verdict = judge(orphan)
    if (verdict !== 'later') settlements.push({ ...verdict, delivery })
  }
  if (settlements.length === 0) return 0
  const deliveries = (delivery: Delivery) => counts.get(delivery) ?? 1
  /** Returns what was refused, and why. */
  const settle = async (some: readonly Settlement[]): Promise<Refused[]> => {
    const args = settleArguments(some, { keys, incarnation, node: entry.node, early: facts.early, deliveries })
    const head = ['reaper', keys.lane(incarnation), keys.done(incarnation), link.address.db]
    const touched = [keys.epoch(incarnation), keys.lanes(incarnation), keys.scratch, keys.early(incarnation)]
    const reply = (await link.script(scripts.settle, touched, [...head, ...args])) as Buffer[]
    const words = new Map<number, string>()
    for (let i = 1; i + 2 < reply.length; i += 3) words.set(Number(reply[i + 1]), String(reply[i + 2])) // lane, position, error
    return some.flatMap((settlement) => {
      const why = words.get(settlement.delivery.position)
      return why === undefined ? [] : [{ settlement, why }]
    })
  }
  // They stay where they are until the next round.
  const [unsendable, refused] = partition(await settle(settlements), isUnsendable)
  if (unsendable.length === 0) return settlements.length - refused.length
  log.error(`what was to follow tasks that were lost is not sent: ${unsendable[0]?.why}`, { queue, tasks: unsendable.length })
  const still = await settle(unsendable.map(({ settlement }) => ({ ...settlement, publish: undefined })))
  return settlements.length - refused.length - still.length
}

interface Refused {
  readonly settlement: Settlement
  readonly why: string
}

/** A queue that it was to be sent to is a key of another type: that must not keep the message itself here for ever. */
function isUnsendable({ settlement, why }: Refused): boolean {
  return settlement.publish !== undefined && why.includes('WRONGTYPE')
}

function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): [Item[], Item[]] {
  const [yes, no]: [Item[], Item[]] = [[], []]
  for (const item of items) (test(item) ? yes : no).push(item)
  return [yes, no]
}
