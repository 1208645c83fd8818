import type { QueueCounts } from '../src/broker/broker.js'
import { BaseCommand, type Look } from '../src/cli/base-command.js'
import { queueList } from '../src/cli/flags.js'
import { selectQueues } from '../src/cli/queue-selection.js'
import { table } from '../src/terminal/table.js'

export default class Queues extends BaseCommand<typeof Queues> {
  static override summary = 'What waits in the queues, what is in flight, and who consumes them'
  static override examples = ['<%= config.bin %> queues', '<%= config.bin %> queues -Q mail --json']
  static override flags = {
    queues: queueList('Q', 'only these'),
    'exclude-queues': queueList('X', 'but not these'),
  }

  async run(): Promise<readonly QueueCounts[]> {
    const broker = await this.broker()
    const queues = await selectQueues(broker, await this.client(), await this.settings(), this.flags)
    const counts = await broker.queues.counts(queues)
    for (const { queue, ready, consumers } of counts) {
      if (ready > 0 && consumers === 0) this.note(`${queue}: ${ready} ready, and none of our workers consumes it`)
    }
    return this.show(counts, queuesTable)
  }
}

function queuesTable(counts: readonly QueueCounts[], { paint, width }: Look): string {
  return table(
    counts,
    [
      { head: 'QUEUE', value: ({ queue }) => queue },
      { head: 'READY', value: ({ ready }) => ready, align: 'right' },
      { head: 'BY PRIORITY', value: ({ ready, steps }) => (ready === steps[0] ? null : steps.join(' ')) },
      { head: 'DELAYED', value: ({ delayed }) => delayed, align: 'right' },
      { head: 'RUNNING', value: ({ leased }) => leased, align: 'right' },
      { head: 'DEAD', value: ({ dead }) => dead, align: 'right', colour: ({ dead }) => (dead > 0 ? 'red' : null) },
      {
        head: 'WORKERS',
        value: ({ consumers }) => consumers,
        align: 'right',
        colour: ({ ready, consumers }) => (ready > 0 && consumers === 0 ? 'yellow' : null),
      },
    ],
    { paint, width },
  )
}
