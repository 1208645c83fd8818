/** What the reapers of all adapters need to know about a message found with a worker that died. */
import { createHash } from 'node:crypto'

/** How long it is remembered that a message was found with a dead worker: 72 hours. */
export const DELIVERIES_REMEMBERED_MS = 72 * 3_600_000

/**
 * Suspects of a queue stand apart from the rest, each at a step of its own that is higher by this: so no ordinary take sees them, and each
 * still knows its priority.
 */
const APART = 4

export function isSuspectStep(step: number): boolean {
  return step >= APART
}

/** The same priority, among the suspects. */
export function suspectStep(step: number): number {
  return APART + ordinaryStep(step)
}

/** The same priority, among all others. */
export function ordinaryStep(step: number): number {
  return step % APART
}

/** Bytes above which nobody parses an orphan just to learn its id. */
const PARSED_BYTES = 1024 * 1024

/**
 * By what its deliveries are counted: the task id, which a retry keeps; a digest of the bytes for what has none.
 * Never throws.
 */
export function orphanKey(raw: Buffer): string {
  return taskId(raw) ?? `sha256:${createHash('sha256').update(raw).digest('base64')}`
}

function taskId(raw: Buffer): string | undefined {
  if (raw.length > PARSED_BYTES) return undefined
  try {
    const envelope: unknown = JSON.parse(raw.toString())
    const id = field(field(envelope, 'headers'), 'id') ?? field(field(envelope, 'properties'), 'correlation_id')
    return typeof id === 'string' && id !== '' && id.length <= 255 ? id : undefined
  } catch {
    return undefined // no JSON: its bytes name it
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
}
