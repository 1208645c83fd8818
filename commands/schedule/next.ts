import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { Calendar } from '../../src/beat/calendar.js'
import { describeSchedule } from '../../src/beat/description.js'
import { readMoment } from '../../src/beat/moment.js'
import { type UpcomingTime, upcoming } from '../../src/beat/upcoming.js'
import type { Look } from '../../src/cli/base-command.js'
import { ScheduleCommand } from '../../src/cli/schedule-command.js'
import { isEnabled, readable } from '../../src/cli/schedule-entries.js'
import { EXIT } from '../../src/errors.js'
import { table } from '../../src/terminal/table.js'
import { relative } from '../../src/terminal/time.js'

interface NextTime {
  /** ISO 8601. */
  readonly due: string
  /** Later than due by the jitter. */
  readonly sent: string
  /** In the entry's zone, with its offset. */
  readonly wall: string
  readonly clocks: UpcomingTime['clocks']
}

interface NextReport {
  readonly name: string
  readonly when: string
  readonly timezone: string
  readonly enabled: boolean
  readonly times: readonly NextTime[]
}

const CLOCKS: Readonly<Record<NonNullable<NextTime['clocks']>, string>> = {
  'after-gap': 'its own time is skipped: clocks go forward',
  first: 'this time comes twice: the first',
  second: 'this time comes twice: the second',
}

export default class ScheduleNext extends ScheduleCommand<typeof ScheduleNext> {
  static override summary = 'The next times of a schedule entry, on the wall clock of its zone'
  static override description = 'Exit code 3 when it is never due again.'
  static override examples = [
    '<%= config.bin %> schedule next sitemaps -n 10',
    '<%= config.bin %> schedule next sitemaps --after 2027-03-27T00:00:00Z',
  ]
  static override args = { name: Args.string({ required: true, description: 'name of the entry' }) }
  static override flags = {
    number: Flags.integer({ char: 'n', helpValue: 'N', default: 5, min: 1, max: 10_000, summary: 'how many' }),
    after: Flags.string({ helpValue: 'TIME', summary: 'from this moment on, instead of now' }),
  }

  async run(): Promise<NextReport> {
    const known = await this.entry(this.args.name)
    const entry = readable(known)
    const calendar = new Calendar((await this.settings()).timezone)
    const zone = calendar.zone(entry.timezone)
    const after = this.flags.after === undefined ? Date.now() : readMoment('after', this.flags.after, zone, Date.now())
    const found = upcoming(entry, after, this.flags.number, calendar, known.stored?.planned ?? known.stored?.lastDue ?? null)
    const times = found.map(({ due, sent, wall, clocks }) => ({ due: iso(due), sent: iso(sent), wall, clocks }))
    const report = {
      name: entry.name,
      when: describeSchedule(entry.schedule),
      timezone: zone.name,
      enabled: isEnabled(known),
      times: known.stored?.over ? [] : times,
    }
    this.#comment(report, known.stored === null && entry.schedule.kind === 'interval' && entry.start === null)
    return this.show(report, nextTable)
  }

  #comment({ name, when, timezone, enabled, times }: NextReport, isGuess: boolean): void {
    this.note(`${name}: ${when}, ${timezone}`)
    if (!enabled) this.note('It is disabled: this is when it would be due.')
    if (isGuess) this.note('No beat has planned it yet: counted from now.')
    if (times.length > 0) return
    this.note('It is never due again.')
    this.endWith(EXIT.notFound)
  }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

function nextTable({ times }: NextReport, { paint, width, now }: Look): string {
  const jittered = times.some(({ due, sent }) => due !== sent)
  return table(
    times,
    [
      { head: 'DUE', value: ({ wall }) => wall },
      { head: 'IN', value: ({ due }) => relative(Date.parse(due), now) },
      ...(jittered ? [{ head: 'SENT', value: ({ sent }: NextTime) => sent }] : []),
      { head: 'CLOCKS', value: ({ clocks }) => (clocks === null ? null : CLOCKS[clocks]), colour: () => 'yellow' as const },
    ],
    { paint, width },
  )
}
