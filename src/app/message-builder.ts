/** From a call to the message that the broker stores: routes, defaults of the task, times made absolute. Pure but for the clock and ids. */
import { randomUUID } from 'node:crypto'
import type { Outgoing } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import type { Settings } from '../config/schema.js'
import { CelerityError } from '../errors.js'
import { createEncoder, type MessageEncoder, type TaskCall } from '../protocol/message.js'
import { queueNameProblem } from '../protocol/queue-name.js'
import type { Signature } from '../protocol/signature.js'
import { type CallOptions, etaOf, expiryOf, plain, signaturesOf, span } from './call-options.js'
import type { CurrentRequest } from './current.js'
import { compileRoutes, type FindRoute } from './routes.js'
import { fromWireOptions, type Workflow } from './signature-options.js'
import type { TaskPolicy } from './task-policy.js'

/** One call. */
export interface SendRequest {
  readonly task: string
  readonly args: readonly unknown[]
  readonly options: CallOptions
  readonly workflow?: Workflow
  /** See `TaskCall`. */
  readonly argsrepr?: string
}

/** A message ready to be published. */
export interface Built {
  readonly id: string
  readonly task: string
  readonly outgoing: Outgoing
  readonly ignoresResult: boolean
  /** What the message was made of. */
  readonly call: TaskCall
}

export type BuilderSettings = Pick<
  Settings,
  'taskDefaultQueue' | 'taskDefaultPriority' | 'taskRoutes' | 'taskCompression' | 'jsonTypeMarkers'
>

/** What a task's own options say of its messages. */
export type SendingPolicy = Pick<TaskPolicy, 'queue' | 'priority' | 'expires' | 'ignoreResult' | 'compression'>

export interface BuilderParts {
  readonly registry: { get(task: string): { readonly policy: SendingPolicy } | undefined }
  readonly settings: BuilderSettings
  readonly clock: Clock
  /** `gen<pid>@<host>`. */
  readonly origin: string
}

/** Names come from the wire too, so what is remembered about them is bounded. */
const MOST_NAMES = 1_000

const NO_ARGUMENTS: Readonly<Record<string, unknown>> = {}

export class MessageBuilder {
  readonly #registry: BuilderParts['registry']
  readonly #settings: BuilderSettings
  readonly #clock: Clock
  readonly #route: FindRoute
  /** Names that have been looked at. */
  readonly #queues = new Set<string>()
  /** Shared with the worker, which sends retries through it. */
  readonly encoder: MessageEncoder

  constructor({ registry, settings, clock, origin }: BuilderParts) {
    this.#registry = registry
    this.#settings = settings
    this.#clock = clock
    this.#route = compileRoutes(settings.taskRoutes)
    this.encoder = createEncoder({ origin, replyTo: randomUUID(), markers: settings.jsonTypeMarkers, now: () => clock.now() })
  }

  /**
   * What the call says wins over what the task says, that over the routes, those over the defaults.
   *
   * @param sentFrom JSON text of the header `sent_from`
   * @param parent   the request that sends it
   * @throws         CelerityError E_ARGUMENTS, E_ENCODE
   */
  build(request: SendRequest, sentFrom?: string, parent?: CurrentRequest): Built {
    const { task, args, options, workflow, argsrepr } = request
    const policy = this.#registry.get(task)?.policy
    const kwargs = options.kwargs ?? NO_ARGUMENTS
    const now = this.#clock.now()
    const id = options.taskId ?? randomUUID()
    const route = this.#route(task, args, kwargs)
    const queue = options.queue ?? policy?.queue ?? route?.queue ?? this.#settings.taskDefaultQueue
    if (!this.#queues.has(queue)) this.#check(queue)
    const priority = options.priority ?? policy?.priority ?? route?.priority ?? this.#settings.taskDefaultPriority
    const ignoreResult = options.ignoreResult ?? policy?.ignoreResult ?? false
    const call: TaskCall = {
      id,
      task,
      args,
      kwargs,
      argsrepr,
      queue,
      priority,
      eta: etaOf(options, now),
      expires: expiryOf(options.expires ?? policy?.expires ?? undefined, now),
      retries: options.retries,
      timeLimit: options.timeLimit === undefined ? undefined : span('timeLimit', options.timeLimit),
      softTimeLimit: options.softTimeLimit === undefined ? undefined : span('softTimeLimit', options.softTimeLimit),
      shadow: options.shadow,
      rootId: workflow?.rootId ?? parent?.rootId,
      parentId: workflow?.parentId ?? parent?.id,
      group: workflow?.group,
      groupIndex: workflow?.groupIndex,
      ignoreResult,
      stamps: workflow?.stamps,
      callbacks: signaturesOf('link', options.link),
      errbacks: signaturesOf('linkError', options.linkError),
      chain: workflow?.chain?.map(plain),
      chord: workflow?.chord,
      headers: options.headers,
      compression: options.compression ?? policy?.compression ?? this.#settings.taskCompression ?? undefined,
    }
    return { id, task, outgoing: { queue, priority, raw: this.encoder.encode(call, sentFrom) }, ignoresResult: ignoreResult, call }
  }

  #check(queue: string): void {
    const why = typeof queue === 'string' ? queueNameProblem(queue) : 'is no name of a queue'
    if (why !== null) throw new CelerityError('E_ARGUMENTS', { message: `queue: ${queue} ${why}` })
    if (this.#queues.size >= MOST_NAMES) this.#queues.clear()
    this.#queues.add(queue)
  }

  /**
   * A signature from a message, sent on: a callback, an errback, the next of a chain. New arguments go before its own, unless it is
   * immutable; what `workflow` says wins over what the signature carries.
   */
  buildSignature(signature: Signature, args: readonly unknown[], workflow: Workflow, sentFrom?: string): Built {
    const { call, workflow: own } = fromWireOptions(signature.options)
    const request: SendRequest = {
      task: signature.task,
      args: signature.immutable ? signature.args : [...args, ...signature.args],
      options: { ...call, kwargs: signature.kwargs },
      workflow: { ...own, ...workflow },
    }
    return this.build(request, sentFrom)
  }
}
