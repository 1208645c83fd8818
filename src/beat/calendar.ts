import { Cron } from 'croner'
import { LRUCache } from 'lru-cache'
import { CelerityError } from '../errors.js'
import { type CrontabSchedule, type CrontabTimes, expandCrontab, isTimezone } from '../protocol/schedule.js'
import { Zone } from './zone.js'

/** Searches of this many different crontabs are kept ready; one takes a few kilobytes. */
const READY = 2000

/** When a crontab's next time is, in its zone. */
export interface CrontabSearch {
  readonly times: CrontabTimes
  /** The first due moment strictly after `after`; null when none comes. */
  next(after: number): number | null
}

/**
 * The zones and crontabs of a schedule, made once and used often: handed to whoever computes with entries. It holds no time of its own.
 */
export class Calendar {
  readonly timezone: string
  readonly #zones = new Map<string, Zone>()
  readonly #searches = new LRUCache<string, CrontabSearch>({ max: READY })

  /**
   * @param timezone the zone of entries that name none
   * @throws CelerityError E_SCHEDULE when there is no such zone
   */
  constructor(timezone: string) {
    this.timezone = timezone
    this.zone(null)
  }

  /**
   * @param name null: the default zone
   * @throws CelerityError E_SCHEDULE when there is no such zone
   */
  zone(name: string | null): Zone {
    const wanted = name ?? this.timezone
    const known = this.#zones.get(wanted)
    if (known !== undefined) return known
    if (!isTimezone(wanted)) throw new CelerityError('E_SCHEDULE', { message: `'${wanted}' is no time zone such as 'Europe/London'` })
    const zone = new Zone(wanted)
    this.#zones.set(wanted, zone)
    return zone
  }

  /** @throws CelerityError E_SCHEDULE for a crontab that was not checked when it was read */
  crontab(schedule: CrontabSchedule, timezone: string | null): CrontabSearch {
    const { second, minute, hour, dayOfMonth, monthOfYear, dayOfWeek } = schedule
    const key = [timezone ?? this.timezone, second, minute, hour, dayOfMonth, monthOfYear, dayOfWeek].join('|')
    const ready = this.#searches.get(key)
    if (ready !== undefined) return ready
    const search = createSearch(schedule, this.zone(timezone).name)
    this.#searches.set(key, search)
    return search
  }
}

/**
 * Croner searches; the fields are expanded by us, since its own reading knows no ranges that wrap. With lists in every field and
 * `no-wildcard` each time is one of the wall clock: at the end of a gap it lies in, and once when it comes twice.
 */
function createSearch(schedule: CrontabSchedule, timezone: string): CrontabSearch {
  const expanded = expandCrontab(schedule)
  if (!expanded.ok) throw new CelerityError('E_SCHEDULE', { message: `${expanded.field ?? 'crontab'}: ${expanded.reason}` })
  const { times } = expanded
  const lists = [times.second, times.minute, times.hour, times.dayOfMonth, times.monthOfYear, times.dayOfWeek]
  const cron = new Cron(lists.join(' '), { timezone, domAndDow: true, fixedTimeRule: 'no-wildcard', mode: '6-part', paused: true })
  return { times, next: (after) => cron.nextRun(new Date(after))?.getTime() ?? null }
}
