/** Why an entry was not sent at some time: the schedule, the switch, the leader, misfires and overlaps, put together into one answer. */
import { HISTORY_KEPT, type Occurrence, type Reign, type StoredEntry } from '../broker/schedules.js'
import { formatIso } from '../protocol/dates.js'
import type { ScheduleEntry } from '../protocol/schedule.js'
import type { Calendar } from './calendar.js'
import { type DueExplanation, explainDue } from './explanation.js'

/** What is known when the question is asked. */
export interface Evidence {
  readonly entry: ScheduleEntry
  /** Null: no beat has seen it yet. */
  readonly stored: StoredEntry | null
  /** Newest first. */
  readonly history: readonly Occurrence[]
  /** Newest first. */
  readonly reigns: readonly Reign[]
  readonly now: number
}

/**
 * `sent`: it was. `not-due`, `repeated`, `before-start`, `expired`, `disabled`: the entry itself says so. `skipped-misfire`,
 * `skipped-overlap`: its policy did. `waiting`: due, and its last task holds it back. `future`: still to come. `unseen`: no beat knows it.
 * `no-leader`: no beat ran. `overdue`: a beat should do it now. `missed`: it was due, a beat led, and nothing else is known. `unknown`: nobody
 * remembers that far back.
 */
export type Cause =
  | 'sent'
  | 'not-due'
  | 'repeated'
  | 'before-start'
  | 'expired'
  | 'disabled'
  | 'skipped-misfire'
  | 'skipped-overlap'
  | 'waiting'
  | 'future'
  | 'unseen'
  | 'no-leader'
  | 'overdue'
  | 'missed'
  | 'unknown'

export interface WhyNot {
  readonly cause: Cause
  /** The answer, in a sentence. */
  readonly answer: string
  readonly schedule: DueExplanation
  /** Who led then; null: nobody, or nobody remembers. */
  readonly leader: Reign | null
  /** What became of the due times of that minute, or second. */
  readonly occurrences: readonly Occurrence[]
}

export function whyNot(evidence: Evidence, at: number, calendar: Calendar): WhyNot {
  const { entry, history, reigns } = evidence
  const schedule = explainDue(entry, at, calendar, anchorOf(evidence, at))
  const asked = askedSpan(at, schedule)
  const occurrences = history.filter(({ due, epoch }) => epoch !== null && due >= asked.from && due < asked.until)
  const leader = reigns.find(({ from, until }) => from < schedule.until && until > schedule.from) ?? null
  const dues = schedule.due.filter((due) => due >= asked.from && due < asked.until)
  const [cause, answer] = judge({ ...evidence, schedule, dues, occurrences, leader })
  return { cause, answer, schedule, leader, occurrences }
}

/** The minute; or the second, when one was named: some entries are due more often. */
function askedSpan(at: number, { from, until }: DueExplanation): { readonly from: number; readonly until: number } {
  if (at === from) return { from, until }
  const second = Math.floor(at / 1000) * 1000
  return { from: second, until: second + 1000 }
}

/** What an interval counts from: any time it was due, the nearest before. Runs by hand were not due. */
function anchorOf({ stored, history }: Evidence, at: number): number | null {
  const known = history.filter(({ epoch }) => epoch !== null).map(({ due }) => due)
  return known.find((due) => due <= at) ?? known.at(-1) ?? stored?.planned ?? stored?.lastDue ?? null
}

type Found = Evidence & Omit<WhyNot, 'cause' | 'answer'> & { readonly dues: readonly number[] }
type Answer = readonly [Cause, string]

function judge(found: Found): Answer {
  return (
    byHistory(found) ??
    bySchedule(found) ??
    byClock(found) ??
    byPlan(found) ??
    byMisfire(found) ??
    byWaiting(found) ??
    byLeader(found) ?? [
      'missed',
      `it was due, ${found.leader!.node} led, and nothing was noted: it was added, or its plan begun anew, since`,
    ]
  )
}

