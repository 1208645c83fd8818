import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { Calendar } from '../../src/beat/calendar.js'
import { describeSchedule } from '../../src/beat/description.js'
import { nextDue } from '../../src/beat/due.js'
import { ScheduleCommand } from '../../src/cli/schedule-command.js'
import { requireEditable } from '../../src/cli/schedule-entries.js'
import { SCHEDULE_FLAGS, scheduleFromFlags } from '../../src/cli/schedule-flags.js'
import { CelerityError } from '../../src/errors.js'
import { encodeEntry, readEntry, type ScheduleEntry } from '../../src/protocol/schedule.js'
import { safe } from '../../src/terminal/safe.js'

interface Added {
  readonly name: string
  /** False: it stood there just so. */
  readonly changed: boolean
  /** ISO 8601. */
  readonly next: string
  readonly enabled: boolean
  readonly entry: ScheduleEntry
}

export default class ScheduleAdd extends ScheduleCommand<typeof ScheduleAdd> {
  static override summary = 'Make a periodic task, or with --replace change one'
  static override description = 'It is kept at the broker. Beats that run take it up within a second.'
  static override examples = [
    `<%= config.bin %> schedule add feeds --task wiki.feeds --every 10m`,
    `<%= config.bin %> schedule add sitemaps --task wiki.sitemaps --cron '0 5 * * *' --timezone Europe/London --overlap skip`,
    `<%= config.bin %> schedule add lamps --task house.lamps --solar sunset,51.5,-0.1 --args '[true]'`,
  ]
  static override args = { name: Args.string({ required: true, description: 'name of the entry' }) }
  static override flags = {
    ...SCHEDULE_FLAGS,
    disabled: Flags.boolean({ summary: 'not sent until it is enabled' }),
    replace: Flags.boolean({ summary: 'in place of the entry of that name, whose history stays' }),
  }

  async run(): Promise<Added> {
    const { name } = this.args
    const read = readEntry(name, scheduleFromFlags(this.flags))
    if (!read.ok) throw new CelerityError('E_SCHEDULE', { message: read.reason })
    const { entry } = read
    const first = nextDue(entry, Date.now(), new Calendar((await this.settings()).timezone))
    if (first === null) throw new CelerityError('E_SCHEDULE', { message: `entry ${JSON.stringify(name)}: it is never due from now on` })
    await this.#requireFree(name, entry)
    await this.warnOfUnknown(entry.task)

    const schedules = await this.schedules()
    const [changed = false] = await schedules.put([{ name, json: encodeEntry(entry), source: 'store', planned: first }])
    if (this.flags.disabled) await schedules.setEnabled(name, false)
    const [stored] = (await schedules.entries()).entries.filter((one) => one.name === name)
    const next = new Date(stored?.planned ?? first).toISOString()
    return this.show({ name, changed, next, enabled: stored?.enabled ?? true, entry }, addedText)
  }

  async #requireFree(name: string, entry: ScheduleEntry): Promise<void> {
    const taken = (await this.known()).find((known) => known.name === name)
    if (taken === undefined) return
    requireEditable(name, taken.source)
    if (this.flags.replace || taken.stored?.json === encodeEntry(entry)) return
    throw new CelerityError('E_SCHEDULE', {
      message: `There is an entry ${JSON.stringify(name)} already`,
      hint: '--replace puts this one in its place; what was not said here is then as for a new one.',
    })
  }
}

function addedText({ name, changed, next, enabled, entry }: Added): string {
  const when = `${describeSchedule(entry.schedule)}${entry.timezone === null ? '' : ` in ${entry.timezone}`}`
  const first = enabled ? `, next at ${next}` : ', disabled'
  return safe(`${name}: ${entry.task} ${when}${first}${changed ? '' : ' (it stood there just so)'}`)
}
