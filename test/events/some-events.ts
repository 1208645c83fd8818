/** Events as a receiver reads them, and arbitrary ones of one task. */
import fc from 'fast-check'
import type { TaskEvent } from '../../src/events/cluster.js'
import { type ClusterEvent, TASK_EVENTS } from '../../src/protocol/event.js'

export function anEvent(type: string, change: Partial<ClusterEvent> = {}): ClusterEvent {
  return { type, hostname: 'w1@host', timestamp: 1000, utcoffset: 0, pid: 7, clock: 1, localReceived: null, fields: {}, ...change }
}

export function aTaskEvent(type: string, change: Partial<ClusterEvent> = {}): TaskEvent {
  return { uuid: 'a-1', ...anEvent(type, change) }
}

/** Few moments, clocks and nodes, so that many are the same; fields of any kind. */
export const arbitraryTaskEvent: fc.Arbitrary<TaskEvent> = fc
  .record({
    type: fc.constantFrom(...TASK_EVENTS, 'task-progress', 'task-stored'),
    hostname: fc.constantFrom('w1@host', 'w2@host', 'gen1@host'),
    timestamp: fc.constantFrom(1000, 1000.5, 1001, 1e9),
    utcoffset: fc.constant(0),
    pid: fc.constant(7),
    clock: fc.constantFrom(0, 1, 2, 2 ** 52),
    localReceived: fc.constantFrom(null, 1000, 2000),
    fields: fc.dictionary(
      fc.constantFrom(
        ...['name', 'args', 'kwargs', 'queue', 'retries', 'eta', 'root_id', 'sent_from', 'sent_at'],
        ...['result', 'runtime', 'exception', 'traceback', 'terminated'],
      ),
      fc.oneof(
        fc.constantFrom('a', 'b', '(1,)', '2026-11-22T06:31:50+00:00'),
        fc.constantFrom(0, 1, 2.5, -1, Number.NaN, Infinity, 1e308, null, true),
        fc.anything({ maxDepth: 1 }),
      ),
    ),
  })
  .map((event) => ({ uuid: 'a-1', ...event }))