/** What is noted for that minute settles it. */
function byHistory({ occurrences, history }: Found): Answer | null {
  const [sent, ...more] = occurrences.filter(({ ids }) => ids.length > 0)
  if (sent !== undefined) {
    if (occurrences.length > 1) {
      return ['sent', `it was sent ${more.length + 1} of the ${occurrences.length} times that are noted, the last at ${formatIso(sent.at)}`]
    }
    const late = sent.at - sent.due >= 1000 ? `, ${Math.round((sent.at - sent.due) / 1000)} s late` : ''
    return ['sent', `it was sent at ${formatIso(sent.at)} by ${sent.node}${late}, as task ${sent.ids.join(', ')}`]
  }
  const skipped = occurrences[0]
  if (skipped === undefined) return null
  if (skipped.outcome === 'skipped-overlap') {
    return ['skipped-overlap', `it was due at ${formatIso(skipped.due)}, and left out because its last task had not ended`]
  }
  if (skipped.outcome === 'skipped-misfire') return passedOver(skipped, skipped.due, history)
  return ['unknown', `it was due at ${formatIso(skipped.due)}, and what became of it is noted as ${skipped.outcome}`]
}

function bySchedule({ schedule, dues }: Found): Answer | null {
  switch (schedule.verdict) {
    case 'due':
    case 'due-after-gap':
      return dues.length > 0 ? null : ['not-due', `not at that second: ${schedule.text}`]
    case 'unknown':
    case 'not-due':
    case 'repeated':
    case 'before-start':
    case 'expired':
    case 'disabled':
      return [schedule.verdict, schedule.text]
  }
}

function byClock({ dues, now, stored }: Found): Answer | null {
  const [due] = dues
  if (due === undefined || due <= now) return null
  const disabled = stored?.enabled === false ? '; but it is disabled now' : ''
  return ['future', `it is still to come: due at ${formatIso(due)}${disabled}`]
}

function byPlan({ dues, stored, entry, leader }: Found): Answer | null {
  if (stored === null) return ['unseen', 'no beat has started since it was declared']
  if (!stored.enabled) return ['disabled', 'it is disabled now; when that was done is not kept']
  const last = dues.at(-1)
  if (stored.over) return ['not-due', `it was over: ${entry.oneOff ? 'it runs once, and had run' : 'there was no next time'}`]
  if (stored.planned === null || last === undefined || stored.planned > last) return null
  if (stored.open.length > 0 && entry.overlap === 'queue-one') {
    return ['waiting', `its task ${stored.open[0]} has not ended; it is sent when that has`]
  }
  if (leader === null) return null
  return ['overdue', `it is planned for ${formatIso(stored.planned)} and was not sent yet; is the clock of the leading beat right?`]
}

/** Of times that were missed together, only the first is noted: the note stands from its due time to when it was made. */
function byMisfire({ history, dues }: Found): Answer | null {
  const due = dues[0]!
  const skipped = history.find(({ outcome, ...one }) => outcome === 'skipped-misfire' && one.due < due && one.at >= due)
  return skipped === undefined ? null : passedOver(skipped, due, history)
}

function passedOver(skipped: Occurrence, due: number, history: readonly Occurrence[]): Answer {
  const instead = history.findLast((one) => one.ids.length > 0 && one.epoch !== null && one.due > due && one.due <= skipped.at)
  const outcome = instead === undefined ? 'it was not made up for' : `the newest, due at ${formatIso(instead.due)}, was sent in its place`
  return [
    'skipped-misfire',
    `nobody sent it in time; at ${formatIso(skipped.at)} ${skipped.node} did what the entry's misfire says: ${outcome}`,
  ]
}

/** One may wait while the last task runs; what comes due then is left out, without a note. */
function byWaiting({ history, dues, entry }: Found): Answer | null {
  if (entry.overlap !== 'queue-one') return null
  const due = dues[0]!
  const waited = history.find((one) => one.epoch !== null && one.ids.length > 0 && one.due < due && one.at >= due)
  if (waited === undefined) return null
  return [
    'skipped-overlap',
    `the one due at ${formatIso(waited.due)} waited for a task to end until ${formatIso(waited.at)}, and no more than one waits`,
  ]
}

function byLeader({ leader, reigns, schedule, history }: Found): Answer | null {
  if (leader !== null) return null
  const earlier = reigns.find(({ until }) => until <= schedule.from)
  if (earlier === undefined && (reigns.length >= HISTORY_KEPT || history.length >= HISTORY_KEPT)) {
    return ['unknown', `it was due at ${formatIso(schedule.due[0]!)}, and nobody remembers that far back`]
  }
  const later = reigns.findLast(({ from }) => from >= schedule.until)
  const before = earlier === undefined ? 'no beat had run before' : `${earlier.node} led until ${formatIso(earlier.until)}`
  const after = later === undefined ? 'none has since' : `${later.node} from ${formatIso(later.from)}`
  return ['no-leader', `it was due, and no beat ran: ${before}, ${after}`]
}
