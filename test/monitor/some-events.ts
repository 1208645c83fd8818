/** Events of tasks, short: what a test does not name is the same in all. */
import type { TaskEvent } from '../../src/events/cluster.js'

interface Given {
  readonly at?: number
  readonly clock?: number
  readonly node?: string
  readonly [field: string]: unknown
}

let clock = 0

/** `task('a', 'received', { name: 'mail.send' })`; each comes a moment after the one before. */
export function task(uuid: string, what: string, given: Given = {}): TaskEvent {
  const { at, clock: own, node = 'celery@one', ...fields } = given
  clock++
  return {
    type: `task-${what}`,
    hostname: node,
    timestamp: at ?? 1_700_000_000 + clock / 1000,
    utcoffset: 0,
    pid: 7,
    clock: own ?? clock,
    localReceived: null,
    uuid,
    fields,
  }
}

/** The whole life of a task that succeeds, in the order in which it happens. */
export function success(uuid: string, name = 'mail.send'): readonly TaskEvent[] {
  return [
    task(uuid, 'received', { name, args: '(1,)', kwargs: '{}', retries: 0, eta: null, expires: null, root_id: uuid, parent_id: null }),
    task(uuid, 'started'),
    task(uuid, 'succeeded', { result: "'ok'", runtime: 0.25 }),
  ]
}

export function failure(uuid: string, exception: string, name = 'mail.send'): readonly TaskEvent[] {
  return [
    task(uuid, 'received', { name, args: '(1,)', kwargs: '{}', retries: 0 }),
    task(uuid, 'started'),
    task(uuid, 'failed', { exception, traceback: `Traceback\n${exception}` }),
  ]
}
