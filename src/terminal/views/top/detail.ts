/** All that is known of one task, worker or queue, as lines of text. */
import { safe, safeLines } from '../../safe.js'
import { relative, spanText } from '../../time.js'
import { wrap } from '../../width.js'
import { stateColour } from './columns.js'
import type { Item, TopData, TopWorker } from './data.js'
import type { DetailPart } from './state.js'
import type { Line } from './view.js'

type Task = Extract<Item, { readonly tab: 'tasks' }>['task']
type Queue = Extract<Item, { readonly tab: 'queues' }>['queue']

const LABEL = 12
/** Of one field: more is read with `tasks show`. */
const MOST_LINES = 200
const MOST_LISTED = 50

/** The line as it is now, where the data still has it. */
export function latest(item: Item, data: TopData): Item {
  switch (item.tab) {
    case 'tasks':
      return { ...item, task: data.tasks.find(({ id }) => id === item.key) ?? item.task }
    case 'workers':
      return { ...item, worker: data.workers.find(({ node }) => node === item.key) ?? item.worker }
    case 'queues':
      return { ...item, queue: data.queues.find(({ queue }) => queue === item.key) ?? item.queue }
  }
}

export function detailLines(item: Item, part: DetailPart, data: TopData, width: number): readonly Line[] {
  switch (item.tab) {
    case 'tasks':
      return taskLines(item.task, part, data.now, width)
    case 'workers':
      return workerLines(item.worker, data, width)
    case 'queues':
      return queueLines(item.queue, data, width)
  }
}

function taskLines(task: Task, part: DetailPart, now: number, width: number): readonly Line[] {
  if (part === 'traceback') return text(task.traceback ?? task.exception, 'No traceback is known of it.', width)
  if (part === 'result') return text(task.result ?? task.exception, 'No result is known of it.', width)
  const { id, name, state, worker, queue, args, kwargs, result, exception, traceback, runtime, retries, eta, expires } = task
  const { rootId, parentId, sentFrom, sentAt, receivedAt, startedAt, endedAt, tries } = task
  return [
    ...field('Task', name ?? '?', width),
    ...field('Id', id, width),
    ...field('State', state, width, stateColour(state)),
    ...field('Worker', worker, width),
    ...field('Queue', queue, width),
    ...field('Args', args, width),
    ...field('Kwargs', kwargs, width),
    ...field('Result', result, width, 'green'),
    ...field('Error', exception, width, 'red'),
    ...field('Retries', retries > 0 ? String(retries) : null, width),
    ...field('Eta', moment(eta, now), width),
    ...field('Expires', moment(expires, now), width),
    ...field('Sent', moment(sentAt, now), width),
    ...field('Sent from', sentFrom, width),
    ...field('Received', moment(receivedAt, now), width),
    ...field('Started', moment(startedAt, now), width),
    ...field('Ended', moment(endedAt, now), width),
    ...field('Waited', between(sentAt ?? receivedAt, startedAt), width),
    ...field('Ran', runtime === null ? null : spanText(runtime), width),
    ...field('Root', rootId === id ? null : rootId, width),
    ...field('Parent', parentId, width),
    ...tries.flatMap((one, index) =>
      field(`Try ${index + 1}`, `${one.outcome} ${moment(one.at, now) ?? ''}: ${one.exception ?? 'no error is known'}`, width, 'yellow'),
    ),
    ...(traceback === null ? [] : [blank, { text: 'Traceback', colour: 'bold' as const }, ...text(traceback, '', width)]),
    blank,
    ...field('More', `tasks show ${id}`, width, 'dim'),
  ]
}

function workerLines(worker: TopWorker, { tasks, now }: TopData, width: number): readonly Line[] {
  const running = tasks.filter((task) => task.worker === worker.node && task.state === 'STARTED')
  return [
    ...field('Worker', worker.node, width),
    ...field('Status', worker.isAlive ? 'online' : 'offline', width, worker.isAlive ? 'green' : 'red'),
    ...field('Heard', moment(worker.heartbeatAt, now), width),
    ...field('Process', worker.pid === null ? null : String(worker.pid), width),
    ...field('Software', worker.software, width),
    ...field('Load', worker.loadavg?.map((one) => one.toFixed(2)).join(' ') ?? null, width),
    ...field('Processed', worker.processed === null ? null : String(worker.processed), width),
    ...field('Queues', worker.queues.join(' ') || null, width),
    blank,
    { text: `Running now: ${worker.active ?? running.length}`, colour: 'bold' },
    ...running.slice(0, MOST_LISTED).map((task) => taskLine(task, now)),
    blank,
    ...field('More', `tasks inspect stats -d ${worker.node}`, width, 'dim'),
  ]
}

function queueLines(queue: Queue, { workers, tasks, now }: TopData, width: number): readonly Line[] {
  const consumers = workers.filter(({ queues }) => queues.includes(queue.queue)).map(({ node }) => node)
  const known = tasks.filter((task) => task.queue === queue.queue).slice(0, MOST_LISTED)
  return [
    ...field('Queue', queue.queue, width),
    ...field('Ready', String(queue.ready), width),
    ...field('By priority', `${queue.steps.join(' ')}  (0, 3, 6, 9)`, width),
    ...field('Delayed', String(queue.delayed), width),
    ...field('Running', String(queue.leased), width),
    ...field('Dead', String(queue.dead), width, queue.dead > 0 ? 'red' : null),
    ...field('Consumers', `${queue.consumers}${consumers.length > 0 ? `: ${consumers.join(' ')}` : ''}`, width),
    blank,
    { text: 'Tasks seen', colour: 'bold' },
    ...known.map((task) => taskLine(task, now)),
    blank,
    ...field('More', `tasks queues -Q ${queue.queue}${queue.dead > 0 ? `, tasks dead list -Q ${queue.queue}` : ''}`, width, 'dim'),
  ]
}

const blank: Line = { text: '', colour: null }

function taskLine({ id, name, state, stateAt }: Task, now: number): Line {
  return {
    text: safe(`  ${state.padEnd(8)} ${spanText(Math.max(0, Math.round(now - stateAt))).padStart(6)}  ${name ?? '?'}  ${id}`),
    colour: stateColour(state),
  }
}

function field(label: string, value: string | null, width: number, colour: Line['colour'] = null): readonly Line[] {
  if (value === null || value === '') return []
  const room = Math.max(8, width - LABEL)
  return wrap(safe(value), room, MOST_LINES).map((line, index) => ({ text: `${(index === 0 ? label : '').padEnd(LABEL)}${line}`, colour }))
}

function text(value: string | null, none: string, width: number): readonly Line[] {
  if (value === null) return [{ text: none, colour: 'dim' }]
  return safeLines(value.trimEnd())
    .split('\n')
    .slice(0, MOST_LINES * 10)
    .flatMap((line) => wrap(line, width, MOST_LINES).map((part) => ({ text: part, colour: null })))
}

function moment(at: number | null, now: number): string | null {
  if (at === null || !Number.isFinite(at)) return null
  const date = new Date(at * 1000)
  // Beyond what a date can be: what somebody sent, not when.
  if (Number.isNaN(date.getTime())) return null
  return `${date.toISOString()} (${relative(at * 1000, now * 1000)})`
}

function between(from: number | null, to: number | null): string | null {
  return from === null || to === null || to < from ? null : spanText(to - from)
}
