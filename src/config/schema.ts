/**
 * Every setting, one row each. From this table come the types `Settings` and `SettingsInput`, the names in files and environment, what is
 * checked, the flags that set it, `tasks config` and `.taskrc.example`. To add a setting, add a row.
 */
import { maskUrl } from '../mask.js'
import { beatSchedule, timezone, withoutArguments } from './beat-kinds.js'
import { AT_BROKER, either, flag, type Kind, list, oneOf, optional, orZero, resultUrl, span, text, url, whole } from './kinds.js'
import { fields } from './objects.js'
import { acks, annotations, priority, queueName, queues, rateLimit, routes } from './task-kinds.js'
import { autoscale, remoteControl } from './worker-kinds.js'

export interface Row<T, Given> {
  readonly kind: Kind<T, Given>
  readonly default: NoInfer<T>
  /** What a plain number counts. */
  readonly unit?: 'seconds' | 'bytes'
  /** Celery's name, where the meaning is the same: `broker_url` in a file, CELERY_BROKER_URL in the environment. */
  readonly celery?: string
  /** Names of Celery 3 and older, in capitals, oldest last. */
  readonly historic?: readonly string[]
  /** Flags (without dashes) of commands that set it. */
  readonly flag?: string
  /** Takes the secrets out of a value before it is shown. */
  readonly mask?: (value: string) => string
  /** The same for a value that is no text. */
  readonly show?: (value: T) => unknown
  /** One sentence: what it is for, and why it is as it is. */
  readonly why: string
}

const row = <T, Given>(row: Row<T, Given>): Row<T, Given> => row

const transportFields = {
  globalKeyprefix: text('a text that starts every key', /^\S*$/),
  masterName: text('the name under which the sentinels know the server', /^\S+$/),
  sentinelKwargs: fields('what the sentinels want to hear, { username, password, ssl }', {
    username: text('a name'),
    password: text('a password'),
    ssl: flag(),
  }),
}
const TRANSPORT = "options such as { globalKeyprefix: 'kuma:' }"

/** The options without the password of the sentinels. */
function withoutPassword<T extends { readonly sentinelKwargs?: { readonly password?: string } }>(options: T): T {
  const { sentinelKwargs } = options
  if (sentinelKwargs?.password === undefined) return options
  return { ...options, sentinelKwargs: { ...sentinelKwargs, password: '********' } }
}

