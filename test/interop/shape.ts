import { expect } from 'chai'
import { captured, shapeOf } from '../worker/panel/captured.js'

/** What only the task itself, or the server, says what is in it. */
const OPEN = new Set(['args', 'kwargs', 'transport_options', 'total'])
/** Numbers, or a word for what has none: null for what has not begun, `N/A` for what is not limited. */
const MAYBE = new Set(['time_start', 'worker_pid', 'max-tasks-per-child'])

/**
 * Whether an answer has all that Celery's captured one has, of the same kinds, down to the last; of a list, each item has what the first of
 * the captured list has. `ours` are keys that only we have.
 */
export function expectShape(value: unknown, fixture: string, ours: readonly string[] = []): void {
  const expected = captured(fixture).value
  expect(closed(without(value, ours)), `shape of ${fixture}`).to.deep.equal(closed(expected))
}

function closed(value: unknown): unknown {
  return shapeOf(narrowed(value))
}

function narrowed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(narrowed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (OPEN.has(key) && typeof inner === 'object') return [key, inner === null ? null : Array.isArray(inner) ? [] : {}]
      return [key, MAYBE.has(key) && (inner === null || inner === 'N/A') ? 0 : narrowed(inner)]
    }),
  )
}

function without(value: unknown, keys: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)))
}
