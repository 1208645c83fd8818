/**
 * kombu's `unacked`: what Python's workers hold. A worker that dies leaves its messages there, and the others give them back when they are
 * older than the visibility timeout. Where the last Python worker is gone, we do: as kombu does, under kombu's own lock.
 */
import { randomUUID } from 'node:crypto'
import { type CelerityError, isCelerityError } from '../../errors.js'
import type { Log } from '../../log.js'
import { markRedelivered } from '../../protocol/message.js'
import type { RedisLink } from '../../redis/link.js'
import { priorityStep } from '../broker.js'
import type { Keys } from './keys.js'
import { scripts } from './scripts.js'

/** As kombu's lock: longer than any round. */
const LOCK_MS = 300_000
/** Messages of one round; what is left comes with the next. */
const MAX_ROUND = 1_000
/** Where dead letters lie that don't say which queue they were in. */
const NOWHERE = 'unacked.malformed'

interface Entry {
  readonly raw: Buffer
  readonly exchange: string
  readonly routingKey: string
}

/** @returns how many messages were given back, or laid among the dead letters */
export async function restoreUnacked(link: RedisLink, keys: Keys, visibilityTimeout: number, log: Log): Promise<number> {
  const latest = await link.run(async (client) => {
    const [seconds, micros] = await client.time()
    return Number(seconds) + Number(micros) / 1_000_000 - visibilityTimeout
  })
  const overdue = () => link.run((client) => client.zrangebyscoreBuffer(keys.unackedIndex, 0, latest, 'LIMIT', 0, MAX_ROUND))
  if ((await overdue()).length === 0) return 0 // nearly always: no lock for that

  const token = randomUUID()
  if ((await link.run((client) => client.set(keys.unackedMutex, token, 'PX', LOCK_MS, 'NX'))) === null) return 0
  let restored = 0
  let refused: CelerityError | undefined
  try {
    for (const tag of await overdue()) {
      try {
        restored += await restore(link, keys, tag, latest, log)
      } catch (error) {
        if (!isCelerityError(error) || error.code !== 'E_BROKER_REFUSED') throw error
        refused ??= error // its queue's key is of another type, say: the others must not wait for that
      }
    }
  } finally {
    await link.script(scripts.unlock, [keys.unackedMutex], [token])
  }
  if (restored > 0) log.warning('messages that a Python worker never acked were given back', { messages: restored, visibilityTimeout })
  if (refused !== undefined) throw refused
  return restored
}

async function restore(link: RedisLink, keys: Keys, tag: Buffer, latest: number, log: Log): Promise<number> {
  const bytes = await link.run((client) => client.hgetBuffer(keys.unacked, tag))
  const entry = bytes === null ? undefined : readEntry(bytes)
  const move = async (list: string, how: 'RPUSH' | 'LPUSH', pushed: Buffer | string, queue: string) =>
    Number(
      await link.script(
        scripts.restoreUnacked,
        [keys.unacked, keys.unackedIndex, list, keys.scratch, keys.queues],
        [tag, bytes ?? '', latest, how, pushed, queue],
      ),
    )
  if (entry === null) {
    log.warning('an entry of kombu’s unacked can’t be read; it is among the dead letters', { queue: NOWHERE })
    return move(keys.dead(NOWHERE), 'LPUSH', deadEntry(bytes as Buffer), NOWHERE)
  }
  if (entry === undefined) return move(keys.scratch, 'RPUSH', '', '')
  const queue = await queueOf(link, keys, entry)
  return move(keys.list(queue, priorityStep(priorityOf(entry.raw))), 'RPUSH', markRedelivered(entry.raw), queue)
}

/** The first queue that is bound with exactly this key; where none is, the key is its name, as it is without an exchange. */
async function queueOf(link: RedisLink, keys: Keys, { exchange, routingKey }: Entry): Promise<string> {
  if (exchange === '') return routingKey
  const members = await link.run((client) => client.smembers(keys.bindings(exchange)))
  for (const member of members.sort()) {
    const [key, , queue] = keys.boundAs(member)
    if (key === routingKey && queue !== undefined && queue !== '') return queue
  }
  return routingKey
}

/** `[envelope, exchange, routing key]`; the envelope's bytes are kept as they are. Null when it is nothing of the kind. */
export function readEntry(bytes: Buffer): Entry | null {
  const start = bytes.indexOf('{')
  const end = start < 0 ? -1 : endOfObject(bytes, start)
  if (end < 0 || bytes.toString('latin1', 0, start).trim() !== '[') return null
  const rest = bytes.toString('utf8', end).trim()
  if (!rest.startsWith(',')) return null
  try {
    JSON.parse(bytes.toString('utf8', start, end)) // what is no JSON at all must not stand at the head of a queue
    const [exchange, routingKey] = JSON.parse(`[${rest.slice(1)}`) as unknown[]
    if (typeof routingKey !== 'string' || routingKey === '' || (typeof exchange !== 'string' && exchange !== null)) return null
    return { raw: bytes.subarray(start, end), exchange: exchange ?? '', routingKey }
  } catch {
    return null
  }
}

/** Behind the brace that closes the object at `from`; -1: none does. */
function endOfObject(bytes: Buffer, from: number): number {
  let depth = 0
  let inText = false
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]
    if (inText) {
      if (byte === 0x5c) at++
      else if (byte === 0x22) inText = false
    } else if (byte === 0x22) inText = true
    else if (byte === 0x7b) depth++
    else if (byte === 0x7d && --depth === 0) return at + 1
  }
  return -1
}

function priorityOf(raw: Buffer): number {
  const { properties } = JSON.parse(raw.toString()) as { readonly properties?: { readonly priority?: unknown } | null }
  return Number(properties?.priority ?? 0)
}

function deadEntry(raw: Buffer): string {
  const detail = 'an entry of kombu’s unacked that is not [envelope, exchange, routing key]'
  return JSON.stringify({
    id: randomUUID(),
    reason: 'malformed-envelope',
    detail,
    when: Date.now(),
    worker: '',
    deliveries: 1,
    raw: raw.toString('base64'),
  })
}
