import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { HISTORY_KEPT } from '../../src/broker/schedules.js'
import type { Look } from '../../src/cli/base-command.js'
import { ScheduleCommand } from '../../src/cli/schedule-command.js'
import { type PastOccurrence, pastOccurrence } from '../../src/cli/schedule-past.js'
import { EXIT } from '../../src/errors.js'
import { table } from '../../src/terminal/table.js'
import { relative, spanText } from '../../src/terminal/time.js'

export default class ScheduleHistory extends ScheduleCommand<typeof ScheduleHistory> {
  static override summary = 'What became of the last times of a schedule entry'
  static override description = `Newest first; the last ${HISTORY_KEPT} are kept. Exit code 3 when there is none.`
  static override examples = [
    '<%= config.bin %> schedule history sitemaps',
    '<%= config.bin %> schedule history sitemaps --limit 100 --json',
  ]
  static override args = { name: Args.string({ required: true, description: 'name of the entry' }) }
  static override flags = {
    limit: Flags.integer({ helpValue: 'N', default: 20, min: 1, max: HISTORY_KEPT, summary: 'no more than these' }),
  }

  async run(): Promise<readonly PastOccurrence[]> {
    const { name } = await this.entry(this.args.name)
    const history = await (await this.schedules()).history(name, this.flags.limit)
    if (history.length === 0) {
      this.note('It was not due yet since it was made.')
      this.endWith(EXIT.notFound)
    }
    return this.show(history.map(pastOccurrence), historyTable)
  }
}

function historyTable(history: readonly PastOccurrence[], { paint, width, now }: Look): string {
  return table(
    history,
    [
      { head: 'DUE', value: ({ due }) => due },
      { head: 'AGO', value: ({ due }) => relative(Date.parse(due), now) },
      { head: 'OUTCOME', value: ({ outcome }) => outcome, colour: ({ outcome }) => (outcome.startsWith('skipped') ? 'yellow' : null) },
      { head: 'AFTER', value: ({ due, at }) => spanText(Math.max(0, Date.parse(at) - Date.parse(due)) / 1000), align: 'right' },
      { head: 'BY', value: ({ node }) => node },
      { head: 'EPOCH', value: ({ epoch }) => epoch, align: 'right' },
      { head: 'TASK ID', value: ({ ids }) => ids.join(', ') },
    ],
    { paint, width },
  )
}
