import type { ScheduleEntry } from '../protocol/schedule.js'
import type { Calendar } from './calendar.js'
import { nextDue, sendAt } from './due.js'

/** Seconds. A change of leader takes less, and must lose no tick. */
export const MISFIRE_GRACE = 60

/**
 * The due times to send now, oldest first: of `planned` and those after it whose time to be sent (`sendAt`) has come, what the entry's
 * misfire policy takes.
 *
 * When the oldest is no later than `grace`, nothing was missed: all are sent. Otherwise `skip` takes the newest if that is no later than
 * `grace`, `once` the newest, however late, and `all` the newest `misfireLimit`. A one-off entry has one run, whatever the policy.
 *
 * @param planned the oldest due time that was neither sent nor passed over; an interval counts from it
 * @param grace   seconds
 */
export function missed(
  entry: ScheduleEntry,
  planned: number,
  now: number,
  calendar: Calendar,
  grace: number = MISFIRE_GRACE,
): readonly number[] {
  const backlog = new Backlog(entry, planned, now, calendar)
  if (!entry.enabled || !backlog.hasCome(planned)) return []
  const inTime = (due: number) => sendAt(entry, due, calendar) >= now - grace * 1000
  if (inTime(planned)) return entry.oneOff ? [planned] : (backlog.from(planned) ?? [])
  switch (entry.misfire) {
    case 'skip':
      return backlog.newest(1).filter(inTime)
    case 'once':
      return backlog.newest(1)
    case 'all':
      return backlog.newest(entry.oneOff ? 1 : entry.misfireLimit)
  }
}

class Backlog {
  readonly #entry: ScheduleEntry
  readonly #planned: number
  readonly #now: number
  readonly #calendar: Calendar

  constructor(entry: ScheduleEntry, planned: number, now: number, calendar: Calendar) {
    this.#entry = entry
    this.#planned = planned
    this.#now = now
    this.#calendar = calendar
  }

  hasCome(due: number): boolean {
    return due <= this.#now && sendAt(this.#entry, due, this.#calendar) <= this.#now
  }

  /** The due times from `first` on, at most the newest `count`; null when there are more than `most`. */
  from(first: number | null, count = Number.POSITIVE_INFINITY, most = Number.POSITIVE_INFINITY): readonly number[] | null {
    const found: number[] = []
    let seen = 0
    for (let due = first; due !== null && this.hasCome(due); due = this.#next(due)) {
      if (++seen > most) return null
      if (found.push(due) > count) found.shift()
    }
    return found
  }

  /**
   * The newest `count`. Searched backwards in windows that double: after a year away a one-second entry has 31 million. A window that holds
   * far too many, as with a crontab of every second in one month, is halved.
   */
  newest(count: number): readonly number[] {
    const most = 2 * count + 100
    let few = this.#now // after it there are fewer than `count`
    for (let window = 60_000; ; window *= 2) {
      let start = this.#now - window
      let found = this.#after(start, count, most)
      while (found === null) {
        const middle = Math.floor((start + few) / 2)
        const part = this.#after(middle, count, most)
        if (part !== null && part.length < count) few = middle
        else [start, found] = [middle, part]
      }
      if (found.length >= count || start < this.#planned) return found
      few = start
    }
  }

  #after(start: number, count: number, most: number): readonly number[] | null {
    return this.from(start < this.#planned ? this.#planned : this.#next(start), count, most)
  }

  #next(after: number): number | null {
    return nextDue(this.#entry, after, this.#calendar, this.#planned)
  }
}
