import type { ScheduleEntry } from '../protocol/schedule.js'
import type { Calendar } from './calendar.js'
import { nextDue } from './due.js'

/** Seconds. A change of leader takes less, and must lose no tick. */
export const MISFIRE_GRACE = 60

/**
 * The due times to send now, oldest first: those after `lastPlanned` and not after `now`, by the entry's misfire policy.
 *
 * When the oldest of them is no later than `grace`, nothing was missed: all are due. Otherwise `skip` leaves out what is later than
 * `grace`, and of the rest takes the newest; `once` takes the newest, however late; `all` takes the newest `misfireLimit`. A one-off entry
 * has one run, whatever the policy.
 *
 * @param lastPlanned the last due time that was sent or passed over; intervals count from it
 * @param grace       seconds
 */
export function missed(
  entry: ScheduleEntry,
  lastPlanned: number,
  now: number,
  calendar: Calendar,
  grace: number = MISFIRE_GRACE,
): readonly number[] {
  const oldest = nextDue(entry, lastPlanned, calendar, lastPlanned)
  if (oldest === null || oldest > now) return []
  const late = now - grace * 1000
  const backlog = new Backlog(entry, lastPlanned, now, calendar)
  if (oldest >= late) return entry.oneOff ? [oldest] : backlog.after(lastPlanned)
  switch (entry.misfire) {
    case 'skip':
      return backlog.newest(1).filter((due) => due >= late)
    case 'once':
      return backlog.newest(1)
    case 'all':
      return backlog.newest(entry.oneOff ? 1 : entry.misfireLimit)
  }
}

class Backlog {
  readonly #entry: ScheduleEntry
  readonly #since: number
  readonly #now: number
  readonly #calendar: Calendar

  constructor(entry: ScheduleEntry, since: number, now: number, calendar: Calendar) {
    this.#entry = entry
    this.#since = since
    this.#now = now
    this.#calendar = calendar
  }

  /** The due times after `from`, at most the newest `count`. */
  after(from: number, count = Number.POSITIVE_INFINITY): readonly number[] {
    const found: number[] = []
    let due = nextDue(this.#entry, from, this.#calendar, this.#since)
    while (due !== null && due <= this.#now) {
      if (found.push(due) > count) found.shift()
      due = nextDue(this.#entry, due, this.#calendar, this.#since)
    }
    return found
  }

  /** The newest `count`. Searched backwards in windows that double: after a year away a one-second entry has 31 million. */
  newest(count: number): readonly number[] {
    for (let window = 60_000; ; window *= 2) {
      const from = Math.max(this.#since, this.#now - window)
      const found = this.after(from, count)
      if (found.length >= count || from === this.#since) return found
    }
  }
}
