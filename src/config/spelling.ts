/** Spellings of a name, and which known name somebody may have meant. */

/** `taskAlwaysEager` -> `task_always_eager`. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** `task_always_eager` -> `taskAlwaysEager`. */
export function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** The candidate that `name` most resembles, or null when none is near enough to be what was meant. Case and `_`, `-` do not count. */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const wanted = plain(name)
  const limit = Math.max(1, Math.floor(wanted.length / 4))
  let best: string | null = null
  let least = limit + 1
  for (const candidate of candidates) {
    const distance = editDistance(wanted, plain(candidate), least)
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

const plain = (name: string) => name.toLowerCase().replace(/[_-]/g, '')

/** Inserted, removed, changed and swapped neighbouring letters (optimal string alignment); gives up above `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let older: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, older[column - 2]! + 1)
      current.push(cost)
    }
    older = previous
    previous = current
  }
  return previous[b.length]!
}
