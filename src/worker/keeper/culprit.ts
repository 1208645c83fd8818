/** Which task blocks the event loop, as well as it can be told from outside. */
import type { Board, OnBoard } from './board.js'
import type { Sighting } from './probe.js'

/** How many are named when it may be any of them. */
const NAMED = 3
/** Milliseconds that a start may seem to lie before the last turn of the loop, which is noted now and then only. */
const TOLERANCE_MS = 1_000

/**
 * `the event loop is blocked by task kuma.block[id] for 12 s`.
 *
 * @param sighting what the main thread itself has answered, if it did
 */
export function culprit(board: Board, sighting: Sighting | null = null): string {
  const { blockedMs } = board
  const suspects = suspectsOn(board, blockedMs, sighting)
  const names = suspects.slice(0, NAMED).map(({ name, id }) => `${name}[${id}]`)
  const more = suspects.length - names.length
  const who =
    names.length === 0
      ? ''
      : names.length === 1
        ? ` by task ${names[0]}`
        : ` by one of ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  return `the event loop is blocked${who} for ${Math.round(blockedMs / 1000)} s`
}

function suspectsOn(board: Board, blockedMs: number, sighting: Sighting | null): readonly OnBoard[] {
  const { entered } = board
  if (entered !== undefined) return [entered]
  const running = board.started()
  if (sighting !== null) return running.filter(({ id }) => id === sighting.id)
  const newest = running.at(-1)
  const blockedSince = Date.now() - blockedMs - TOLERANCE_MS
  // Nothing starts in a blocked loop: what began last, after it turned last, has most likely never given control back.
  return newest !== undefined && newest.since >= blockedSince ? [newest] : running
}
