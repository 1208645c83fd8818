const HOUR = 3_600_000

/** No zone was ever further from UTC. */
const FURTHEST = 16 * HOUR

/** When a zone's clocks change. */
export interface ClockChange {
  /** The first moment of the new offset. */
  readonly at: number
  /** Milliseconds east of UTC, before and after. */
  readonly before: number
  readonly after: number
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
    return this.wallAt(at) - at
  }

  wallAt(at: number): number {
    const parts: Record<string, number> = {}
    for (const { type, value } of this.#format.formatToParts(at)) parts[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    const wall = new Date(0).setUTCFullYear(year, month - 1, day) + hour * HOUR + minute * 60_000 + second * 1000
    return wall + (at - Math.floor(at / 1000) * 1000)
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
    if (before === after) return null
    let [low, high] = [Math.floor(from / 1000), Math.ceil(to / 1000)]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (this.offsetAt(middle * 1000) === before) low = middle
      else high = middle
    }
    return { at: high * 1000, before, after }
  }
}
