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
    const search = createSearch(schedule, this.zone(timezone))
    this.#searches.set(key, search)
    return search
  }
}

/**
 * Croner searches the wall clock as if it were UTC's, and the zone says which moment that is. Croner's own zones drop a time in a gap that
 * ends at midnight (11.0.1: 23:30 in Nuuk on 30 March 2024), and its own fields know no ranges that wrap.
 */
function createSearch(schedule: CrontabSchedule, zone: Zone): CrontabSearch {
  const expanded = expandCrontab(schedule)
  if (!expanded.ok) throw new CelerityError('E_SCHEDULE', { message: `${expanded.field ?? 'crontab'}: ${expanded.reason}` })
  const { times } = expanded
  const lists = [times.second, times.minute, times.hour, times.dayOfMonth, times.monthOfYear, times.dayOfWeek]
  const cron = new Cron(lists.join(' '), { timezone: 'UTC', domAndDow: true, mode: '6-part', paused: true })
  return {
    times,
    next(after) {
      // What the wall clock has not shown yet lies after `after`: one step finds it.
      const wall = cron.nextRun(new Date(zone.latestWallAt(after)))
      return wall === null ? null : zone.passageOf(wall.getTime()).at
    },
  }
}
