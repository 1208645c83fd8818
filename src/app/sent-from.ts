/** The header `sent_from`, which our producers add and Python's pass by. */
import type { SentFrom } from './task-context.js'

/** Null for anything else under that name: it is somebody's own. */
export function readSentFrom(value: unknown): SentFrom | null {
  if (typeof value !== 'object' || value === null) return null
  const { at, host, pid, version } = value as Record<string, unknown>
  if (typeof host !== 'string' || typeof pid !== 'number' || typeof version !== 'string') return null
  return { at: typeof at === 'string' ? at : null, host, pid, version }
}
