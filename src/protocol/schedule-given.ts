/** The types of what `readSchedule` and `readEntry` take, for who writes it in code. */
import type { Duration } from '../duration.js'
import type { EntryOptions, Misfire, Overlap, Schedule, SolarEvent } from './schedule-entry.js'
import type { CrontabInput } from './schedule-forms.js'

/** Degrees north and east. */
export interface SolarGiven {
  readonly event: SolarEvent
  readonly latitude: number
  readonly longitude: number
}

/** `minute hour day-of-month month day-of-week`; with six fields the first is seconds. */
export type CrontabText = `${string} ${string} ${string} ${string} ${string}`

/** Seconds or `'10m'`; `'0 5 * * *'`; fields of a crontab; a place and an event of the sun; one moment (a text with its offset). */
export type ScheduleGiven =
  | Duration
  | CrontabText
  | Date
  | Schedule
  | CrontabInput
  | { readonly every: Duration; readonly relative?: boolean }
  | SolarGiven
  | { readonly at: MomentGiven }
  | { readonly crontab: CrontabInput | CrontabText }
  | { readonly solar: SolarGiven }
  | { readonly clocked: MomentGiven }

/** A text needs its offset: `'2026-05-01T08:00:00Z'`; a number is milliseconds since 1970. */
export type MomentGiven = Date | string | number

export type EntryOptionsGiven = Omit<EntryOptions, 'expires' | 'timeLimit' | 'softTimeLimit'> & {
  /** Counts from when it was due: not run any more this long after. */
  readonly expires?: Duration
  readonly timeLimit?: Duration
  readonly softTimeLimit?: Duration
}

/** What an entry says besides what to run and when. */
export interface EntryTerms {
  readonly options?: EntryOptionsGiven
  /** IANA name of the zone of its wall clock; default: the setting `timezone`. */
  readonly timezone?: string | null
  readonly enabled?: boolean
  /** Not due before; an interval counts from here. */
  readonly start?: MomentGiven | null
  /** Not due at or after. */
  readonly expiry?: MomentGiven | null
  /** Sent up to this much later than due, so that entries of one time do not all come at once. */
  readonly jitter?: Duration
  /** Of the times that passed while no beat ran, send: none, the newest (default), or all up to `misfireLimit`. */
  readonly misfire?: Misfire
  /** Default 100. */
  readonly misfireLimit?: number
  /** Due while its last task still runs: send (default), leave out, or keep one waiting. */
  readonly overlap?: Overlap
  /** Disabled after its first run. */
  readonly oneOff?: boolean
}

/** One entry of the setting `beatSchedule`, as in Celery's `beat_schedule`; `every` may stand for `schedule`. */
export type EntryGiven = EntryTerms &
  ({ readonly schedule: ScheduleGiven } | { readonly every: ScheduleGiven }) & {
    readonly task: string
    readonly args?: readonly unknown[]
    readonly kwargs?: Readonly<Record<string, unknown>>
    /** Of an interval: at full days, hours or minutes. */
    readonly relative?: boolean
  }
