/** What `tasks top` shows, as text and as JSON: where there is no terminal, or none is wanted. */

import { table } from '../terminal/table.js'
import { spanText } from '../terminal/time.js'
import type { TopData, TopTask } from '../terminal/views/top/data.js'
import { summaryText } from '../terminal/views/top/view.js'
import type { Look } from './base-command.js'

/** Running tasks in the text: those that have run for longest. */
const MOST_TASKS = 20

export interface TopDocument {
  readonly at: string
  readonly workers: readonly {
    readonly node: string
    readonly status: 'online' | 'offline'
    readonly heartbeat: string | null
    readonly active: number | null
    readonly processed: number | null
    readonly loadavg: readonly number[] | null
    readonly pid: number | null
    readonly software: string | null
    readonly queues: readonly string[]
  }[]
  readonly queues: TopData['queues']
  /** Those that run. */
  readonly running: readonly {
    readonly id: string
    readonly name: string | null
    readonly worker: string | null
    readonly queue: string | null
    readonly args: string | null
    readonly kwargs: string | null
    readonly started: string | null
  }[]
  /** How many were seen in each state. */
  readonly states: Readonly<Record<string, number>>
  readonly trouble: string | null
}

export function topDocument(data: TopData): TopDocument {
  const { now, workers, queues, tasks, trouble } = data
  const states: Record<string, number> = {}
  for (const { state } of tasks) states[state] = (states[state] ?? 0) + 1
  return {
    at: iso(now)!,
    workers: workers.map(({ node, isAlive, heartbeatAt, active, processed, loadavg, pid, software, queues }) => ({
      node,
      status: isAlive ? ('online' as const) : ('offline' as const),
      heartbeat: iso(heartbeatAt),
      active,
      processed,
      loadavg,
      pid,
      software,
      queues,
    })),
    queues,
    running: running(data).map(({ id, name, worker, queue, args, kwargs, startedAt }) => ({
      id,
      name,
      worker,
      queue,
      args,
      kwargs,
      started: iso(startedAt),
    })),
    states,
    trouble,
  }
}

export function topText(data: TopData, { paint, width }: Look): string {
  const { now, workers, queues } = data
  const tasks = running(data)
  const parts = [
    paint('bold', `${iso(now)}  ${summaryText(data)}`),
    table(
      workers,
      [
        { head: 'WORKER', value: ({ node }) => node },
        {
          head: 'STATUS',
          value: ({ isAlive }) => (isAlive ? 'online' : 'offline'),
          colour: ({ isAlive }) => (isAlive ? 'green' : 'red'),
        },
        { head: 'ACTIVE', value: ({ active }) => active, align: 'right' },
        { head: 'PROCESSED', value: ({ processed }) => processed, align: 'right' },
        { head: 'LOAD', value: ({ loadavg }) => loadavg?.map((one) => one.toFixed(2)).join(' ') },
      ],
      { paint, width },
    ),
    table(
      queues,
      [
        { head: 'QUEUE', value: ({ queue }) => queue },
        { head: 'READY', value: ({ ready }) => ready, align: 'right' },
        { head: 'DELAYED', value: ({ delayed }) => delayed, align: 'right' },
        { head: 'RUNNING', value: ({ leased }) => leased, align: 'right' },
        { head: 'DEAD', value: ({ dead }) => dead, align: 'right', colour: ({ dead }) => (dead > 0 ? 'red' : null) },
      ],
      { paint, width },
    ),
    table(
      tasks.slice(0, MOST_TASKS),
      [
        { head: 'TASK', value: ({ name }) => name },
        { head: 'ID', value: ({ id }) => id },
        { head: 'WORKER', value: ({ worker }) => worker },
        { head: 'RUN', value: ({ startedAt }) => (startedAt === null ? null : spanText(Math.max(0, now - startedAt))), align: 'right' },
      ],
      { paint, width },
    ),
    tasks.length > MOST_TASKS ? `… and ${tasks.length - MOST_TASKS} more` : '',
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function running({ tasks }: TopData): readonly TopTask[] {
  return tasks.filter(({ state }) => state === 'STARTED').sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0) || (a.id < b.id ? -1 : 1))
}

function iso(seconds: number | null): string | null {
  if (seconds === null) return null
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
