import type { QueueCounts } from '../src/broker/broker.js'
import { BaseCommand, type Look } from '../src/cli/base-command.js'
import { queueList } from '../src/cli/flags.js'
import { selectQueues } from '../src/cli/queue-selection.js'
import { oldestWaiting } from '../src/control/oldest.js'
import { type Column, table } from '../src/terminal/table.js'
import { spanText } from '../src/terminal/time.js'

interface ShownQueue extends QueueCounts {
  /** Seconds for which the oldest that is ready has waited; null: none is ready, or their producers do not say. */
  readonly oldest: number | null
}

export default class Queues extends BaseCommand<typeof Queues> {
  static override summary = 'What waits in the queues and for how long, what is in flight, and who consumes them'
  static override description = 'The age is that of messages of ours; messages of Python producers do not say when they were sent: unknown.'
  static override examples = ['<%= config.bin %> queues', '<%= config.bin %> queues -Q mail --json']
  static override flags = {
    queues: queueList('Q', 'only these'),
    'exclude-queues': queueList('X', 'but not these'),
  }

  async run(): Promise<readonly ShownQueue[]> {
    const broker = await this.broker()
    const queues = await selectQueues(broker, await this.client(), await this.settings(), this.flags)
    const shown: ShownQueue[] = []
    for (const counts of await broker.queues.counts(queues)) {
      const since = await oldestWaiting(broker, counts)
      shown.push({ ...counts, oldest: since === null ? null : Math.max(0, (Date.now() - since) / 1000) })
    }
    for (const { queue, ready, consumers } of shown) {
      if (ready > 0 && consumers === 0) this.note(`${queue}: ${ready} ready, and none of our workers consumes it`)
    }
    return this.show(shown, queuesTable)
  }
}

const SUSPECTS: Column<ShownQueue> = {
  head: 'SUSPECTS',
  value: ({ suspects }) => suspects,
  align: 'right',
  colour: ({ suspects }) => (suspects > 0 ? 'yellow' : null),
}

function queuesTable(queues: readonly ShownQueue[], { paint, width }: Look): string {
  return table(
    queues,
    [
      { head: 'QUEUE', value: ({ queue }) => queue },
      { head: 'READY', value: ({ ready }) => ready, align: 'right' },
      { head: 'BY PRIORITY', value: ({ ready, steps }) => (ready === steps[0] ? null : steps.join(' ')) },
      { head: 'OLDEST', value: oldestText, align: 'right' },
      { head: 'DELAYED', value: ({ delayed }) => delayed, align: 'right' },
      // Next to never: a column only when there are any.
      ...(queues.some(({ suspects }) => suspects > 0) ? [SUSPECTS] : []),
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

function oldestText({ ready, oldest }: ShownQueue): string | null {
  if (oldest === null) return ready > 0 ? 'unknown' : null
  return spanText(Math.round(oldest))
}
