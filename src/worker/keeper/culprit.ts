/** Which task blocks the event loop, as well as it can be told from outside. */
import type { Board } from './board.js'

/** How many are named when it may be any of them. */
const NAMED = 3
/** Milliseconds that a start may seem to lie before the last turn of the loop, which is noted now and then only. */
const TOLERANCE_MS = 1_000

/** `the event loop is blocked by task kuma.block[id] for 12 s`. */
export function culprit(board: Board): string {
  const { blockedMs } = board
  const running = board.started()
  const blockedSince = Date.now() - blockedMs - TOLERANCE_MS
  const newest = running.at(-1)
  // Nothing starts in a blocked loop: what began last, after it turned last, has never given control back.
  const suspects = newest !== undefined && newest.since >= blockedSince ? [newest] : running
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
