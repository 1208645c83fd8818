/** The columns of each list: what they show, in which order they sort, and which give way where the terminal is narrow. */
import type { Colour } from '../../colour.js'
import { spanText } from '../../time.js'
import type { Item, Tab } from './data.js'

export interface ListColumn<Of = Item> {
  readonly head: string
  readonly value: (item: Of, now: number) => string
  readonly align?: 'left' | 'right'
  /** Columns of the terminal; `grow`: as much as is left, shared. */
  readonly width: number
  readonly grow?: boolean
  /** Those of the highest number go first where there is no room. */
  readonly rank: number
  /** What it is ordered by: the greatest first, of text the first. Absent: not at all. */
  readonly order?: (item: Of) => number | string
  readonly colour?: (item: Of) => Colour | null
}

type ItemOf<T extends Tab> = Extract<Item, { readonly tab: T }>

const STATES: Readonly<Record<string, Colour>> = {
  SUCCESS: 'green',
  FAILURE: 'red',
  REVOKED: 'red',
  REJECTED: 'red',
  RETRY: 'yellow',
  STARTED: 'cyan',
}
export const stateColour = (state: string): Colour | null => STATES[state] ?? null

/** What runs is what is looked for, then what waits, then what ended. */
const URGENCY = ['STARTED', 'RETRY', 'RECEIVED', 'PENDING', 'FAILURE', 'REJECTED', 'REVOKED', 'SUCCESS']
/** Beyond any moment in seconds: within one state, the newest first. */
const APART = 1e12
const urgency = ({ state, stateAt }: ItemOf<'tasks'>['task']) => -URGENCY.indexOf(state) * APART + stateAt

const TASKS: readonly ListColumn<ItemOf<'tasks'>>[] = [
  { head: 'AGE', width: 6, align: 'right', rank: 2, value: ({ task }, now) => age(task.stateAt, now), order: ({ task }) => task.stateAt },
  {
    head: 'STATE',
    width: 8,
    rank: 1,
    value: ({ task }) => task.state,
    order: ({ task }) => urgency(task),
    colour: ({ task }) => stateColour(task.state),
  },
  { head: 'TASK', width: 20, grow: true, rank: 0, value: ({ task }) => task.name ?? '?', order: ({ task }) => task.name ?? '\uffff' },
  { head: 'ID', width: 8, rank: 4, value: ({ task }) => task.id.slice(0, 8) },
  { head: 'WORKER', width: 14, grow: true, rank: 3, value: ({ task }) => task.worker ?? '-', order: ({ task }) => task.worker ?? '\uffff' },
  { head: 'QUEUE', width: 8, rank: 7, value: ({ task }) => task.queue ?? '-', order: ({ task }) => task.queue ?? '\uffff' },
  {
    head: 'RUN',
    width: 6,
    align: 'right',
    rank: 5,
    value: ({ task }, now) => runText(task, now),
    order: ({ task }) => task.runtime ?? -1,
  },
  { head: 'WHAT', width: 16, grow: true, rank: 6, value: ({ task }) => task.exception ?? task.result ?? argumentsText(task) },
]

const WORKERS: readonly ListColumn<ItemOf<'workers'>>[] = [
  { head: 'WORKER', width: 16, grow: true, rank: 0, value: ({ worker }) => worker.node, order: ({ worker }) => worker.node },
  {
    head: 'STATUS',
    width: 7,
    rank: 1,
    value: ({ worker }) => (worker.isAlive ? 'online' : 'offline'),
    order: ({ worker }) => (worker.isAlive ? 'a' : 'b'),
    colour: ({ worker }) => (worker.isAlive ? 'green' : 'red'),
  },
  {
    head: 'ACTIVE',
    width: 6,
    align: 'right',
    rank: 2,
    value: ({ worker }) => count(worker.active),
    order: ({ worker }) => worker.active ?? -1,
  },
  {
    head: 'PROCESSED',
    width: 9,
    align: 'right',
    rank: 3,
    value: ({ worker }) => count(worker.processed),
    order: ({ worker }) => worker.processed ?? -1,
  },
  {
    head: 'LOAD',
    width: 16,
    rank: 5,
    value: ({ worker }) => worker.loadavg?.map((one) => one.toFixed(2)).join(' ') ?? '-',
    order: ({ worker }) => worker.loadavg?.[0] ?? -1,
  },
  {
    head: 'HEARD',
    width: 6,
    align: 'right',
    rank: 4,
    value: ({ worker }, now) => (worker.heartbeatAt === null ? '-' : age(worker.heartbeatAt, now)),
    order: ({ worker }) => worker.heartbeatAt ?? 0,
  },
  { head: 'SOFTWARE', width: 16, rank: 7, value: ({ worker }) => worker.software ?? '-' },
  { head: 'QUEUES', width: 12, grow: true, rank: 6, value: ({ worker }) => worker.queues.join(' ') || '-' },
]

