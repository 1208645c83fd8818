/** What is known of one worker, made of its `worker-*` events: a join, as the record of a task (task-record.ts). */
import type { ClusterEvent } from '../protocol/event.js'
import { readCount, readNumber, readText } from './event-fields.js'
import { compareData } from './task-step.js'

/** One worker. Times are unix seconds. */
export interface WorkerRecord {
  readonly node: string
  /** It said that it stops, and nothing since. */
  readonly isOffline: boolean
  /** When it was last heard, by our clock. */
  readonly heartbeatAt: number
  /** Seconds between its heartbeats. */
  readonly freq: number
  /** Tasks that run. */
  readonly active: number | null
  /** Runs that ended. */
  readonly processed: number | null
  /** Of its machine, over 1, 5 and 15 minutes. */
  readonly loadavg: readonly number[] | null
  readonly pid: number
  /** Such as `celerity 0.1.0` or `py-celery 5.6.3`. */
  readonly software: string | null
  readonly clock: number
  /** What all of it was made of. */
  readonly parts: WorkerParts
}

/** What records are joined by; plain data. */
export interface WorkerParts {
  readonly heardAt: number
  readonly sign: Sign
  readonly load: Load | null
}

/** The newest sign of life. */
interface Sign {
  readonly at: number
  readonly clock: number
  readonly isOffline: boolean
  readonly freq: number
  readonly pid: number
  readonly software: string | null
}

/** The newest account of its work: the answer to the command `heartbeat` has none. */
interface Load {
  readonly at: number
  readonly clock: number
  readonly active: number
  readonly processed: number
  readonly loadavg: readonly number[] | null
}

/** Heartbeats may come this much later than `freq` says, as a factor: one may be lost. Celery's own measure. */
const PATIENCE = 2
/** Seconds between heartbeats of a worker that does not say; Celery's default. */
const DEFAULT_FREQ = 60
/** Longest believed span between heartbeats, in seconds. */
const MAX_FREQ = 3600

export function isAlive(worker: WorkerRecord, now: number): boolean {
  return !worker.isOffline && now - worker.heartbeatAt < worker.freq * PATIENCE
}

/** Whether the event is a sign of life of a worker. */
export function isWorkerEvent({ type }: ClusterEvent): boolean {
  return type === 'worker-heartbeat' || type === 'worker-online' || type === 'worker-offline'
}

/** The record with one more event of its worker; the same one when the event adds nothing. */
export function mergeWorker(record: WorkerRecord | undefined, event: ClusterEvent): WorkerRecord {
  const parts = partsOf(event)
  return record === undefined ? recordOf(event.hostname, parts) : joined(record, parts)
}

function recordOf(node: string, parts: WorkerParts): WorkerRecord {
  const { heardAt, sign, load } = parts
  return {
    node,
    isOffline: sign.isOffline,
    heartbeatAt: heardAt,
    freq: sign.freq,
    active: load?.active ?? null,
    processed: load?.processed ?? null,
    loadavg: load?.loadavg ?? null,
    pid: sign.pid,
    software: sign.software,
    clock: sign.clock,
    parts,
  }
}

function partsOf({ type, timestamp, clock, pid, localReceived, fields }: ClusterEvent): WorkerParts {
  const freq = readNumber(fields, 'freq') ?? 0
  const active = readCount(fields, 'active')
  const processed = readCount(fields, 'processed')
  const sign = {
    at: timestamp,
    clock,
    isOffline: type === 'worker-offline',
    freq: freq > 0 && freq <= MAX_FREQ ? freq : DEFAULT_FREQ,
    pid,
    software: readSoftware(fields),
  }
  const load = active === null || processed === null ? null : { at: timestamp, clock, active, processed, loadavg: readAverage(fields) }
  return { heardAt: localReceived ?? timestamp, sign, load }
}

function joined(record: WorkerRecord, other: WorkerParts): WorkerRecord {
  const own = record.parts
  const heardAt = Math.max(own.heardAt, other.heardAt)
  const sign = newer(own.sign, other.sign)
  const load = own.load === null || other.load === null ? (own.load ?? other.load) : newer(own.load, other.load)
  if (heardAt === own.heardAt && sign === own.sign && load === own.load) return record
  return recordOf(record.node, { heardAt, sign, load })
}

function newer<T extends { readonly at: number; readonly clock: number }>(one: T, other: T): T {
  return (one.at - other.at || one.clock - other.clock || compareData(one, other)) >= 0 ? one : other
}

function readSoftware(fields: ClusterEvent['fields']): string | null {
  const name = readText(fields, 'sw_ident', 64)
  const version = readText(fields, 'sw_ver', 64)
  return name === null ? null : version === null ? name : `${name} ${version}`
}

function readAverage(fields: ClusterEvent['fields']): readonly number[] | null {
  const value = fields['loadavg']
  if (!Array.isArray(value) || value.length !== 3) return null
  return value.every((one) => typeof one === 'number' && one >= 0 && Number.isFinite(one)) ? value : null
}
