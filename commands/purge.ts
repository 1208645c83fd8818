import * as Flags from '@oclif/core/flags'
import { BaseCommand, type Look } from '../src/cli/base-command.js'
import { selectQueues } from '../src/cli/queue-selection.js'
import { table } from '../src/terminal/table.js'

interface PurgedQueue {
  readonly queue: string
  /** Removed, or with --dry-run what would be. */
  readonly ready: number
  readonly delayed: number
  /** Not touched: a worker has them. */
  readonly leased: number
  /** Not touched: `tasks dead drop`. */
  readonly dead: number
}

interface PurgeReport {
  readonly purged: boolean
  readonly queues: readonly PurgedQueue[]
}

export default class Purge extends BaseCommand<typeof Purge> {
  static override summary = 'Remove waiting messages from queues'
  static override description = 'Removes what is ready and what is delayed. What workers hold and the dead letters are not touched.'
  static override examples = ['<%= config.bin %> purge -Q mail --dry-run', '<%= config.bin %> purge -Q mail --yes']
  static override flags = {
    queues: Flags.string({ char: 'Q', helpValue: 'A,B', delimiter: ',', multiple: true, summary: 'only these; default: all' }),
    'exclude-queues': Flags.string({ char: 'X', helpValue: 'A,B', delimiter: ',', multiple: true, summary: 'but not these' }),
    yes: Flags.boolean({ char: 'y', charAliases: ['f'], aliases: ['force'], summary: 'do not ask' }),
    'dry-run': Flags.boolean({ summary: 'only show what would be removed' }),
  }

  async run(): Promise<PurgeReport> {
    const broker = await this.broker()
    const queues = await selectQueues(broker, await this.client(), await this.settings(), this.flags)
    const counts = await broker.queues.counts(queues)
    const total = counts.reduce((sum, { ready, delayed }) => sum + ready + delayed, 0)
    const before = {
      purged: false,
      queues: counts.map(({ queue, ready, delayed, leased, dead }) => ({ queue, ready, delayed, leased, dead })),
    }
    if (total === 0) {
      this.note('Nothing waits there.')
      return this.show(before, purgeTable)
    }
    if (!this.flags.yes) process.stderr.write(this.jsonEnabled() ? '' : `${purgeTable(before, this.look())}\n`)
    const what = `${total} waiting message${total === 1 ? '' : 's'} from ${queues.join(', ')}`
    const agreed = await this.confirm(`Remove ${what}?`, { yes: this.flags.yes, dryRun: this.flags['dry-run'] })
    if (!agreed) return before

    const purged: PurgedQueue[] = []
    for (const { queue, leased, dead } of counts) purged.push({ queue, ...(await broker.queues.purge(queue)), leased, dead })
    return this.show({ purged: true, queues: purged }, purgeTable)
  }
}

function purgeTable({ purged, queues }: PurgeReport, { paint, width }: Look): string {
  const head = purged ? 'REMOVED' : 'READY'
  return table(
    queues,
    [
      { head: 'QUEUE', value: ({ queue }) => queue },
      { head, value: ({ ready }) => ready, align: 'right' },
      { head: 'DELAYED', value: ({ delayed }) => delayed, align: 'right' },
      { head: 'KEPT: RUNNING', value: ({ leased }) => leased, align: 'right' },
      { head: 'KEPT: DEAD', value: ({ dead }) => dead, align: 'right' },
    ],
    { paint, width },
  )
}
