/** Carries out what is found about a blocked event loop: the task is settled, the rest goes back, and the process ends. */
import type { Log } from '../../log.js'
import { within } from '../patience.js'
import type { Board } from './board.js'
import { culprit } from './culprit.js'
import type { LastAct } from './last-act.js'
import type { Verdict } from './overrun.js'
import type { Sighting } from './probe.js'

export interface ExecutionParts {
  readonly board: Board
  readonly log: Log
  readonly act: Pick<LastAct, 'settle' | 'resign'>
  /** Nothing is renewed or sent any more; resolves when monitors were told. */
  stop(): Promise<void>
  /** Ends the process. */
  end(): Promise<void>
}

/** Seconds for giving back what is held; what is left comes back when the lease has run out. */
const RESIGN_SECONDS = 2

/** See `BlockWatchParts.execute`. */
export async function execute(
  { board, log, act, stop, end }: ExecutionParts,
  verdict: Verdict,
  sighting: Sighting | null,
  isStillBlocked: () => boolean,
): Promise<void> {
  const stack = sighting?.stack ?? ''
  const fields = { ...(verdict.kind === 'task' && { task: verdict.task.name, id: verdict.task.id }), ...(stack !== '' && { stack }) }
  const others = board.active - (verdict.kind === 'task' ? 1 : 0)
  let isLost = false
  if (verdict.kind === 'task') {
    isLost = (await act.settle(verdict.task, verdict.limit, stack)) === 'lost'
    if (!isStillBlocked()) {
      // Whoever settled first has: nothing is left to be undone, and a process that works need not end.
      log.warning(`${charge(verdict)}; the event loop turned when its failure was stored, so this process goes on`, fields)
      return
    }
  }
  const stopped = stop()
  if (verdict.kind !== 'unknown' && !isLost) await within(act.resign(), RESIGN_SECONDS)
  await stopped
  log.critical(`${sentence(verdict, culprit(board, sighting), isLost, others)}; this process ends`, fields)
  await end()
}

function charge({ task, limit }: Extract<Verdict, { readonly kind: 'task' }>): string {
  return `Task ${task.name}[${task.id}] blocks the event loop beyond its time limit of ${limit} s`
}

function sentence(verdict: Verdict, who: string, isLost: boolean, others: number): string {
  switch (verdict.kind) {
    case 'task':
      if (isLost) return `${charge(verdict)}, and the lease is lost`
      return `${charge(verdict)}: it has failed${others > 0 ? `, and ${others} other${others > 1 ? 's go' : ' goes'} back` : ''}`
    case 'no-task':
      return `${who}, by no task that counts any more; what is held here goes back`
    case 'unknown':
      return `${who}; what is held here comes back when its lease has run out, each task by itself if need be`
  }
}
