/**
 * What an outcome means for the broker and the result store: results, follow-up messages and the fate of the message, as one `Settling`.
 * Pure but for ids and the time. Which states are stored, and how, is Celery's (docs/protocol.md).
 */
import { randomUUID } from 'node:crypto'
import type { Delivery, Fate, Outgoing, Settlement } from '../broker/broker.js'
import type { DeadReason } from '../broker/dead-reason.js'
import { ENTRY_HEADER } from '../broker/entry-header.js'
import { CelerityError, isCelerityError, reason } from '../errors.js'
import type { Log } from '../log.js'
import type { PreparedWrite } from '../prepared-write.js'
import { celeryError, toWireError, type WireError } from '../protocol/error-wire.js'
import type { MessageEncoder, TaskMessage } from '../protocol/message.js'
import { reprArgs, reprKwargs } from '../protocol/python-repr.js'
import { queueNameProblem } from '../protocol/queue-name.js'
import {
  decodeResult,
  type ExtendedResult,
  encodeResult,
  isFinal,
  type ResultInput,
  type Outcome as Stored,
  stateOf,
  type TaskResult,
} from '../protocol/result.js'
import { LIFE_HEADER, type Try, tryOf } from '../protocol/try.js'
import type { EncodedResult, ResultStore } from '../results/store.js'
import { type Follow, FollowUps } from './follow-ups.js'
import type { Finished, Outcome } from './outcome.js'
import { SLOT_HEADER } from './rate-gate.js'
import type { Accepted, Request } from './request.js'
import type { Run } from './run.js'
import type { Settling } from './settler.js'

export interface OutcomesOptions {
  readonly node: string
  /** Seconds results are kept; 0 for ever. */
  readonly resultTtl: number
  readonly resultExtended: boolean
  /** Failures of tasks that ignore their result. */
  readonly storeErrorsEvenIfIgnored: boolean
  readonly markers: boolean
}

export interface OutcomesParts {
  readonly store: ResultStore | null
  /** `BrokerAbilities.server`; empty: there is no broker, and nobody else who could run the same task. */
  readonly brokerServer: string
  readonly encoder: MessageEncoder
  readonly log: Log
  readonly follow: Follow
  /** Wall clock, milliseconds. */
  now(): number
}

/** What became of a run. */
export interface Settled {
  readonly settling: Settling
  /** As it was given, or the failure that became of it because it could not be sent. */
  readonly outcome: Outcome
}

type Refused = Exclude<Accepted, { readonly kind: 'run' }>

export class Outcomes {
  /** The broker carries out the store's writes in its settle step. */
  readonly joined: boolean
  /** Nobody fences what is stored: each result says of which try it is. */
  readonly #namesTries: boolean
  readonly #parts: OutcomesParts
  readonly #followUps: FollowUps
  readonly #options: OutcomesOptions

  constructor(parts: OutcomesParts, options: OutcomesOptions) {
    this.#parts = parts
    this.#followUps = new FollowUps(parts.follow, parts.log)
    this.#options = options
    this.joined = parts.store !== null && parts.store.server === parts.brokerServer
    this.#namesTries = parts.store !== null && !this.joined && parts.brokerServer !== ''
  }

  /** Never throws: the value, or the arguments of a follow-up, may be what can't be sent; then the task has failed with that. */
  of(run: Run, { outcome, children }: Finished): Settled {
    try {
      return { settling: this.#of(run, outcome, children), outcome }
    } catch (error) {
      const settling = this.failed(run.request.delivery, run.request.message, unsendable(error), children)
      return { settling, outcome: { kind: 'failure', error, expected: false } }
    }
  }

  #of(run: Run, outcome: Outcome, children: readonly string[]): Settling {
    const { delivery, message } = run.request
    switch (outcome.kind) {
      case 'success':
        return this.#succeeded(run, outcome.value, children)
      case 'failure':
        return this.failed(delivery, message, toWireError(outcome.error), children)
      case 'retry':
        return this.#retried(run.request, outcome)
      case 'ignore':
        return settling(delivery, { kind: 'ack' })
      case 'reject':
        if (outcome.requeue) return settling(delivery, { kind: 'requeue', to: 'back' })
        return settling(delivery, { kind: 'dead', reason: 'rejected', detail: outcome.reason })
      case 'terminated':
        return this.#revoked(delivery, message, 'terminated', children)
    }
  }

