/** The tasks that this worker runs, holds, has put aside and knows. */
import type { TaskDefinition } from '../../app/task-definition.js'
import { formatIso } from '../../protocol/dates.js'
import type { Request } from '../request.js'
import { messageInfo, type RequestInfo } from '../request-info.js'
import type { Run } from '../run.js'
import type { Command, Commands, Desk } from './command.js'
import type { Subject } from './subject.js'

/** The attributes that `registered` tells of each task that has them, when it is not asked for others. */
const DEFAULT_ATTRIBUTES = ['exchange', 'routing_key', 'rate_limit'] as const

const active: Command = {
  optional: ['safe'],
  others: true,
  run: (desk, args) => activeInfo(desk, args.flag('safe')),
}

const reserved: Command = {
  others: true,
  run: ({ worker }) => worker.reserved.map((request) => reservedInfo(worker, request)),
}

/** `priority` is that of Celery's timer, the same for all. */
const scheduled: Command = {
  others: true,
  run: ({ worker }) => worker.scheduled.map(({ due, info }) => ({ eta: formatIso(due), priority: 6, request: info })),
}

const revoked: Command = { others: true, run: ({ worker }) => worker.revoked }

const registered: Command = {
  optional: ['taskinfoitems', 'builtins'],
  others: true,
  run({ registry }, args) {
    const asked = args.texts('taskinfoitems')
    const attributes = asked.length === 0 ? DEFAULT_ATTRIBUTES : asked
    return registry.names().map((name) => described(name, attributes, registry.get(name)))
  },
}

/** What waits for its ETA is no task that a worker knows: it is the broker's. */
const queryTask: Command = {
  required: ['ids'],
  others: true,
  run(desk, args) {
    const asked = new Set(args.texts('ids'))
    const { worker } = desk
    const held = worker.reserved
      .filter(({ message }) => asked.has(message.id))
      .map((request) => ['reserved', reservedInfo(worker, request)] as const)
    const running = activeInfo(desk, false, (run) => asked.has(run.id)).map((info) => ['active', info] as const)
    return Object.fromEntries([...held, ...running].map(([state, info]) => [info.id, [state, info]]))
  },
}

export const taskCommands: Commands = {
  active,
  dump_active: active,
  reserved,
  dump_reserved: reserved,
  scheduled,
  dump_schedule: scheduled,
  revoked,
  dump_revoked: revoked,
  registered,
  dump_tasks: registered,
  query_task: queryTask,
}

function activeInfo({ worker }: Desk, safe: boolean, wanted = (_: Run) => true): RequestInfo[] {
  return [...worker.runs].filter(wanted).map((run) => {
    const { message, definition } = run.request
    const acknowledged = definition.policy.acks === 'early' && run.begun
    return { ...messageInfo(message, { node: worker.node, safe }), time_start: run.since / 1000, acknowledged, worker_pid: process.pid }
  })
}

function reservedInfo({ node }: Subject, { message }: Request): RequestInfo {
  return messageInfo(message, { node, safe: false })
}

/** `kuma.mail [rate_limit=60/m]` */
function described(name: string, attributes: readonly string[], definition: TaskDefinition | undefined): string {
  if (definition === undefined) return name
  const known = attributesOf(definition)
  const shown = attributes.flatMap((attribute) => {
    const value = Object.hasOwn(known, attribute) ? known[attribute] : null
    return value === null ? [] : [`${attribute}=${pythonText(value)}`]
  })
  return shown.length === 0 ? name : `${name} [${shown.join(' ')}]`
}

/** The attributes of Celery's tasks, where ours have them. */
function attributesOf({ name, policy, bind }: TaskDefinition): Readonly<Record<string, string | number | boolean | null | undefined>> {
  const { retry } = policy
  return {
    name,
    queue: policy.queue,
    priority: policy.priority,
    rate_limit: policy.rateLimit?.text ?? null,
    max_retries: Number.isFinite(retry.max) ? retry.max : null,
    default_retry_delay: retry.delay,
    acks_late: policy.acks === 'late',
    ignore_result: policy.ignoreResult,
    track_started: policy.trackStarted,
    time_limit: policy.timeLimit,
    soft_time_limit: policy.softTimeLimit,
    expires: policy.expires,
    compression: policy.compression,
    serializer: 'json',
    bind,
  }
}

function pythonText(value: string | number | boolean | undefined): string {
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value)
}
