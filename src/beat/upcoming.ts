/** The next times of an entry, as people read them: `tasks schedule next`. */
import type { ScheduleEntry } from '../protocol/schedule.js'
import type { Calendar } from './calendar.js'
import { nextDue, sendAt } from './due.js'
import { explainDue } from './explanation.js'
import type { Zone } from './zone.js'

export interface UpcomingTime {
  readonly due: number
  /** Later than `due` by the jitter. */
  readonly sent: number
  /** The wall clock of the entry's zone, with its offset: `2026-11-22T05:00:00+01:00`. */
  readonly wall: string
  /**
   * `after-gap`: its own time is skipped when clocks go forward, so it is due at the end of the gap. `first`, `second`: clocks are set back,
   * and its wall-clock time comes twice; this is the one it is due at.
   */
  readonly clocks: 'after-gap' | 'first' | 'second' | null
}

/**
 * The first `count` due times after `after`, enabled or not; fewer when it is over before.
 *
 * @param anchor as for `nextDue`
 */
export function upcoming(
  entry: ScheduleEntry,
  after: number,
  count: number,
  calendar: Calendar,
  anchor: number | null = null,
): readonly UpcomingTime[] {
  const enabled = { ...entry, enabled: true }
  const zone = calendar.zone(entry.timezone)
  const found: UpcomingTime[] = []
  for (let due = nextDue(enabled, after, calendar, anchor); due !== null && found.length < count; ) {
    found.push({ due, sent: sendAt(enabled, due, calendar), wall: wallText(due, zone), clocks: clocksOf(enabled, due, calendar) })
    due = nextDue(enabled, due, calendar, anchor ?? due)
  }
  return found
}

/** ISO 8601 with the offset of the zone at that moment. */
export function wallText(at: number, zone: Zone): string {
  const offset = Math.round(zone.offsetAt(at) / 60_000)
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  return `${new Date(zone.wallAt(at)).toISOString().slice(0, 19)}${offset < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`
}

function clocksOf(entry: ScheduleEntry, due: number, calendar: Calendar): UpcomingTime['clocks'] {
  const zone = calendar.zone(entry.timezone)
  const passage = zone.passageOf(zone.wallAt(due))
  if (passage.kind === 'twice') return due === passage.at ? 'first' : 'second'
  if (entry.schedule.kind !== 'crontab') return null
  const { verdict, due: ofMinute } = explainDue(entry, due, calendar)
  return verdict === 'due-after-gap' && ofMinute[0] === due ? 'after-gap' : null
}
