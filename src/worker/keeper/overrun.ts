/**
 * Whether what blocks the event loop has done so for too long. A task is condemned only when there is no doubt that it is the one: its
 * neighbours can't help it that nothing turns.
 */
import { isShownAs, type OnBoard } from './board.js'
import type { Sighting } from './probe.js'

export interface Blockage {
  readonly running: readonly OnBoard[]
  /** See `Board.entered`. */
  readonly entered: OnBoard | undefined
  /** Milliseconds for which the loop has been seen not to turn. */
  readonly blockedMs: number
}

export type Verdict =
  /** It has failed; the rest goes back. `limit` in seconds. */
  | { readonly kind: 'task'; readonly task: OnBoard; readonly limit: number }
  /** No task that is on the board: code outside of tasks, or one that was given up before. All goes back. */
  | { readonly kind: 'no-task' }
  /** It may be any of those that run: who finds the dead worker decides (`worker/judge.ts`). */
  | { readonly kind: 'unknown' }

/** What the main thread gets to end a run by its own timers, in milliseconds. */
const OWN_MS = 100

/** Whether it may be time for a verdict; only then is the main thread asked. */
export function isOverrun({ running, blockedMs }: Blockage, blockedLimitMs: number): boolean {
  return isTooLong(blockedMs, blockedLimitMs) || running.some(isOverdue)
}

/**
 * Null: not yet, or not to be judged.
 *
 * @param blockedLimitMs for a task without a limit of its own; 0: none
 * @param sighting       null: no answer
 */
export function verdictOn(blockage: Blockage, blockedLimitMs: number, sighting: Sighting | null): Verdict | null {
  if (sighting?.isDebugged === true) return null
  const culprit = culpritOf(blockage, sighting)
  if (typeof culprit === 'object') {
    if (isOverdue(culprit)) return { kind: 'task', task: culprit, limit: (culprit.limitMs ?? 0) / 1000 }
    return isTooLong(blockage.blockedMs, blockedLimitMs) ? { kind: 'task', task: culprit, limit: blockedLimitMs / 1000 } : null
  }
  return isTooLong(blockage.blockedMs, blockedLimitMs) ? { kind: culprit } : null
}

function culpritOf({ running, entered }: Blockage, sighting: Sighting | null): OnBoard | 'no-task' | 'unknown' {
  // Before its first pause a handler has the loop for itself, whatever code of others it calls.
  if (entered !== undefined) return entered
  if (sighting === null) return running.length === 0 ? 'no-task' : only(running)
  const { id } = sighting
  const seen = id === null ? [] : running.filter((one) => isShownAs(one.id, id))
  return seen.length === 0 ? 'no-task' : only(seen)
}

/** The same id may run twice. */
function only(running: readonly OnBoard[]): OnBoard | 'unknown' {
  return running.length === 1 ? (running[0] as OnBoard) : 'unknown'
}

function isOverdue({ limitMs, overdueMs }: OnBoard): boolean {
  return limitMs !== null && overdueMs > OWN_MS
}

function isTooLong(blockedMs: number, limitMs: number): boolean {
  return limitMs > 0 && blockedMs >= limitMs
}
