import * as Flags from '@oclif/core/flags'
import type { QueueCounts } from '../src/broker/broker.js'
import { BaseCommand, type Look } from '../src/cli/base-command.js'
import { queueList, YES } from '../src/cli/flags.js'
import { selectQueues } from '../src/cli/queue-selection.js'
import { table } from '../src/terminal/table.js'

interface PurgedQueue {
  readonly queue: string
  /** Removed; what there is as long as `purged` is false. */
  readonly ready: number
  readonly delayed: number
  /** Waiting to be run alone, since their workers vanished. */
  readonly suspects: number
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
  static override description =
    'Removes what waits: ready, delayed, or suspected of ending its workers. What workers hold and the dead letters are not touched.'
  static override examples = ['<%= config.bin %> purge -Q mail --dry-run', '<%= config.bin %> purge -Q mail --yes']
  static override flags = {
    queues: queueList('Q', 'only these; default: all'),
    'exclude-queues': queueList('X', 'but not these'),
    yes: YES,
    'dry-run': Flags.boolean({ summary: 'only show what would be removed' }),
  }

  async run(): Promise<PurgeReport> {
    const { yes, 'dry-run': dryRun } = this.flags
    const broker = await this.broker()
    const queues = await selectQueues(broker, await this.client(), await this.settings(), this.flags)
    const counts = await broker.queues.counts(queues)
    const before: PurgeReport = { purged: false, queues: counts.map(purgedQueue) }
    const waiting = ({ ready, delayed, suspects }: QueueCounts) => ready + delayed + suspects
    const total = counts.reduce((sum, queue) => sum + waiting(queue), 0)
    if (total === 0) this.note('Nothing waits there.')
    if (total === 0 || dryRun) return this.show(before, purgeTable)

    if (!yes) this.showAside(before, purgeTable)
    const holding = counts.filter((queue) => waiting(queue) > 0).map(({ queue }) => queue)
    const question = `Remove ${total} waiting message${total === 1 ? '' : 's'} from ${holding.join(', ')}?`
    if (!(await this.confirm(question, { yes }))) return before

    const purged: PurgedQueue[] = []
    for (const { queue, leased, dead } of counts) purged.push({ queue, ...(await broker.queues.purge(queue)), leased, dead })
    return this.show({ purged: true, queues: purged }, purgeTable)
  }
}

const purgedQueue = ({ queue, ready, delayed, suspects, leased, dead }: QueueCounts): PurgedQueue => {
  return { queue, ready, delayed, suspects, leased, dead }
}

function purgeTable({ purged, queues }: PurgeReport, { paint, width }: Look): string {
  const verb = purged ? 'REMOVED: ' : ''
  return table(
    queues,
    [
      { head: 'QUEUE', value: ({ queue }) => queue },
      { head: `${verb}READY`, value: ({ ready }) => ready, align: 'right' },
      { head: `${verb}DELAYED`, value: ({ delayed }) => delayed, align: 'right' },
      ...(queues.some(({ suspects }) => suspects > 0)
        ? [{ head: `${verb}SUSPECTS`, value: ({ suspects }: PurgedQueue) => suspects, align: 'right' as const }]
        : []),
      { head: 'KEPT: RUNNING', value: ({ leased }) => leased, align: 'right' },
      { head: 'KEPT: DEAD', value: ({ dead }) => dead, align: 'right' },
    ],
    { paint, width },
  )
}