const QUEUES: readonly ListColumn<ItemOf<'queues'>>[] = [
  { head: 'QUEUE', width: 16, grow: true, rank: 0, value: ({ queue }) => queue.queue, order: ({ queue }) => queue.queue },
  { head: 'READY', width: 7, align: 'right', rank: 1, value: ({ queue }) => count(queue.ready), order: ({ queue }) => queue.ready },
  { head: 'DELAYED', width: 7, align: 'right', rank: 3, value: ({ queue }) => count(queue.delayed), order: ({ queue }) => queue.delayed },
  { head: 'RUNNING', width: 7, align: 'right', rank: 2, value: ({ queue }) => count(queue.leased), order: ({ queue }) => queue.leased },
  {
    head: 'DEAD',
    width: 6,
    align: 'right',
    rank: 4,
    value: ({ queue }) => count(queue.dead),
    order: ({ queue }) => queue.dead,
    colour: ({ queue }) => (queue.dead > 0 ? 'red' : null),
  },
  {
    head: 'WORKERS',
    width: 7,
    align: 'right',
    rank: 5,
    value: ({ queue }) => count(queue.consumers),
    order: ({ queue }) => queue.consumers,
    colour: ({ queue }) => (queue.ready > 0 && queue.consumers === 0 ? 'yellow' : null),
  },
  { head: 'BY PRIORITY', width: 16, rank: 6, value: ({ queue }) => (queue.ready === queue.steps[0] ? '-' : queue.steps.join(' ')) },
]

/** Each is only ever given items of its own tab. */
export const COLUMNS = { tasks: TASKS, workers: WORKERS, queues: QUEUES } as unknown as Readonly<Record<Tab, readonly ListColumn[]>>

const GAP = 1
/** Beside each line: the mark of the one that is chosen. */
const MARK = 2

export interface Placed {
  readonly column: ListColumn
  readonly width: number
}

/** The columns that fit, each with its width. The last of them never goes. */
export function place(columns: readonly ListColumn[], width: number): readonly Placed[] {
  const kept = [...columns]
  const need = () => kept.reduce((sum, column) => sum + column.width + GAP, 0) - GAP + MARK
  while (kept.length > 1 && need() > width) {
    const highest = Math.max(...kept.map(({ rank }) => rank))
    kept.splice(
      kept.findLastIndex(({ rank }) => rank === highest),
      1,
    )
  }
  const growing = kept.filter(({ grow }) => grow)
  const rest = Math.max(0, width - need())
  const share = Math.floor(rest / Math.max(1, growing.length))
  return kept.map((column) => ({
    column,
    width: Math.min(width - MARK, column.width + (column.grow ? share + (column === growing[0] ? rest - share * growing.length : 0) : 0)),
  }))
}

/** The indexes of the columns that a list can be ordered by. */
export function sortable(tab: Tab): readonly number[] {
  return COLUMNS[tab].flatMap(({ order }, index) => (order === undefined ? [] : [index]))
}

function age(at: number, now: number): string {
  return spanText(Math.max(0, Math.round(now - at)))
}

function runText({ state, startedAt, runtime }: ItemOf<'tasks'>['task'], now: number): string {
  if (runtime !== null) return spanText(runtime)
  return state === 'STARTED' && startedAt !== null ? age(startedAt, now) : '-'
}

function argumentsText({ args, kwargs }: ItemOf<'tasks'>['task']): string {
  return [args, kwargs].filter((one) => one !== null && one !== '()' && one !== '[]' && one !== '{}').join(' ')
}

const count = (number: number | null) => (number === null ? '-' : String(number))
