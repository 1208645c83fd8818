import * as Flags from '@oclif/core/flags'
import { Calendar } from '../../src/beat/calendar.js'
import { describeSchedule } from '../../src/beat/description.js'
import { upcoming } from '../../src/beat/upcoming.js'
import type { Reign } from '../../src/broker/schedules.js'
import type { Look } from '../../src/cli/base-command.js'
import { ScheduleCommand } from '../../src/cli/schedule-command.js'
import { isEnabled, type KnownEntry } from '../../src/cli/schedule-entries.js'
import { EXIT } from '../../src/errors.js'
import type { ScheduleEntry } from '../../src/protocol/schedule.js'
import { table } from '../../src/terminal/table.js'
import { relative } from '../../src/terminal/time.js'

interface ListedEntry {
  readonly name: string
  /** In words. */
  readonly when: string | null
  readonly timezone: string | null
  /** ISO 8601; null: not planned yet, or never again. */
  readonly next: string | null
  readonly last: string | null
  /** Node that sent it last. */
  readonly by: string | null
  readonly runs: number
  readonly state: 'enabled' | 'disabled' | 'over' | 'wrong'
  readonly source: 'settings' | 'store'
  /** Whether a beat has it; declared entries come into the store when a beat starts. */
  readonly stored: boolean
  /** Tasks that have not ended, of an entry whose `overlap` asks for that. */
  readonly open: readonly string[]
  /** What is wrong with it. */
  readonly problem: string | null
  readonly entry: ScheduleEntry | null
}

interface ScheduleReport {
  readonly leader: { readonly node: string; readonly epoch: number; readonly since: string; readonly until: string } | null
  readonly entries: readonly ListedEntry[]
}

export default class ScheduleList extends ScheduleCommand<typeof ScheduleList> {
  static override summary = 'Periodic tasks: when they are due next, when they were sent last and by whom'
  static override description = 'Those of code and settings, and those made here. Exit code 3 when there is none.'
  static override examples = ['<%= config.bin %> schedule list', '<%= config.bin %> schedule list --enabled --json']
  static override flags = { enabled: Flags.boolean({ summary: 'only those that are sent' }) }

  async run(): Promise<ScheduleReport> {
    const [known, settings, schedules] = [await this.known(), await this.settings(), await this.schedules()]
    const calendar = new Calendar(settings.timezone)
    const leader = await schedules.leader()
    this.note(leader === null ? 'No beat leads: nothing is sent. `tasks beat` starts one.' : `${leader.node} leads.`)
    const all = known.map((one) => listed(one, calendar, Date.now()))
    const entries = this.flags.enabled ? all.filter(({ state }) => state === 'enabled') : all
    if (entries.length === 0) {
      this.note('There are no schedule entries.')
      this.endWith(EXIT.notFound)
    }
    return this.show({ leader: leader === null ? null : reign(leader), entries }, ({ entries: rows }, look) => scheduleTable(rows, look))
  }
}

function listed(known: KnownEntry, calendar: Calendar, now: number): ListedEntry {
  const { name, source, entry, problem, stored } = known
  const state = entry === null ? 'wrong' : !isEnabled(known) ? 'disabled' : stored?.over ? 'over' : 'enabled'
  return {
    name,
    when: entry === null ? null : describeSchedule(entry.schedule),
    timezone: entry === null ? null : (entry.timezone ?? calendar.timezone),
    next: state === 'enabled' ? isoOrNull(stored?.planned ?? firstDue(entry, calendar, now)) : null,
    last: isoOrNull(stored?.lastSent ?? null),
    by: stored?.by ?? null,
    runs: stored?.runs ?? 0,
    state,
    source,
    stored: stored !== null,
    open: stored?.open ?? [],
    problem,
    entry,
  }
}

/** What an interval counts from is not known before it was planned. */
function firstDue(entry: ScheduleEntry | null, calendar: Calendar, now: number): number | null {
  if (entry === null || (entry.schedule.kind === 'interval' && entry.start === null)) return null
  return upcoming(entry, now, 1, calendar)[0]?.due ?? null
}

function reign({ node, epoch, from, until }: Reign) {
  return { node, epoch, since: new Date(from).toISOString(), until: new Date(until).toISOString() }
}

function isoOrNull(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}

function scheduleTable(entries: readonly ListedEntry[], { paint, width, now }: Look): string {
  const ago = (iso: string | null) => (iso === null ? null : relative(Date.parse(iso), now))
  return table(
    entries,
    [
      { head: 'NAME', value: ({ name }) => name },
      { head: 'TASK', value: ({ entry }) => entry?.task },
      { head: 'WHEN', value: whenText },
      { head: 'NEXT', value: ({ next }) => ago(next) },
      { head: 'LAST', value: ({ last }) => ago(last) },
      { head: 'BY', value: ({ by }) => by },
      { head: 'RUNS', value: ({ runs }) => runs, align: 'right' },
      { head: 'STATE', value: stateText, colour: ({ state }) => (state === 'wrong' ? 'red' : state === 'enabled' ? null : 'dim') },
      { head: 'SOURCE', value: ({ source, stored }) => (stored ? source : `${source}, not taken up yet`) },
    ],
    { paint, width },
  )
}

function whenText({ when, entry, timezone, problem }: ListedEntry): string | null {
  if (when === null) return problem
  return entry?.schedule.kind === 'crontab' && timezone !== 'UTC' ? `${when}, ${timezone}` : when
}

function stateText({ state, open }: ListedEntry): string {
  return open.length > 0 ? `${state}, running` : state
}
