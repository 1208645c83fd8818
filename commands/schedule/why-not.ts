import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { Calendar } from '../../src/beat/calendar.js'
import { describeSchedule } from '../../src/beat/description.js'
import { readMoment } from '../../src/beat/moment.js'
import { wallText } from '../../src/beat/upcoming.js'
import { type Cause, whyNot } from '../../src/beat/why-not.js'
import { HISTORY_KEPT } from '../../src/broker/schedules.js'
import type { Look } from '../../src/cli/base-command.js'
import { ScheduleCommand } from '../../src/cli/schedule-command.js'
import { isEnabled, readable } from '../../src/cli/schedule-entries.js'
import { type PastOccurrence, pastOccurrence } from '../../src/cli/schedule-past.js'
import { safe } from '../../src/terminal/safe.js'

interface WhyNotReport {
  readonly name: string
  /** The minute that was asked about: ISO 8601, and on the wall clock of the entry's zone. */
  readonly minute: string
  readonly wall: string
  readonly timezone: string
  readonly cause: Cause
  readonly answer: string
  readonly when: string
  readonly due: readonly string[]
  readonly nextDue: string | null
  readonly schedule: string
  readonly enabled: boolean
  readonly misfire: string
  readonly overlap: string
  readonly leader: { readonly node: string; readonly epoch: number; readonly from: string; readonly until: string } | null
  readonly occurrences: readonly PastOccurrence[]
}

/** Occurrences shown to people, where an entry is due many times a minute. */
const NOTED = 5

export default class ScheduleWhyNot extends ScheduleCommand<typeof ScheduleWhyNot> {
  static override summary = 'Why a schedule entry was not sent at some time, or that it was'
  static override description =
    'Looks at its schedule and the clocks of its zone, whether it is enabled, whether a beat led then, at its history, misfire and overlap.'
  static override examples = [
    { description: 'The last 05:00 of its zone', command: '<%= config.bin %> schedule why-not sitemaps --at 05:00' },
    '<%= config.bin %> schedule why-not sitemaps --at 2026-10-25T02:30',
  ]
  static override args = { name: Args.string({ required: true, description: 'name of the entry' }) }
  static override flags = {
    at: Flags.string({ required: true, helpValue: 'TIME', summary: 'ISO 8601, without offset in its zone; or a clock time: the last one' }),
  }

  async run(): Promise<WhyNotReport> {
    const known = await this.entry(this.args.name)
    const entry = readable(known)
    const calendar = new Calendar((await this.settings()).timezone)
    const zone = calendar.zone(entry.timezone)
    const at = readMoment('at', this.flags.at, zone, Date.now())
    const schedules = await this.schedules()
    const [history, reigns] = [await schedules.history(entry.name, HISTORY_KEPT), await schedules.leaders(HISTORY_KEPT)]
    const why = whyNot({ entry, stored: known.stored, history, reigns, now: Date.now() }, at, calendar)
    const { schedule, leader } = why
    return this.show(
      {
        name: entry.name,
        minute: iso(schedule.from),
        wall: wallText(schedule.from, zone),
        timezone: zone.name,
        cause: why.cause,
        answer: why.answer,
        when: describeSchedule(entry.schedule),
        due: schedule.due.map(iso),
        nextDue: schedule.next === null ? null : iso(schedule.next),
        schedule: schedule.text,
        enabled: isEnabled(known),
        misfire: entry.misfire,
        overlap: entry.overlap,
        leader: leader === null ? null : { node: leader.node, epoch: leader.epoch, from: iso(leader.from), until: iso(leader.until) },
        occurrences: why.occurrences.map(pastOccurrence),
      },
      whyNotText,
    )
  }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

function whyNotText(report: WhyNotReport, { paint }: Look): string {
  const { answer, leader } = report
  const line = (name: string, value: string) => `${paint('dim', name.padEnd(9))} ${safe(value)}`
  return [
    safe(`${answer[0]?.toUpperCase()}${answer.slice(1)}.`),
    '',
    line('minute', `${report.wall} (${report.timezone})`),
    line('schedule', `${report.when}; ${report.schedule}`),
    line('enabled', report.enabled ? 'yes' : 'no'),
    line('leader', leader === null ? 'none' : `${leader.node}, ${leader.from} to ${leader.until}, epoch ${leader.epoch}`),
    line('misfire', report.misfire),
    line('overlap', report.overlap),
    ...report.occurrences
      .slice(0, NOTED)
      .map(({ due, at, outcome, ids }) => line('noted', `due ${due}, ${outcome} at ${at} ${ids.join(', ')}`.trimEnd())),
    ...(report.occurrences.length > NOTED ? [line('', `${report.occurrences.length - NOTED} more; --json has them all`)] : []),
  ].join('\n')
}