export const SCHEMA = {
  app: row({
    kind: optional(text('the path of a module')),
    default: null,
    flag: 'app',
    why: 'The module whose default or `app` export is the application, relative to this file; commands load it.',
  }),
  imports: row({
    kind: list(text('a path or glob'), "paths or globs such as ['src/tasks/*.ts']"),
    default: [],
    why: 'More modules to load beside the app, relative to this file: a worker only knows the tasks of modules that were loaded.',
  }),

  brokerUrl: row({
    kind: url(),
    default: 'sqlite:.tasks/tasks.db',
    celery: 'broker_url',
    historic: ['BROKER_URL'],
    flag: 'broker',
    mask: maskUrl,
    why: 'Where messages wait; the default needs nothing installed. A relative file is relative to this file, else to the package root.',
  }),
  brokerTransportOptions: row({
    kind: fields(TRANSPORT, {
      ...transportFields,
      waitReplicas: whole(0, 100),
      waitReplicasTimeout: span(0.01),
      visibilityTimeout: span(1),
    }),
    default: {},
    show: withoutPassword,
    celery: 'broker_transport_options',
    historic: ['BROKER_TRANSPORT_OPTIONS'],
    why: 'globalKeyprefix starts every key in Redis, so that applications can share a database; masterName, waitReplicas …: docs/redis.md.',
  }),
  brokerDeadline: row({
    kind: span(0.05),
    default: 5,
    unit: 'seconds',
    why: 'How long one call to the broker may take before its connection is thrown away: a frozen server must not freeze us.',
  }),
  brokerAllowEviction: row({
    kind: flag(),
    default: false,
    why: 'Works also with a Redis that may evict keys (`maxmemory-policy` other than noeviction), which can lose tasks and leases silently.',
  }),
  messageMaxBytes: row({
    kind: whole(1024),
    default: 16 * 1024 * 1024,
    unit: 'bytes',
    why: 'A longer message is refused before it is parsed, so that no sender can exhaust the memory of a worker.',
  }),
  acceptContent: row({
    kind: list(oneOf(['application/json'], { json: 'application/json' }), "content types such as ['json']"),
    default: ['application/json'],
    celery: 'accept_content',
    why: 'Content types that are decoded; anything else goes to the dead letters unread. Pickle and YAML can run code and are never decoded.',
  }),

  resultBackend: row({
    kind: resultUrl(),
    default: AT_BROKER,
    celery: 'result_backend',
    flag: 'result-backend',
    mask: maskUrl,
    why: 'Where results are kept. broker: on its own server, so that a result and its ack are one step; disabled: nowhere; or a URL.',
  }),
  resultBackendTransportOptions: row({
    kind: fields(TRANSPORT, transportFields),
    default: {},
    show: withoutPassword,
    celery: 'result_backend_transport_options',
    historic: ['CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS'],
    why: 'As brokerTransportOptions, for the keys of results.',
  }),
  resultExpires: row({
    kind: orZero(span()),
    default: 86_400,
    unit: 'seconds',
    celery: 'result_expires',
    historic: ['CELERY_TASK_RESULT_EXPIRES'],
    why: 'How long a result is kept; 0 or null keeps it for ever.',
  }),
  resultExtended: row({
    kind: flag(),
    default: false,
    celery: 'result_extended',
    why: 'Stores name, arguments, queue and worker with each result; off, because arguments may hold personal data.',
  }),

  taskDefaultQueue: row({
    kind: queueName(),
    default: 'celery',
    celery: 'task_default_queue',
    historic: ['CELERY_DEFAULT_QUEUE'],
    why: "Where a task goes that no route, definition or call sends elsewhere; the same default as Python's.",
  }),
  taskQueues: row({
    kind: queues(),
    default: [],
    celery: 'task_queues',
    historic: ['CELERY_QUEUES'],
    why: 'The queues a worker consumes when -Q does not say; empty: the default queue alone.',
  }),
  taskRoutes: row({
    kind: routes(),
    default: [],
    celery: 'task_routes',
    historic: ['CELERY_ROUTES'],
    why: 'Which task goes to which queue: by name or glob; a list is asked in order; functions only from a JavaScript or TypeScript file.',
  }),
  taskDefaultPriority: row({
    kind: priority(),
    default: 0,
    celery: 'task_default_priority',
    why: 'Priority of a task that names none: 0 is the highest, as in kombu on Redis.',
  }),
  taskPublishDeadline: row({
    kind: span(0.05),
    default: 5,
    unit: 'seconds',
    why: 'How long a send may take before it fails with E_PUBLISH_TIMEOUT: a web request must not hang when the broker is away.',
  }),
  taskSendOrigin: row({
    kind: flag(),
    default: true,
    why: 'Each message says where it was sent from (file:line of the caller), so that a failure can be traced back; Python ignores it.',
  }),
  taskSendSentEvent: row({
    kind: flag(),
    default: false,
    celery: 'task_send_sent_event',
    historic: ['CELERY_SEND_TASK_SENT_EVENT'],
    why: 'Tells monitors of each task when it is sent, not only when a worker has it; costs nothing while nobody listens.',
  }),
  jsonTypeMarkers: row({
    kind: flag(),
    default: true,
    why: "Sends dates, bytes, decimals and uuids as kombu 5.3's typed JSON; false sends plain text, for older Pythons.",
  }),
  taskCompression: row({
    kind: optional(oneOf(['zlib', 'gzip', 'brotli'])),
    default: null,
    celery: 'task_compression',
    historic: ['CELERY_MESSAGE_COMPRESSION'],
    why: 'Compresses every body; worth it for large arguments on a slow network only. `gzip` is zlib on the wire, as in kombu.',
  }),

  taskAlwaysEager: row({
    kind: flag(),
    default: false,
    celery: 'task_always_eager',
    historic: ['CELERY_ALWAYS_EAGER'],
    why: 'Runs tasks where they are called, over the same path and without a broker: for tests and first steps.',
  }),
  taskEagerPropagates: row({
    kind: flag(),
    default: false,
    celery: 'task_eager_propagates',
    historic: ['CELERY_EAGER_PROPAGATES_EXCEPTIONS', 'CELERY_EAGER_PROPAGATES'],
    why: 'In eager mode a failing task throws where it was called instead of giving a failed result.',
  }),
  taskStoreEagerResult: row({
    kind: flag(),
    default: false,
    celery: 'task_store_eager_result',
    why: 'In eager mode results go to the result store as well.',
  }),

  taskIgnoreResult: row({
    kind: flag(),
    default: false,
    celery: 'task_ignore_result',
    historic: ['CELERY_IGNORE_RESULT'],
    why: 'Stores no results, unless a task or a call asks for one.',
  }),
  taskStoreErrorsEvenIfIgnored: row({
    kind: flag(),
    default: false,
    celery: 'task_store_errors_even_if_ignored',
    historic: ['CELERY_STORE_ERRORS_EVEN_IF_IGNORED'],
    why: 'Stores failures also where results are ignored.',
  }),
  taskTrackStarted: row({
    kind: flag(),
    default: false,
    celery: 'task_track_started',
    historic: ['CELERY_TRACK_STARTED'],
    why: 'Stores STARTED when a task begins: one more write per task, useful for long ones.',
  }),

  taskAcks: row({
    kind: acks(),
    default: 'late',
    celery: 'task_acks_late',
    historic: ['CELERY_ACKS_LATE'],
    why: 'late: a task whose worker dies runs again; early: at most once. Late is the default here, since losing work is the worse surprise.',
  }),
  taskTimeLimit: row({
    kind: optional(span(0.001)),
    default: null,
    unit: 'seconds',
    celery: 'task_time_limit',
    historic: ['CELERYD_TASK_TIME_LIMIT'],
    flag: 'time-limit',
    why: 'A task that runs longer has failed with TimeLimitExceeded, whatever it does afterwards.',
  }),
  taskSoftTimeLimit: row({
    kind: optional(span(0.001)),
    default: null,
    unit: 'seconds',
    celery: 'task_soft_time_limit',
    historic: ['CELERYD_TASK_SOFT_TIME_LIMIT'],
    flag: 'soft-time-limit',
    why: "After this the task's AbortSignal fires, so that it can clean up before the hard limit.",
  }),
  taskDefaultRateLimit: row({
    kind: optional(rateLimit()),
    default: null,
    celery: 'task_default_rate_limit',
    historic: ['CELERY_DEFAULT_RATE_LIMIT'],
    why: "Rate limit of every task that names none, such as '60/m'.",
  }),
  taskDefaultRetryDelay: row({
    kind: span(),
    default: 180,
    unit: 'seconds',
    why: 'How long a retry waits when the task does not say (Celery: default_retry_delay of a task).',
  }),
  taskMaxRetries: row({
    kind: optional(whole(0)),
    default: 3,
    why: 'How often a task is tried again when it does not say; null: without end (Celery: max_retries of a task).',
  }),
  taskAnnotations: row({
    kind: annotations(),
    default: {},
    celery: 'task_annotations',
    historic: ['CELERY_ANNOTATIONS'],
    why: "Options of single tasks set from outside, such as { 'mail.send': { rateLimit: '60/m' } }; `*` is every task.",
  }),

  timezone: row({
    kind: timezone(),
    default: 'UTC',
    celery: 'timezone',
    why: 'Whose wall clock the schedules mean that name no zone of their own, such as Europe/London; all else is kept in UTC.',
  }),
  beatSchedule: row({
    kind: beatSchedule(),
    default: {},
    celery: 'beat_schedule',
    historic: ['CELERYBEAT_SCHEDULE'],
    show: withoutArguments,
    why: "Periodic tasks by name: { task, schedule, args, kwargs, options … }, schedule being 600, '10m', '0 5 * * *', or { minute: 0, hour: 5 }.",
  }),
  beatMaxInterval: row({
    kind: span(0.05),
    default: 1,
    unit: 'seconds',
    celery: 'beat_max_loop_interval',
    historic: ['CELERYBEAT_MAX_LOOP_INTERVAL'],
    flag: 'max-interval',
    why: 'How long a beat sleeps at most before it looks whether a schedule was edited.',
  }),
  beatLease: row({
    kind: span(1),
    default: 10,
    unit: 'seconds',
    why: 'How long after its last sign of life another beat takes over from the one that leads; one that stops in order is followed at once.',
  }),

  workerConcurrency: row({
    kind: either(whole(1, 10_000), oneOf(['auto'])),
    default: 4,
    celery: 'worker_concurrency',
    historic: ['CELERYD_CONCURRENCY'],
    flag: 'concurrency',
    why: 'How many tasks a worker runs at once; auto: as many as it has CPUs, the limit of its container counted.',
  }),
  workerPrefetchMultiplier: row({
    kind: either(whole(1, 10_000), oneOf(['auto'])),
    default: 'auto',
    celery: 'worker_prefetch_multiplier',
    historic: ['CELERYD_PREFETCH_MULTIPLIER'],
    flag: 'prefetch-multiplier',
    why: 'Messages a worker holds per task it can run; auto follows how long tasks take, so that nobody sits on work others could do.',
  }),
  workerLease: row({
    kind: span(1),
    default: 30,
    unit: 'seconds',
    why: 'How long after its last sign of life a worker counts as dead and its tasks go to others; running tasks renew it, however long they take.',
  }),
  workerGrace: row({
    kind: span(),
    default: 30,
    unit: 'seconds',
    flag: 'grace',
    why: 'How long a stopping worker lets running tasks finish before it gives them back.',
  }),
  workerBlockedLimit: row({
    kind: orZero(span()),
    default: 600,
    unit: 'seconds',
    why: 'A task that blocks the event loop for longer has failed, time limit or not, and its process ends: nothing else can run there. 0: never.',
  }),
  workerRestart: row({
    kind: flag(),
    default: false,
    flag: 'restart',
    why: 'Starts `tasks worker` again after an accident: a crash, a kill, a task that ended or blocked it. Not heard from the code of an application.',
  }),
  workerHostname: row({
    kind: text('a node name such as celery@%h', /^\S+$/),
    default: 'celery@%h',
    historic: ['CELERY_WORKER_HOSTNAME'],
    flag: 'hostname',
    why: 'Name of the node: %h is the host with its domain, %n the host alone, %d the domain.',
  }),
  workerEnableRemoteControl: row({
    kind: remoteControl(),
    default: 'full',
    celery: 'worker_enable_remote_control',
    historic: ['CELERY_ENABLE_REMOTE_CONTROL'],
    why: 'What others may ask over the broker: full, what `tasks inspect` and `tasks control` do; inspect, questions only; off, nothing is heard.',
  }),
  workerHeartbeatInterval: row({
    kind: span(0.1),
    default: 2,
    unit: 'seconds',
    why: 'How often a worker tells monitors that it lives (an event); its lease is renewed apart from that.',
  }),
  workerSendTaskEvents: row({
    kind: flag(),
    default: false,
    celery: 'worker_send_task_events',
    historic: ['CELERY_SEND_EVENTS', 'CELERY_SEND_TASK_EVENTS'],
    flag: 'events',
    why: 'Workers tell of every task as it happens (events), for monitors; one that is registered, such as `tasks monitor`, is told without it.',
  }),
  workerAutoscale: row({
    kind: optional(autoscale()),
    default: null,
    flag: 'autoscale',
    why: 'Between how few and how many tasks a worker runs at once, as much as there is to do: MAX,MIN. Instead of workerConcurrency.',
  }),
  workerPoolRestarts: row({
    kind: flag(),
    default: false,
    celery: 'worker_pool_restarts',
    historic: ['CELERYD_POOL_RESTARTS'],
    why: 'Whether `tasks control pool-restart` is obeyed: the worker lets go of everything, as in a stop, and begins anew.',
  }),
  workerRateLimitScope: row({
    kind: oneOf(['cluster', 'worker']),
    default: 'cluster',
    why: 'cluster: a rate limit holds over all workers; worker: in each of them, as in Celery.',
  }),
  workerLogFormat: row({
    kind: oneOf(['auto', 'text', 'json']),
    default: 'auto',
    flag: 'log-format',
    why: "auto: lines in Celery's format on a terminal, JSON otherwise.",
  }),
  monitorStore: row({
    kind: url(),
    default: 'sqlite:.tasks/monitor.db',
    flag: 'store',
    mask: maskUrl,
    why: 'The database where `tasks monitor` keeps what became of tasks: sqlite:FILE, or postgres://… for several machines.',
  }),
  monitorFrequency: row({
    kind: span(0.05),
    default: 2,
    unit: 'seconds',
    flag: 'freq',
    why: 'How often the monitor brings its database up to date: one transaction each time.',
  }),
  monitorMaxRate: row({
    kind: optional(rateLimit()),
    default: null,
    flag: 'max-rate',
    why: "No more transactions than that, such as '20/m'; what they would have written comes with the next, nothing is left out.",
  }),
  monitorExpireSuccess: row({
    kind: orZero(span()),
    default: 86_400,
    unit: 'seconds',
    historic: ['CELERYCAM_EXPIRE_SUCCESS'],
    flag: 'expire-success',
    why: 'How long the monitor keeps tasks that succeeded; 0 or null keeps them for ever.',
  }),
  monitorExpireError: row({
    kind: orZero(span()),
    default: 259_200,
    unit: 'seconds',
    historic: ['CELERYCAM_EXPIRE_ERROR'],
    flag: 'expire-error',
    why: 'How long the monitor keeps tasks that failed, were revoked or wait for a retry; 0 or null keeps them for ever.',
  }),
  monitorExpirePending: row({
    kind: orZero(span()),
    default: 432_000,
    unit: 'seconds',
    historic: ['CELERYCAM_EXPIRE_PENDING'],
    flag: 'expire-pending',
    why: 'How long the monitor keeps tasks of which nothing more was heard; 0 or null keeps them for ever.',
  }),
  monitorArguments: row({
    kind: flag(),
    default: true,
    why: 'Keeps the arguments and results of tasks in the monitor, as text; false does not, since they may hold personal data.',
  }),
  logLevel: row({
    kind: oneOf(['debug', 'info', 'warning', 'error', 'critical'], { warn: 'warning', fatal: 'critical' }),
    default: 'info',
    historic: ['CELERY_WORKER_LOGLEVEL', 'CELERYD_LOG_LEVEL'],
    flag: 'log-level',
    why: 'Lines below this level are not written; any case.',
  }),
} as const

export type SettingName = keyof typeof SCHEMA

type ValueOf<R> = R extends Row<infer T, infer _> ? T : never
type GivenOf<R> = R extends Row<infer _, infer G> ? G : never

/** What the program runs with: checked, complete, frozen. Spans are seconds. */
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof SCHEMA)[Name]> }

/** What may be written in code: some settings, with the same freedom as in a file (`'5m'`). */
export type SettingsInput = { readonly [Name in SettingName]?: GivenOf<(typeof SCHEMA)[Name]> | undefined }

/** The table without the types of its rows, for whoever walks over it. */
export const ROWS: ReadonlyMap<SettingName, Row<unknown, unknown>> = new Map(
  Object.entries(SCHEMA) as [SettingName, Row<unknown, unknown>][],
)
