/** Periodic tasks as plain data: what settings, code and stores share. Only `src/beat` computes with it. */
import type { Compression } from './compression.js'

/** The nine events of Celery's `solar`. */
export const SOLAR_EVENTS = [
  ...(['dawn_astronomical', 'dawn_nautical', 'dawn_civil', 'sunrise', 'solar_noon'] as const),
  ...(['sunset', 'dusk_civil', 'dusk_nautical', 'dusk_astronomical'] as const),
] as const

export type SolarEvent = (typeof SOLAR_EVENTS)[number]

/** Every so many seconds of real time. `relative`, as in Celery: at full days, hours or minutes, whichever unit the interval has. */
export interface IntervalSchedule {
  readonly kind: 'interval'
  /** Seconds, at least `SHORTEST_INTERVAL`, in whole milliseconds. */
  readonly every: number
  readonly relative: boolean
}

/** Celery's five fields, as they were written, and a sixth for seconds. Day of month AND day of week must fit. */
export interface CrontabSchedule {
  readonly kind: 'crontab'
  readonly second: string
  readonly minute: string
  readonly hour: string
  readonly dayOfWeek: string
  readonly dayOfMonth: string
  readonly monthOfYear: string
}

/** At each dawn, sunset … at a place; degrees north and east. On days without one (polar night), not at all. */
export interface SolarSchedule {
  readonly kind: 'solar'
  readonly event: SolarEvent
  readonly latitude: number
  readonly longitude: number
}

/** Once, at this moment: milliseconds since 1970. */
export interface ClockedSchedule {
  readonly kind: 'clocked'
  readonly at: number
}

export type Schedule = IntervalSchedule | CrontabSchedule | SolarSchedule | ClockedSchedule

/** What each message of an entry carries besides its arguments. Spans are seconds; `expires` counts from when it was due. */
export interface EntryOptions {
  readonly queue?: string
  /** 0 is the highest. */
  readonly priority?: number
  readonly expires?: number
  readonly headers?: Readonly<Record<string, unknown>>
  readonly timeLimit?: number
  readonly softTimeLimit?: number
  readonly ignoreResult?: boolean
  /** Another name in logs and events. */
  readonly shadow?: string
  readonly compression?: Compression
}

/** What to do about times that passed while no beat ran: none, the newest, or all of them up to `misfireLimit`. */
export const MISFIRES = ['skip', 'once', 'all'] as const
export type Misfire = (typeof MISFIRES)[number]

/** What to do when the entry is due and its last task still runs: send, leave out, or keep one waiting. */
export const OVERLAPS = ['allow', 'skip', 'queue-one'] as const
export type Overlap = (typeof OVERLAPS)[number]

/** One line of the schedule. Times are milliseconds since 1970. */
export interface ScheduleEntry {
  readonly name: string
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly schedule: Schedule
  /** IANA name of the zone its wall clock is in; null: the default zone. */
  readonly timezone: string | null
  readonly options: EntryOptions
  readonly enabled: boolean
  /** Not due before; an interval counts from here. */
  readonly start: number | null
  /** Not due at or after. */
  readonly expiry: number | null
  /** Seconds: it is sent up to this much later than due, by an amount that follows from name and due time. */
  readonly jitter: number
  readonly misfire: Misfire
  /** How many missed times `misfire: 'all'` sends at most: the newest. */
  readonly misfireLimit: number
  readonly overlap: Overlap
  /** Disabled after its first run. */
  readonly oneOff: boolean
}

/** What an entry is that says no more than what to run and when. */
export const ENTRY_DEFAULTS = {
  args: [],
  kwargs: {},
  timezone: null,
  options: {},
  enabled: true,
  start: null,
  expiry: null,
  jitter: 0,
  misfire: 'once',
  misfireLimit: 100,
  overlap: 'allow',
  oneOff: false,
} as const satisfies Partial<ScheduleEntry>

/** Seconds. Anything faster is a loop, and would keep the broker busy with nothing but ticks. */
export const SHORTEST_INTERVAL = 0.1
