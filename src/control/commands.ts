/**
 * The commands of `tasks inspect` and `tasks control`: what each is called here and on the wire, and what it takes. The one list of them:
 * the command line makes flags, arguments and help of it. What they do is the worker's business: worker/panel.
 */
import { limit, type Parameter, rate, signal, stamps, taskIds, visible, whole, wholeOrNone } from './parameters.js'

export interface ControlCommand {
  /** `inspect` only asks. */
  readonly kind: 'inspect' | 'control'
  /** The method on the wire. */
  readonly method: string
  readonly summary: string
  readonly parameters: readonly Parameter[]
  /** Celery has another name for it still, beside the method. */
  readonly alias?: string
}

const TASK: Parameter = { name: 'task', key: 'task_name', as: 'word', isRequired: true, summary: 'name of the task', read: visible }
const QUEUE: Parameter = { name: 'queue', key: 'queue', as: 'word', isRequired: true, summary: 'name of the queue', read: visible }
const NUMBER: Parameter = { name: 'number', key: 'n', as: 'word', summary: 'how many; default: 1', otherwise: 1, read: whole }
const IDS: Parameter = { name: 'id', key: 'ids', as: 'words', isRequired: true, summary: 'ids of tasks', readAll: taskIds }
const TERMINATE: Parameter = {
  name: 'terminate',
  key: 'terminate',
  as: 'switch',
  summary: 'end it too where it runs: ours by its AbortSignal, then as the pool can',
  otherwise: false,
}
const SIGNAL: Parameter = {
  name: 'signal',
  key: 'signal',
  as: 'flag',
  helpValue: 'NAME',
  summary: 'with --terminate: what a pool of processes sends; default: SIGTERM',
  needs: 'terminate',
  otherwise: 'SIGTERM',
  read: signal,
}

const inspect = (method: string, summary: string, ...parameters: readonly Parameter[]) =>
  ({ kind: 'inspect', method, summary, parameters }) as const
const control = (method: string, summary: string, ...parameters: readonly Parameter[]) =>
  ({ kind: 'control', method, summary, parameters }) as const

export const CONTROL_COMMANDS = {
  ping: inspect('ping', 'Which workers answer'),
  active: inspect('active', 'The tasks that run now'),
  reserved: inspect('reserved', 'The tasks that a worker holds and has not started'),
  scheduled: inspect('scheduled', 'The tasks with an ETA that a worker holds'),
  revoked: inspect('revoked', 'The ids of revoked tasks that workers know'),
  registered: inspect('registered', 'The tasks that workers know', {
    name: 'attribute',
    key: 'taskinfoitems',
    as: 'words',
    summary: 'attributes to show with each, such as rate_limit',
  }),
  stats: inspect('stats', 'Pool, counts, broker and resources of workers'),
  'active-queues': inspect('active_queues', 'The queues that workers consume'),
  conf: inspect('conf', 'The settings of workers, secrets masked', {
    name: 'defaults',
    key: 'with_defaults',
    as: 'switch',
    summary: 'those that have their default too',
    otherwise: false,
  }),
  report: inspect('report', 'Versions and settings of workers, for a bug report'),
  'query-task': inspect('query_task', 'Whether workers hold or run these tasks', IDS),
  clock: inspect('clock', 'The logical clocks of workers'),
  memory: { ...inspect('memsample', 'The memory that workers use'), alias: 'memsample' },

  revoke: control('revoke', 'Have tasks not run, wherever they wait', { ...IDS, key: 'task_id' }, TERMINATE, SIGNAL),
  'revoke-by-stamped-headers': control(
    'revoke_by_stamped_headers',
    'Have tasks not run that bear a stamp',
    { name: 'stamp', key: 'headers', as: 'words', isRequired: true, summary: 'NAME=VALUE, one or more', readAll: stamps },
    TERMINATE,
    SIGNAL,
  ),
  'rate-limit': control('rate_limit', 'Change how often a task may start, until the worker ends', TASK, {
    name: 'rate',
    key: 'rate_limit',
    as: 'word',
    isRequired: true,
    summary: "such as '10/s', '60/m', '100/h', or none",
    read: rate,
  }),
  'time-limit': control(
    'time_limit',
    'Change how long a task may run, until the worker ends',
    TASK,
    { name: 'soft', key: 'soft', as: 'word', isRequired: true, summary: 'the soft limit, or none', read: limit },
    { name: 'hard', key: 'hard', as: 'word', summary: 'the hard limit; default: none', read: limit },
  ),
  'pool-grow': control('pool_grow', 'Have workers run more tasks at once', NUMBER),
  'pool-shrink': control('pool_shrink', 'Have workers run fewer tasks at once', NUMBER),
  'pool-restart': control('pool_restart', 'Restart the pools of workers (where workerPoolRestarts allows it)'),
  autoscale: control(
    'autoscale',
    'Change the bounds of autoscaling',
    { name: 'max', key: 'max', as: 'word', isRequired: true, summary: 'most tasks at once', read: whole },
    { name: 'min', key: 'min', as: 'word', summary: 'fewest; default: as it is', read: wholeOrNone },
  ),
  'add-consumer': control(
    'add_consumer',
    'Have workers consume another queue',
    QUEUE,
    { name: 'exchange', key: 'exchange', as: 'word', summary: "its exchange; default: the queue's name" },
    { name: 'type', key: 'exchange_type', as: 'word', summary: 'direct (default) or topic' },
    { name: 'routing-key', key: 'routing_key', as: 'word', summary: "default: the queue's name" },
  ),
  'cancel-consumer': control('cancel_consumer', 'Have workers consume a queue no more', QUEUE),
  'enable-events': control('enable_events', 'Have workers send task events'),
  'disable-events': control('disable_events', 'Have workers send no task events'),
  heartbeat: control('heartbeat', 'Have workers send a heartbeat event now'),
  shutdown: control('shutdown', 'Stop workers in order: they finish what runs, and give back the rest'),
} as const satisfies Readonly<Record<string, ControlCommand>>

export type ControlCommandName = keyof typeof CONTROL_COMMANDS

export function controlCommand(name: ControlCommandName): ControlCommand {
  return CONTROL_COMMANDS[name]
}

/** Celery's spellings of a command. */
export function aliasesOf(name: ControlCommandName): readonly string[] {
  const { method, alias } = controlCommand(name)
  return [...new Set([method, alias ?? method])].filter((one) => one !== name)
}
