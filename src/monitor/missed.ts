/**
 * About how many tasks of a worker nobody saw. A worker that writes no journal (Python's) tells its events to whoever listens just then; but
 * each of its heartbeats says how many tasks it has begun in all. What that grows by and no `task-started` tells of was missed.
 */

/** Plain data, kept with the row of the worker: so what passes while no camera runs is found as well. */
export interface Estimate {
  /** The count begins anew with the process. */
  readonly pid: number
  /** What it had begun when it was first heard of. */
  readonly base: number
  /** What it had begun at its last heartbeat. */
  readonly begun: number
  /** `task-started` seen since `base`. */
  readonly seen: number
  /** Missed so far; of processes before this one too. */
  readonly missed: number
  readonly missedBefore: number
}

/** With a heartbeat. The one before is compared: what was begun until then has been told by now, if it was told. */
export function heartbeat(known: Estimate | undefined, pid: number, begun: number): Estimate {
  if (known === undefined || known.pid !== pid || begun < known.begun) {
    const missedBefore = known?.missed ?? 0
    return { pid, base: begun, begun, seen: 0, missed: missedBefore, missedBefore }
  }
  // Not one seen: it does not tell of its tasks at all (no -E), so there is nothing to miss.
  const unseen = known.seen === 0 ? 0 : Math.max(0, known.begun - known.base - known.seen)
  return { ...known, begun, missed: known.missedBefore + unseen }
}

/** With a `task-started`. */
export function started(known: Estimate | undefined, pid: number): Estimate | undefined {
  return known === undefined || known.pid !== pid ? known : { ...known, seen: known.seen + 1 }
}

export function readEstimate(text: string | null): Estimate | undefined {
  if (text === null) return undefined
  try {
    return JSON.parse(text) as Estimate
  } catch {
    return undefined // somebody has edited the table: counted from now on
  }
}
