/** Fairness between queues at one priority step, the same in every adapter. Pure. */

/** `queues` without doubles, each take starting with another one, so that single messages too are taken from all in turn. */
export function fairOrder(queues: readonly string[], seq: number): readonly string[] {
  const unique = [...new Set(queues)]
  if (unique.length < 2) return unique
  const first = seq % unique.length
  return [...unique.slice(first), ...unique.slice(0, first)]
}

/**
 * Takes up to `room` from `sources`: first an equal share from each, then what the others left over.
 *
 * @param pop takes up to `count` from `source`, returns how many there were
 * @returns   how many were taken
 */
export function takeShares<Source>(sources: readonly Source[], room: number, pop: (source: Source, count: number) => number): number {
  let left = room
  const more: Source[] = []
  for (const [index, source] of sources.entries()) {
    if (left === 0) return room
    const share = Math.ceil(left / (sources.length - index))
    const got = pop(source, share)
    left -= got
    if (got === share) more.push(source)
  }
  for (const source of more) {
    if (left === 0) return room
    left -= pop(source, left)
  }
  return room - left
}
