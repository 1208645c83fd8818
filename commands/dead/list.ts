import * as Flags from '@oclif/core/flags'
import { BaseCommand, type Look } from '../../src/cli/base-command.js'
import { describeLetter, type Letter } from '../../src/cli/dead-letters.js'
import { queueList } from '../../src/cli/flags.js'
import { selectQueues } from '../../src/cli/queue-selection.js'
import { EXIT } from '../../src/errors.js'
import { table } from '../../src/terminal/table.js'
import { relative } from '../../src/terminal/time.js'

export default class DeadList extends BaseCommand<typeof DeadList> {
  static override summary = 'Messages that could not be run, with the reason for each'
  static override description = 'Newest first, queue by queue. Exit code 3 when there is none.'
  static override examples = ['<%= config.bin %> dead list', '<%= config.bin %> dead list -Q mail --json']
  static override flags = {
    queues: queueList('Q', 'only of these queues'),
    limit: Flags.integer({ helpValue: 'N', default: 50, min: 1, summary: 'of each queue' }),
  }

  async run(): Promise<readonly Letter[]> {
    const broker = await this.broker()
    const queues = await selectQueues(broker, await this.client(), await this.settings(), this.flags)
    const letters: Letter[] = []
    for (const { queue, dead } of await broker.queues.counts(queues)) {
      if (dead === 0) continue
      const page = await broker.queues.dead(queue, 0, this.flags.limit)
      letters.push(...page.map(describeLetter))
      if (page.length < dead) this.note(`${queue}: the newest ${page.length} of ${dead}`)
    }
    if (letters.length === 0) {
      this.note('There are no dead letters.')
      this.endWith(EXIT.notFound)
    }
    return this.show(letters, lettersTable)
  }
}

function lettersTable(letters: readonly Letter[], { paint, width, now }: Look): string {
  return table(
    letters,
    [
      { head: 'ID', value: ({ id }) => id.slice(0, 8) },
      { head: 'QUEUE', value: ({ queue }) => queue },
      { head: 'WHEN', value: ({ when }) => relative(Date.parse(when), now) },
      { head: 'TASK', value: ({ task }) => task },
      { head: 'REASON', value: ({ reason }) => reason, colour: () => 'red' },
      { head: 'DETAIL', value: ({ detail }) => detail },
    ],
    { paint, width },
  )
}
