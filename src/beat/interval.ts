import type { IntervalSchedule } from '../protocol/schedule.js'
import type { Zone } from './zone.js'

const MINUTE = 60
const HOUR = 3600
const DAY = 86_400

/**
 * The first due moment strictly after `after` of an interval that counts from `anchor`. It follows from the anchor alone, whoever asks and
 * however late, so it does not drift.
 *
 * `relative` is Celery's: due at full days (of the zone), hours, minutes or seconds, by the largest unit that fits into the interval, and
 * as many of them apart; 90 minutes relative is every full hour, as in Celery. Days are of the wall clock; all else is real time.
 */
export function nextInterval({ every, relative }: IntervalSchedule, after: number, anchor: number, zone: Zone): number {
  const unit = relative ? unitOf(every) : null
  if (unit === null) return step(anchor, Math.round(every * 1000), after)
  const count = Math.floor(every / unit)
  if (unit === DAY) return nextMidnight(count, after, anchor, zone)
  const wall = zone.wallAt(anchor)
  return step(anchor - (wall - floorTo(wall, unit * 1000)), count * unit * 1000, after)
}

function unitOf(every: number): number | null {
  return [DAY, HOUR, MINUTE, 1].find((unit) => every >= unit) ?? null
}

function step(anchor: number, period: number, after: number): number {
  return anchor + (Math.floor((after - anchor) / period) + 1) * period
}

function nextMidnight(days: number, after: number, anchor: number, zone: Zone): number {
  const [first, period] = [floorTo(zone.wallAt(anchor), DAY * 1000), days * DAY * 1000]
  let wall = first + Math.floor((zone.wallAt(after) - first) / period) * period
  for (;;) {
    const { at } = zone.passageOf(wall)
    if (at > after) return at
    wall += period
  }
}

function floorTo(value: number, unit: number): number {
  return Math.floor(value / unit) * unit
}