  /** A delivery that is not run. */
  ofRefused(delivery: Delivery, refused: Refused): Settling {
    switch (refused.kind) {
      case 'park':
        return settling(delivery, { kind: 'park', due: refused.due })
      case 'unreadable': {
        const { bad } = refused
        const error = celeryError(bad.code === 'content-disallowed' ? 'ContentDisallowed' : 'DecodeError', [`${bad.code}: ${bad.detail}`])
        const result = bad.id === null ? null : this.#encode({ id: bad.id }, { kind: 'error', state: 'FAILURE', error })
        return this.#with({ delivery }, { kind: 'dead', reason: bad.code, detail: bad.detail }, result === null ? [] : [result])
      }
      case 'unregistered': {
        const { message } = refused
        const detail = `no task ${message.task} is registered in this worker`
        return this.#dead(delivery, message, 'unregistered', detail, celeryError('NotRegistered', [message.task]))
      }
      case 'unsupported': {
        const detail = `this worker does not run ${refused.what} yet; a Python worker does`
        return this.#dead(delivery, refused.message, 'unsupported', detail, celeryError('InvalidTaskError', [detail]))
      }
      case 'revoked':
        return this.#revoked(delivery, refused.message, refused.why)
    }
  }

  /**
   * A message that came again although its result stands: its ack got lost, and with it what should have followed, for the two are one
   * step. That is sent now, under the ids that the result names.
   */
  ofSettled({ delivery, message }: Pick<Request, 'delivery' | 'message'>, stored: TaskResult): Settling {
    return settling(delivery, { kind: 'ack' }, { publish: this.#followUps.afterResult(message, stored) })
  }

  failed(delivery: Delivery, message: TaskMessage, error: WireError, children: readonly string[] = []): Settling {
    const results = this.failures(delivery.raw, message, error, children)
    return this.#with({ delivery, message }, { kind: 'ack' }, results, this.#followUps.afterFailure(message))
  }

  /** A message that was found with a dead worker, and is to fail by that: as `failed`, and its errbacks with it, but for what becomes of it. */
  lost(delivery: Delivery, message: TaskMessage, error: WireError, fate: Fate): Settling {
    return this.#with({ delivery, message }, fate, this.failures(delivery.raw, message, error), this.#followUps.afterFailure(message))
  }

  /**
   * FAILURE as it is stored, and as in Celery the same for what would have followed in its chain: nobody waits in vain. Empty when the
   * task's result is not wanted.
   */
  failures(raw: Buffer, message: TaskMessage, error: WireError, children: readonly string[] = []): EncodedResult[] {
    const own = this.#result(raw, message, { kind: 'error', state: 'FAILURE', error }, children)
    if (own === null) return []
    const results = [own]
    for (const { options } of message.chain) {
      const id = options['task_id']
      if (typeof id === 'string') results.push(this.#encode({ id }, { kind: 'error', state: 'FAILURE', error }))
    }
    return results
  }

  /** A state that does not end the task; null when its result is not wanted. @throws E_ENCODE when `meta` can't be sent */
  state({ delivery, message }: Request, state: string, meta: unknown): EncodedResult | null {
    const value = state === 'STARTED' ? { pid: process.pid, hostname: this.#options.node } : meta
    return this.#result(delivery.raw, message, { kind: 'meta', state, meta: value })
  }

  /** A result as the broker is to store them, of a task that nobody has; undefined where it stores none. */
  sample(): PreparedWrite | undefined {
    return this.joined ? this.prepare({ id: randomUUID(), state: 'PENDING', json: '', ttl: 1 }) : undefined
  }

  prepare(result: EncodedResult): PreparedWrite {
    if (this.#parts.store === null) throw new TypeError('there is no result store')
    return this.#parts.store.prepare(result)
  }

  /** The final results that are stored for any of these, by id; none of what was sent under the same id before. */
  async final(requests: readonly Request[]): Promise<ReadonlyMap<string, TaskResult>> {
    const found = (await this.#parts.store?.get(requests.map(({ message }) => message.id))) ?? []
    const final = new Map<string, TaskResult>()
    for (const [index, { delivery, message }] of requests.entries()) {
      const decoded = decodeResult(found[index] ?? 'null')
      if (!decoded.ok || !isFinal(stateOf(decoded.result.outcome))) continue
      const [stored, own] = [decoded.result.try, this.#try(delivery.raw, message)]
      if (stored === null || own === null || stored.life === own.life) final.set(message.id, decoded.result)
    }
    return final
  }

  #succeeded(run: Run, value: unknown, sent: readonly string[]): Settling {
    const { message, delivery } = run.request
    const next = this.#followUps.afterSuccess(message, value ?? null)
    const children = next.length === 0 ? sent : [...sent, ...next.map(({ id }) => id)]
    const result = this.#result(delivery.raw, message, { kind: 'success', value: value ?? null }, children)
    const publish = next.map(({ message: follower }) => follower)
    return this.#with(run.request, { kind: 'ack' }, result === null ? [] : [result], publish)
  }

  #retried({ message, delivery }: Request, outcome: Extract<Outcome, { readonly kind: 'retry' }>): Settling {
    const { options, cause } = outcome
    // Down to the millisecond that has begun: a retry without delay is due now, not up to a millisecond later.
    const due = Math.floor(outcome.due)
    const queue = options.queue ?? delivery.lane.queue
    const why = options.queue === undefined ? null : queueNameProblem(options.queue)
    if (why !== null) throw new CelerityError('E_ARGUMENTS', { message: `queue: ${queue} ${why}` })
    const priority = options.priority ?? message.priority
    const raw = this.#parts.encoder.encodeRetry(message, {
      retries: message.retries + 1,
      eta: due,
      args: options.args,
      kwargs: options.kwargs,
      queue,
      priority,
      headers: { [SLOT_HEADER]: undefined, [LIFE_HEADER]: this.#try(delivery.raw, message)?.life },
    })
    // In a queue of ours it waits at the broker. In another one there may be workers of Python's alone, who look into the list and hold what has
    // an ETA themselves; whom it is for then, if it is one of ours, parks it.
    const again = queue === delivery.lane.queue ? { queue, priority, raw, due } : { queue, priority, raw }
    const error = cause === undefined ? celeryError('Retry', ['Retry', null, null]) : toWireError(cause)
    const result = this.#result(delivery.raw, message, { kind: 'error', state: 'RETRY', error })
    return this.#with({ delivery, message }, { kind: 'ack' }, result === null ? [] : [result], [again])
  }

  /** REVOKED, and nothing that follows: neither callbacks nor errbacks, as in Celery. */
  #revoked(
    delivery: Delivery,
    message: TaskMessage,
    why: 'revoked' | 'expired' | 'terminated',
    children: readonly string[] = [],
  ): Settling {
    const error = celeryError('TaskRevokedError', [why])
    const result = this.#result(delivery.raw, message, { kind: 'error', state: 'REVOKED', error }, children)
    return this.#with({ delivery, message }, { kind: 'ack' }, result === null ? [] : [result])
  }

  #dead(delivery: Delivery, message: TaskMessage, why: DeadReason, detail: string, error: WireError): Settling {
    const results = this.failures(delivery.raw, message, error)
    const body = message.chord?.options['task_id']
    if (typeof body === 'string') {
      const text = `Dependency ${message.id} raised ${error.type}(${JSON.stringify(detail)})`
      results.push(this.#encode({ id: body }, { kind: 'error', state: 'FAILURE', error: celeryError('ChordError', [text]) }))
    }
    return this.#with({ delivery, message }, { kind: 'dead', reason: why, detail }, results, this.#followUps.afterFailure(message))
  }

  #with(
    { delivery, message }: Pick<Request, 'delivery'> & Partial<Request>,
    fate: Fate,
    results: readonly EncodedResult[],
    publish: readonly Outgoing[] = [],
  ): Settling {
    const ofEntry = message === undefined || Object.hasOwn(message.headers, ENTRY_HEADER) ? undefined : false
    if (results.length === 0) return settling(delivery, fate, { publish, ofEntry })
    if (this.joined) return settling(delivery, fate, { publish, ofEntry, writes: results.map((result) => this.prepare(result)) })
    const instead = message === undefined ? undefined : (stored: string) => this.#instead(delivery, message, stored, fate)
    return { ...settling(delivery, fate, { publish, ofEntry }), results, instead }
  }

  /**
   * The other run of the same task came first: what is stored decides what follows. A failure may be what we stored before, and got no further:
   * what was to be a dead letter is one then.
   */
  #instead(delivery: Delivery, message: TaskMessage, stored: string, fate: Fate): Settlement | null {
    const decoded = decodeResult(stored)
    if (!decoded.ok || decoded.result.id !== message.id) return null
    const other = this.ofSettled({ delivery, message }, decoded.result).settlement
    if (fate.kind === 'dead' && decoded.result.outcome.kind !== 'success') return { ...other, fate }
    const { task, id } = message
    this.#parts.log.warning(`Task ${task}[${id}]: another run of it ended first, and what that stored stands`, { task, id })
    return other
  }

  #result(raw: Buffer, message: TaskMessage, stored: Stored, children: readonly string[] = []): EncodedResult | null {
    if (this.#parts.store === null) return null
    if (message.ignoreResult && !(this.#options.storeErrorsEvenIfIgnored && stored.kind === 'error')) return null
    return this.#encode(message, stored, children, this.#try(raw, message))
  }

  #try(raw: Buffer, message: TaskMessage): Try | null {
    return this.#namesTries ? tryOf(raw, message) : null
  }

  #encode(
    message: Pick<TaskMessage, 'id'> & Partial<TaskMessage>,
    stored: Stored,
    children: readonly string[] = [],
    of: Try | null = null,
  ): EncodedResult {
    const { markers, resultTtl } = this.#options
    const input: ResultInput = {
      id: message.id,
      outcome: stored,
      dateDone: this.#parts.now(),
      children: children.map((id) => ({ id, parent: null, members: null })),
      groupId: message.group,
      parentId: message.parentId,
      extended: this.#options.resultExtended ? this.#extended(message) : undefined,
      try: of,
      markers,
    }
    return { id: message.id, state: stateOf(stored), json: encodeTolerantly(input), ttl: resultTtl }
  }

  #extended(message: Partial<TaskMessage>): ExtendedResult | undefined {
    const { task, args, kwargs, retries, queue, stamps } = message
    if (task === undefined || args === undefined || kwargs === undefined) return undefined
    return { name: task, args, kwargs, worker: this.#options.node, retries: retries ?? 0, queue: queue ?? '', stamps: stamps ?? {} }
  }
}

/** Arguments that came (bytes, for a Python that knows no markers) may be some that can't be stored: the outcome is worth more than they. */
function encodeTolerantly(input: ResultInput): string {
  try {
    return encodeResult(input)
  } catch (error) {
    if (input.extended === undefined) throw error
    const { args, kwargs } = input.extended
    return encodeResult({ ...input, extended: { ...input.extended, args: [reprArgs(args)], kwargs: { repr: reprKwargs(kwargs) } } })
  }
}

function unsendable(error: unknown): WireError {
  try {
    return isCelerityError(error) ? celeryError('EncodeError', [error.message]) : toWireError(error)
  } catch {
    return celeryError('EncodeError', [reason(error)]) // thrown by the value itself, and made to fail
  }
}

function settling(delivery: Delivery, fate: Fate, { publish = [], writes, ofEntry }: Omit<Settlement, 'delivery' | 'fate'> = {}): Settling {
  return { settlement: { delivery, fate, writes, publish: publish.length === 0 ? undefined : publish, ofEntry } }
}
