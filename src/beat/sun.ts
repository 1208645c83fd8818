import { getTimes, type SunTimeName } from 'suncalc'
import type { SolarEvent, SolarSchedule } from '../protocol/schedule.js'

const DAY = 86_400_000

/** After so many days without the event it will never come: every latitude has had all its seasons. */
const SEARCHED_DAYS = 367

/** Celery's `dusk_astronomical` looks for 18 degrees above the horizon instead of below (celery/schedules.py); here it is dusk. */
const NAMES: Readonly<Record<SolarEvent, SunTimeName | 'solarNoon'>> = {
  dawn_astronomical: 'nightEnd',
  dawn_nautical: 'nauticalDawn',
  dawn_civil: 'dawn',
  sunrise: 'sunrise',
  solar_noon: 'solarNoon',
  sunset: 'sunset',
  dusk_civil: 'dusk',
  dusk_nautical: 'nauticalDusk',
  dusk_astronomical: 'night',
}

/** The first such event strictly after `after`, to the second; null when there is none within a year. */
export function nextSun({ event, latitude, longitude }: SolarSchedule, after: number): number | null {
  // From the day before: the solar day of a place may be that far from UTC's.
  for (let day = -1; day <= SEARCHED_DAYS; day++) {
    const date = getTimes(new Date(after + day * DAY), latitude, longitude)[NAMES[event]]
    // Null on most days without the event; not a date at all where the arithmetic has no answer (the poles).
    const at = Math.round((date?.getTime() ?? Number.NaN) / 1000) * 1000
    if (at > after) return at
  }
  return null
}
