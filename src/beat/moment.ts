/** Moments as people type them: `tasks schedule why-not --at 05:00`. */
import { CelerityError } from '../errors.js'
import { isMoment, parseIso } from '../protocol/dates.js'
import type { Zone } from './zone.js'

const DAY = 86_400_000
const OFFSET = /(?:z|[+-]\d\d(?::?\d\d)?)$/i
const CLOCK = /^(\d\d?)(:\d\d(?::\d\d)?)$/

/**
 * Milliseconds since 1970 of an ISO text; one without an offset is the wall clock of `zone`. A clock time alone (`05:00`) is the last one
 * that was.
 *
 * @param flag the flag it was given with, for the message
 * @throws     CelerityError E_ARGUMENTS
 */
export function readMoment(flag: string, text: string, zone: Zone, now: number): number {
  const at = parseMoment(text.trim(), zone, now)
  if (at !== null) return at
  throw new CelerityError('E_ARGUMENTS', {
    message: `--${flag} ${text} is no moment`,
    hint: "Give such as '2026-05-01T08:00:00Z', '2026-05-01 08:00' or '08:00'.",
  })
}

function parseMoment(given: string, zone: Zone, now: number): number | null {
  const clock = CLOCK.exec(given)
  if (clock !== null) return lastClock(`${clock[1]!.padStart(2, '0')}${clock[2]}`, zone, now)
  const parsed = parseIso(given)
  if (parsed === null || OFFSET.test(given.slice(10))) return parsed
  const { at } = zone.passageOf(parsed)
  return isMoment(at) ? at : null
}

function lastClock(clock: string, zone: Zone, now: number): number | null {
  const time = parseIso(`1970-01-01T${clock}Z`)
  if (time === null) return null
  const today = Math.floor(zone.wallAt(now) / DAY) * DAY
  const { at } = zone.passageOf(today + time)
  return at <= now ? at : zone.passageOf(today - DAY + time).at
}
