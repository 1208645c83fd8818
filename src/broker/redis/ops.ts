/** Turns settlements into the flat arguments of `scripts/settle.lua`. */
import { randomUUID } from 'node:crypto'
import type { PreparedWrite } from '../../prepared-write.js'
import { type Delivery, type Fate, type Outgoing, priorityStep, type Settlement } from '../broker.js'
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

/** Everything from the first lane on: `name size count (position ops op…)…`, lane by lane. */
export function settleArguments(settlements: readonly Settlement[], context: OpsContext): Argument[] {
  const lanes = new Map<string, Settlement[]>()
  for (const settlement of settlements) {
    const of = lanes.get(settlement.delivery.lane.name)
    if (of === undefined) lanes.set(settlement.delivery.lane.name, [settlement])
    // Said twice in one call, the first word holds.
    else if (!of.some(({ delivery }) => delivery.position === settlement.delivery.position)) of.push(settlement)
  }
  const args: Argument[] = []
  for (const [name, of] of lanes) {
    const size = (of[0] as Settlement).delivery.lane.size
    // Requeued to the front, the last position is pushed first, so that the order is what it was.
    if (of.some((s) => s.fate.kind === 'requeue')) of.sort((a, b) => b.delivery.position - a.delivery.position)
    args.push(name, size, of.length)
    for (const settlement of of) addPosition(args, settlement, size > of.length, context)
  }
  return args
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
  if (context.early.size > 0 && context.early.has(`${delivery.lane.name}:${delivery.position}`)) {
    args.push('e')
    ops++
  }
  if (partial && delivery.raw.length >= BLANK_BYTES) {
    args.push('b')
    ops++
  }
  args[counted] = ops
}

function addWrite(args: Argument[], write: PreparedWrite): number {
  if (write.kind !== 'redis') throw new TypeError(`a ${write.kind} write can't be carried out by Redis`)
  args.push('r', write.db, write.key, write.value, write.ttlMs)
  return 1
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
      args.push(fate.to === 'front' ? 'f' : 'l', context.keys.list(queue, stepOf(delivery)), bytes(fate.raw ?? delivery.raw))
      return 1
    case 'park':
      addDelayed(args, queue, `${stepOf(delivery)}:${memberOf(delivery, context)}`, fate.due, bytes(fate.raw ?? delivery.raw), context)
      return 1
    case 'dead':
      args.push('x', context.keys.dead(queue), deadEntry(delivery, fate, context))
      return 1
  }
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

/** Back to the list it came from: the same step. */
function stepOf(delivery: Delivery): number {
  return (delivery.lane as RedisLane).step
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
