import { randomUUID } from 'node:crypto'
import * as Args from '@oclif/core/args'
import { holdMsOf, messageOf } from '../../src/app/schedules.js'
import { ScheduleCommand } from '../../src/cli/schedule-command.js'
import { readable } from '../../src/cli/schedule-entries.js'
import { CelerityError } from '../../src/errors.js'

interface Ran {
  readonly name: string
  readonly task: string
  readonly id: string
}

export default class ScheduleRun extends ScheduleCommand<typeof ScheduleRun> {
  static override summary = 'Send the task of a schedule entry now, once'
  static override description =
    'Whether it is enabled or not, whether a beat runs or not, and even while its last task runs. When it is due next stays as it was.'
  static override examples = ['<%= config.bin %> schedule run sitemaps', 'tasks result $(<%= config.bin %> schedule run sitemaps) --wait']
  static override args = { name: Args.string({ required: true, description: 'name of the entry' }) }

  async run(): Promise<Ran> {
    const known = await this.entry(this.args.name)
    const entry = readable(known)
    await this.warnOfUnknown(entry.task)
    const client = await this.client()
    const { id, task, outgoing } = messageOf(await client.runtime(), entry, Date.now(), randomUUID())
    await this.store(known)
    const hold = entry.overlap === 'allow' ? undefined : { id, forMs: holdMsOf(client, entry) }
    const run = { publish: [outgoing], ids: [id], by: this.node, hold }
    if (!(await (await this.schedules()).run(entry.name, run))) {
      throw new CelerityError('E_NOT_FOUND', { message: `Entry ${JSON.stringify(entry.name)} was removed just now` })
    }
    return this.show({ name: entry.name, task, id }, () => id)
  }
}
