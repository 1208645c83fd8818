const HOUR = 3_600_000

/** No zone was ever further from UTC. */
const FURTHEST = 16 * HOUR

/** No clock was ever set back by more. */
const LONGEST_REPEAT = 25 * HOUR

/** Clocks never changed twice in a stretch of this length: the shortest time between changes was that of Morocco around Ramadan, a month. */
const STRETCH = 96 * HOUR

/** Stretches remembered; nine years. */
const KEPT = 800

/** When a zone's clocks change. */
export interface ClockChange {
  /** The first moment of the new offset. */
  readonly at: number
  /** Milliseconds east of UTC, before and after. */
  readonly before: number
  readonly after: number
}

interface Stretch {
  /** The offset at its start. */
  readonly before: number
  readonly change: ClockChange | null
}

/**
 * What moment a wall-clock time is. `skipped`: it lies in a gap, and `at` is the gap's end, the first moment after it; `twice`: it comes
 * again after clocks were set back, and `at` is the first.
 */
export type Passage =
  | { readonly kind: 'once'; readonly at: number }
  | { readonly kind: 'skipped'; readonly at: number }
  | { readonly kind: 'twice'; readonly at: number; readonly again: number }

/**
 * The wall clock of one zone, by the time zone data of Node. A wall time is the milliseconds since 1970 at which UTC's clock shows it, so
 * that `new Date(wall).getUTCHours()` is the hour of the zone.
 */
export class Zone {
  readonly name: string
  readonly #format: Intl.DateTimeFormat
  readonly #stretches = new Map<number, Stretch>()

  /** @throws RangeError for a name of no zone */
  constructor(name: string) {
    this.name = name
    const numeric = 'numeric' as const
    this.#format = new Intl.DateTimeFormat('en-US', {
      ...{ timeZone: name, hourCycle: 'h23', calendar: 'iso8601', numberingSystem: 'latn' },
      ...{ year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric },
    })
  }

  /** Milliseconds east of UTC. */
  offsetAt(at: number): number {
    const { before, change } = this.#stretchOf(at)
    return change !== null && at >= change.at ? change.after : before
  }

  wallAt(at: number): number {
    return at + this.offsetAt(at)
  }

  /** The latest time that the wall clock has shown up to `at`: after clocks were set back, for a while, the time from which they were. */
  latestWallAt(at: number): number {
    const wall = this.wallAt(at)
    const change = this.changeBetween(at - LONGEST_REPEAT, at)
    return change === null ? wall : Math.max(wall, change.at + change.before - 1)
  }

  passageOf(wall: number): Passage {
    const change = this.changeBetween(wall - FURTHEST, wall + FURTHEST)
    if (change === null) return { kind: 'once', at: wall - this.offsetAt(wall) }
    const [early, late] = [wall - change.before, wall - change.after]
    if (early < change.at) return late >= change.at ? { kind: 'twice', at: early, again: late } : { kind: 'once', at: early }
    return late >= change.at ? { kind: 'once', at: late } : { kind: 'skipped', at: change.at }
  }

  /** The change of clocks after `from` and not after `to`, to the second; null when there is none. Two within a few days are not told apart. */
  changeBetween(from: number, to: number): ClockChange | null {
    const [before, after] = [this.offsetAt(from), this.offsetAt(to)]
    return before === after ? null : { at: bisect(from, to, (at) => this.offsetAt(at) === before), before, after }
  }

  /** Asking Intl takes ten times as long as a whole search with what is kept here. */
  #stretchOf(at: number): Stretch {
    const index = Math.floor(at / STRETCH)
    const known = this.#stretches.get(index)
    if (known !== undefined) return known
    const [from, to] = [index * STRETCH, (index + 1) * STRETCH]
    const [before, after] = [this.#measure(from), this.#measure(to)]
    const change = before === after ? null : { at: bisect(from, to, (middle) => this.#measure(middle) === before), before, after }
    if (this.#stretches.size >= KEPT) this.#stretches.clear()
    this.#stretches.set(index, { before, change })
    return { before, change }
  }

  #measure(at: number): number {
    const parts: Record<string, number> = {}
    for (const { type, value } of this.#format.formatToParts(at)) parts[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    const wall = new Date(0).setUTCFullYear(year, month - 1, day) + hour * HOUR + minute * 60_000 + second * 1000
    return wall - Math.floor(at / 1000) * 1000
  }
}

/** The first whole second in (from, to] at which `isBefore` does not hold any more. */
function bisect(from: number, to: number, isBefore: (at: number) => boolean): number {
  let [low, high] = [Math.floor(from / 1000), Math.ceil(to / 1000)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (isBefore(middle * 1000)) low = middle
    else high = middle
  }
  return high * 1000
}
