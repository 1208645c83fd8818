import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { ScheduleCommand } from '../../src/cli/schedule-command.js'
import { findEntry, requireEditable } from '../../src/cli/schedule-entries.js'

interface Removed {
  readonly removed: number
  readonly names: readonly string[]
}

export default class ScheduleRemove extends ScheduleCommand<typeof ScheduleRemove> {
  static override summary = 'Forget schedule entries, with their histories'
  static override description = 'Those that were made with `tasks schedule add`. Tasks that were sent already still run.'
  static override examples = ['<%= config.bin %> schedule remove feeds', '<%= config.bin %> schedule remove feeds lamps --yes']
  static override strict = false
  static override args = { name: Args.string({ required: true, description: 'names of entries' }) }
  static override flags = {
    yes: Flags.boolean({ char: 'y', summary: 'do not ask' }),
    'dry-run': Flags.boolean({ summary: 'only say what would be removed' }),
  }

  async run(): Promise<Removed> {
    const names = [...new Set(this.words)]
    const known = await this.known()
    for (const name of names) {
      requireEditable(name, findEntry(known, name).source)
    }
    const what = names.length === 1 ? `the schedule entry ${names[0]}` : `${names.length} schedule entries: ${names.join(', ')}`
    const consent = { yes: this.flags.yes, dryRun: this.flags['dry-run'] }
    if (this.flags['dry-run']) this.note(`Would remove ${what}.`)
    if (!(await this.confirm(`Remove ${what}, with history?`, consent))) return { removed: 0, names }
    return this.show({ removed: await (await this.schedules()).remove(names), names }, ({ removed }) => `${removed} removed`)
  }
}
