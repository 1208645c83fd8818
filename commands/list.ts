import { compileRoutes } from '../src/app/routes.js'
import { BaseCommand, type Look } from '../src/cli/base-command.js'
import type { Settings } from '../src/config/schema.js'
import { table } from '../src/terminal/table.js'
import { spanText } from '../src/terminal/time.js'

interface ListedTask {
  readonly name: string
  /** Where it goes; null: a function decides from call to call. */
  readonly queue: string | null
  readonly params: readonly string[] | null
  readonly acks: 'late' | 'early'
  readonly maxRetries: number | null
  readonly rateLimit: string | null
  /** Seconds. */
  readonly timeLimit: number | null
  readonly softTimeLimit: number | null
  readonly ignoreResult: boolean
  readonly registeredAt: string | null
}

export default class List extends BaseCommand<typeof List> {
  static override summary = 'The tasks of the application'
  static override examples = ['<%= config.bin %> list', '<%= config.bin %> list --json']

  async run(): Promise<readonly ListedTask[]> {
    const { registry } = await this.app()
    const settings = await this.settings()
    const tasks = registry.names().map((name): ListedTask => {
      const { policy, params, registeredAt } = registry.get(name)!
      return {
        name,
        queue: policy.queue ?? routedQueue(name, settings),
        params,
        acks: policy.acks,
        maxRetries: Number.isFinite(policy.retry.max) ? policy.retry.max : null,
        rateLimit: policy.rateLimit?.text ?? null,
        timeLimit: policy.timeLimit,
        softTimeLimit: policy.softTimeLimit,
        ignoreResult: policy.ignoreResult,
        registeredAt,
      }
    })
    if (tasks.length === 0) this.note('The application has no tasks.')
    return this.show(tasks, listTable)
  }
}

function routedQueue(task: string, { taskRoutes, taskDefaultQueue }: Settings): string | null {
  if (taskRoutes.some((router) => typeof router === 'function')) return null
  return compileRoutes(taskRoutes)(task, [], {})?.queue ?? taskDefaultQueue
}

function listTable(tasks: readonly ListedTask[], { paint, width }: Look): string {
  return table(
    tasks,
    [
      { head: 'TASK', value: ({ name }) => name },
      { head: 'QUEUE', value: ({ queue }) => queue ?? 'by call' },
      { head: 'RETRIES', value: ({ maxRetries }) => maxRetries ?? 'no limit', align: 'right' },
      { head: 'RATE', value: ({ rateLimit }) => rateLimit },
      { head: 'LIMITS', value: limits },
      { head: 'ACKS', value: ({ acks }) => acks },
      { head: 'WHERE', value: ({ registeredAt }) => registeredAt },
    ],
    { paint, width },
  )
}

function limits({ softTimeLimit, timeLimit }: ListedTask): string | null {
  if (softTimeLimit === null && timeLimit === null) return null
  return [softTimeLimit, timeLimit].map((limit) => (limit === null ? '-' : spanText(limit))).join(' / ')
}
