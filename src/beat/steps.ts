/** What is to be done about an entry now: a function of the entry, its plan and the time. */
import type { ScheduleEntry } from '../protocol/schedule.js'
import type { Calendar } from './calendar.js'
import { nextDue, sendAt } from './due.js'
import { MISFIRE_GRACE, missed } from './misfire.js'

/** An entry and where its plan stands. */
export interface PlannedEntry {
  readonly entry: ScheduleEntry
  /** Due next; null: nobody has planned it yet. */
  readonly planned: number | null
  /** The last due time, sent or skipped. */
  readonly lastDue: number | null
  /** Where a first plan begins: what is due after it is not missed. */
  readonly from: number
  /** `planned` waits for the last task to end (`queue-one`). */
  readonly waiting: boolean
}

/** From one plan to the next. Of a chain of steps, each begins where the one before ended. */
export interface Step {
  readonly planned: number | null
  /** Null: never again. */
  readonly next: number | null
  /** What was due; null: nothing, it only plans. */
  readonly due: number | null
  readonly outcome: 'sent' | 'late' | 'skipped-misfire'
}

/** Milliseconds. No interval is planned further ahead than its length and this: a change of clocks, or of the broker's server. */
const SLACK = MISFIRE_GRACE * 1000
const HOUR = 3_600_000

/** When there is something to do about the entry: the time at which its next message is sent. */
export function wakeAt({ entry, planned }: PlannedEntry, now: number, calendar: Calendar): number {
  return planned === null || isAstray(entry, planned, now) ? now : sendAt(entry, planned, calendar)
}

/** What to do now; nothing when its time has not come. */
export function stepsOf(one: PlannedEntry, now: number, calendar: Calendar): readonly Step[] {
  const { entry, planned, waiting } = one
  if (planned === null) return [onlyPlan(planned, firstPlan(one, calendar))]
  if (isAstray(entry, planned, now)) return [onlyPlan(planned, nextDue(entry, now, calendar, planned))]
  if (sendAt(entry, planned, calendar) > now) return []
  // It was kept back by its last task, not by an outage: no misfire. What came due meanwhile had no place to wait.
  if (waiting) return [send(one, planned, nextToCome(entry, planned, now, calendar), now, calendar)]

  const dues = missed(entry, planned, now, calendar)
  const [first] = dues
  if (first === undefined) return [skip(planned, nextToCome(entry, planned, now, calendar))]
  const sends = dues.slice(0, entry.overlap === 'queue-one' ? 1 : dues.length).map((due, index) => {
    const next = dues[index + 1] ?? nextDue(entry, due, calendar, due)
    return send(one, due, next, now, calendar)
  })
  return first === planned ? sends : [skip(planned, first), ...sends]
}

/** An entry that was just made or enabled: what was due before is not made up for, and nothing is sent twice. */
function firstPlan({ entry, from, lastDue }: PlannedEntry, calendar: Calendar): number | null {
  // An interval goes on from its last time, so that a deployment does not put it off; unless that lies ahead, as after a jump of clocks.
  const anchor = lastDue !== null && lastDue <= from ? lastDue : null
  const after = lastDue !== null && (entry.schedule.kind !== 'interval' || anchor !== null) ? Math.max(from, lastDue) : from
  return nextDue(entry, after, calendar, anchor)
}

/** Further ahead than the interval is long: the broker's clock was set back. A wall-clock time comes again; an interval must not wait for it. */
function isAstray({ schedule, start }: ScheduleEntry, planned: number, now: number): boolean {
  if (schedule.kind !== 'interval') return false
  const longest = schedule.every * 1000 + (schedule.relative ? HOUR : 0) + SLACK
  return planned > Math.max(now, start ?? now) + longest
}

/** The first due time after `planned` whose time to be sent is still to come. */
function nextToCome(entry: ScheduleEntry, planned: number, now: number, calendar: Calendar): number | null {
  const from = Math.max(planned, now - entry.jitter * 1000 - 1)
  let due = nextDue(entry, from, calendar, planned)
  while (due !== null && sendAt(entry, due, calendar) <= now) due = nextDue(entry, due, calendar, planned)
  return due
}

function onlyPlan(planned: number | null, next: number | null): Step {
  return { planned, next, due: null, outcome: 'sent' }
}

function skip(planned: number, next: number | null): Step {
  return { planned, next, due: planned, outcome: 'skipped-misfire' }
}

function send({ entry }: PlannedEntry, due: number, next: number | null, now: number, calendar: Calendar): Step {
  const isLate = sendAt(entry, due, calendar) < now - MISFIRE_GRACE * 1000
  return { planned: due, next: entry.oneOff ? null : next, due, outcome: isLate ? 'late' : 'sent' }
}
