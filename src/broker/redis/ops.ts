/** Turns settlements into the flat arguments of `scripts/settle.lua`. */
import { randomUUID } from 'node:crypto'
import type { PreparedWrite } from '../../prepared-write.js'
import { type Delivery, type Fate, type Outgoing, priorityStep, type Settlement } from '../broker.js'
import { continuationOf, entryTaskOf, isEnd } from '../entry-header.js'
import { ordinaryStep, suspectStep } from '../orphan.js'
import { holdField } from './entry-row.js'
import type { Keys } from './keys.js'

export type Argument = string | number | Buffer

/** From this size on, the bytes of a finished message are blanked in a lane that other messages keep alive. */
const BLANK_BYTES = 4_096

export interface OpsContext {
  readonly keys: Keys
  readonly incarnation: string
  readonly node: string
  /** Positions with a start record, as `lane:position`. */
  readonly early: ReadonlySet<string>
  /** How often each orphan was delivered, for dead letters; absent: 1. */
  readonly deliveries?: (delivery: Delivery) => number
}

/**
 * Everything from the head on: `db ttl-ms`, then lane by lane `name size count lines rest (position ops op…)…`.
 *
 * Nearly every settlement is an acknowledgement with one result, and those of a lane travel in one argument, as lines: an argument of its
 * own for each part costs 5 µs of CPU a task here (ioredis joins them one by one) and 2 µs in the server.
 */
export function settleArguments(settlements: readonly Settlement[], context: OpsContext): Argument[] {
  const plain = new PlainLines(settlements, context)
  const args: Argument[] = [plain.db, plain.ttlMs]
  for (const [name, { of }] of byLane(settlements)) addLane(args, name, of, plain, context)
  return args
}

/** In the order they were said; of two about one position the first word holds. */
function byLane(settlements: readonly Settlement[]) {
  const lanes = new Map<string, { readonly of: Settlement[]; readonly said: boolean[] }>()
  for (const settlement of settlements) {
    const { lane, position } = settlement.delivery
    let held = lanes.get(lane.name)
    if (held === undefined) {
      held = { of: [], said: [] }
      lanes.set(lane.name, held)
    }
    if (held.said[position]) continue
    held.said[position] = true
    held.of.push(settlement)
  }
  return lanes
}

function addLane(args: Argument[], name: string, of: readonly Settlement[], plain: PlainLines, context: OpsContext): void {
  const size = (of[0] as Settlement).delivery.lane.size
  const partial = size > of.length
  const lines: (string | number)[] = []
  const rest = of.filter((settlement) => !plain.add(lines, settlement, partial))
  // Requeued to the front, the last position is pushed first, so that the order is what it was.
  if (rest.some(({ fate }) => fate.kind === 'requeue')) rest.sort((a, b) => b.delivery.position - a.delivery.position)
  args.push(name, size, of.length, lines.join('\n'), rest.length)
  for (const settlement of rest) addPosition(args, settlement, partial, context)
}

/** Settlements that are a result and an acknowledgement and nothing else, or the latter alone: `position\nkey\nvalue\n` each. */
class PlainLines {
  /** Of the first result; one that differs is not plain. */
  readonly db: number
  readonly ttlMs: number
  readonly #context: OpsContext

  constructor(settlements: readonly Settlement[], context: OpsContext) {
    const write = settlements.find(({ writes }) => writes?.[0]?.kind === 'redis')?.writes?.[0]
    this.db = write?.kind === 'redis' ? write.db : 0
    this.ttlMs = write?.kind === 'redis' ? write.ttlMs : 0
    this.#context = context
  }

  add(lines: (string | number)[], { delivery, fate, writes, publish, ofEntry }: Settlement, partial: boolean): boolean {
    if (fate.kind !== 'ack' || publish !== undefined || isBlanked(delivery, partial) || isEarly(delivery, this.#context)) return false
    if (ofEntry !== false && entryTaskOf(delivery.raw) !== undefined) return false
    const write = writes?.[0]
    if (write === undefined) lines.push(delivery.position, '', '')
    else if (writes?.length === 1 && this.#isPlain(write)) lines.push(delivery.position, write.key, write.value)
    else return false
    return true
  }

  #isPlain(write: PreparedWrite): write is Extract<PreparedWrite, { readonly kind: 'redis' }> {
    if (write.kind !== 'redis' || write.db !== this.db || write.ttlMs !== this.ttlMs) return false
    return !write.value.includes('\n') && !write.key.includes('\n') // JSON has none, but this is not the place to know
  }
}

function isEarly(delivery: Delivery, { early }: OpsContext): boolean {
  return early.size > 0 && early.has(`${delivery.lane.name}:${delivery.position}`)
}

function isBlanked(delivery: Delivery, partial: boolean): boolean {
  return partial && delivery.raw.length >= BLANK_BYTES
}

function addPosition(args: Argument[], settlement: Settlement, partial: boolean, context: OpsContext): void {
  const { delivery } = settlement
  args.push(delivery.position, 0)
  const counted = args.length - 1
  let ops = 0
  if (settlement.writes !== undefined) for (const write of settlement.writes) ops += addWrite(args, write)
  if (settlement.publish !== undefined) {
    for (const [index, message] of settlement.publish.entries())
      ops += addMessage(args, message, `${memberOf(delivery, context)}.${index}`, context)
  }
  ops += addFate(args, delivery, settlement.fate, context)
  if (isEnd(settlement.fate)) ops += addEnd(args, settlement, context)
  if (isEarly(delivery, context)) {
    args.push('e')
    ops++
  }
  if (isBlanked(delivery, partial)) {
    args.push('b')
    ops++
  }
  args[counted] = ops
}

function addWrite(args: Argument[], write: PreparedWrite): number {
  args.push('r', ...writeArguments(write))
  return 1
}

/** Database, key, value, milliseconds to live (0: for ever). */
export function writeArguments(write: PreparedWrite): Argument[] {
  if (write.kind !== 'redis') throw new TypeError(`a ${write.kind} write can't be carried out by Redis`)
  return [write.db, write.key, write.value, write.ttlMs]
}

function addMessage(args: Argument[], message: Outgoing, unique: string, context: OpsContext): number {
  const step = priorityStep(message.priority)
  const raw = bytes(message.raw)
  if (message.due === undefined) args.push('l', context.keys.list(message.queue, step), raw)
  else addDelayed(args, message.queue, `${step}:${unique}`, message.due, raw, context)
  return 1
}

function addDelayed(args: Argument[], queue: string, member: string, due: number, raw: Argument, context: OpsContext): void {
  args.push('d', context.keys.delayed(queue), context.keys.delayedRaw(queue), member, Math.ceil(due), raw)
}

function addFate(args: Argument[], delivery: Delivery, fate: Fate, context: OpsContext): number {
  const { queue } = delivery.lane
  switch (fate.kind) {
    case 'ack':
      return 0
    case 'requeue':
      args.push(fate.to === 'front' ? 'f' : 'l', context.keys.list(queue, stepTo(fate.to, delivery)), bytes(fate.raw ?? delivery.raw))
      return 1
    case 'park':
      addDelayed(
        args,
        queue,
        `${stepTo('back', delivery)}:${memberOf(delivery, context)}`,
        fate.due,
        bytes(fate.raw ?? delivery.raw),
        context,
      )
      return 1
    case 'dead':
      args.push('x', context.keys.dead(queue), deadEntry(delivery, fate, context))
      return 1
  }
}

/** A message of a schedule entry has ended: it holds the entry open no more, unless one of the follow-ups goes on with its task. */
function addEnd(args: Argument[], { delivery, publish, ofEntry }: Settlement, { keys }: OpsContext): number {
  if (ofEntry === false) return 0
  const task = entryTaskOf(delivery.raw)
  if (task === undefined) return 0
  const next = continuationOf(task, publish)
  if (next === undefined) args.push('h', keys.entry(task.entry), holdField(task.id))
  else args.push('k', keys.entry(task.entry), holdField(task.id), next.queue)
  return 1
}

/** Small JSON around the unchanged bytes (docs/redis.md). */
function deadEntry(delivery: Delivery, fate: { readonly reason: string; readonly detail: string }, context: OpsContext): string {
  return JSON.stringify({
    id: randomUUID(),
    reason: fate.reason,
    detail: fate.detail,
    when: Date.now(),
    worker: context.node,
    deliveries: context.deliveries?.(delivery) ?? 1,
    raw: delivery.raw.toString('base64'),
  })
}

/** The same priority as that of the list it came from. */
function stepTo(place: 'front' | 'back' | 'suspects', delivery: Delivery): number {
  const { step } = delivery.lane as RedisLane
  if (place === 'front') return step
  return place === 'suspects' ? suspectStep(step) : ordinaryStep(step)
}

function memberOf(delivery: Delivery, context: OpsContext): string {
  return `${context.incarnation}.${delivery.lane.name}.${delivery.position}`
}

function bytes(raw: Uint8Array | string): Argument {
  if (typeof raw === 'string' || Buffer.isBuffer(raw)) return raw
  return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
}

/** A lane of ours knows the step of its source, so that what goes back goes to the list it came from. */
export interface RedisLane {
  readonly name: string
  readonly seq: number
  readonly queue: string
  readonly size: number
  readonly step: number
}
