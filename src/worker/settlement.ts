/**
 * What an outcome means for the broker and the result store: results, follow-up messages and the fate of the message, as one `Settling`.
 * Pure but for ids and the time. Which states are stored, and how, is Celery's (protocol/results.md in docs/protocol.md).
 */
import type { Delivery, Fate, Outgoing } from '../broker/broker.js'
import { isCelerityError } from '../errors.js'
import type { PreparedWrite } from '../prepared-write.js'
import { celeryError, toWireError, type WireError } from '../protocol/error-wire.js'
import type { MessageEncoder, TaskMessage } from '../protocol/message.js'
import { decodeResult, type ExtendedResult, encodeResult, isFinal, type Outcome as Stored, stateOf } from '../protocol/result.js'
import type { Signature } from '../protocol/signature.js'
import type { EncodedResult, ResultStore } from '../results/store.js'
import type { Finished, Outcome } from './outcome.js'
import { SLOT_HEADER } from './rate-gate.js'
import type { Accepted } from './request.js'
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
  /** `BrokerAbilities.server`. */
  readonly brokerServer: string
  readonly encoder: MessageEncoder
  /** A signature as a message to send, with `first` before its own arguments. */
  follow(signature: Signature, first: readonly unknown[], parent: TaskMessage): FollowUp
  /** Wall clock, milliseconds. */
  now(): number
}

export interface FollowUp {
  readonly id: string
  readonly message: Outgoing
}

type Refused = Exclude<Accepted, { readonly kind: 'run' }>

export class Outcomes {
  /** The broker carries out the store's writes in its settle step. */
  readonly joined: boolean
  readonly #parts: OutcomesParts
  readonly #options: OutcomesOptions

  constructor(parts: OutcomesParts, options: OutcomesOptions) {
    this.#parts = parts
    this.#options = options
    this.joined = parts.store !== null && parts.store.server === parts.brokerServer
  }

  of(run: Run, finished: Finished): Settling {
    const { delivery } = run.request
    try {
      return this.#of(run, finished.outcome, finished.children)
    } catch (error) {
      // The value, or the arguments of a follow-up, can't be sent: the task has failed with that.
      const failure = isCelerityError(error) ? celeryError('EncodeError', [error.message]) : toWireError(error)
      return this.failed(delivery, run.request.message, failure)
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
        return this.#retried(run, outcome)
      case 'ignore':
        return settling(delivery, { kind: 'ack' })
      case 'reject':
        if (outcome.requeue) return settling(delivery, { kind: 'requeue', to: 'back' })
        return settling(delivery, { kind: 'dead', reason: 'rejected', detail: outcome.reason })
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
        return this.#with(delivery, { kind: 'dead', reason: bad.code, detail: bad.detail }, result === null ? [] : [result])
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
      case 'revoked': {
        const error = celeryError('TaskRevokedError', [refused.why])
        const result = this.#result(refused.message, { kind: 'error', state: 'REVOKED', error }, null)
        return this.#with(delivery, { kind: 'ack' }, result === null ? [] : [result])
      }
    }
  }

  failed(delivery: Delivery, message: TaskMessage, error: WireError, children: readonly string[] = []): Settling {
    return this.#with(delivery, { kind: 'ack' }, this.#failures(message, error, children), this.#errbacks(message))
  }

  /** FAILURE as it is stored; null when the task's result is not wanted. */
  failure(message: TaskMessage, error: WireError): EncodedResult | null {
    return this.#result(message, { kind: 'error', state: 'FAILURE', error }, null)
  }

  /** A state that does not end the task; null when its result is not wanted. */
  state(message: TaskMessage, state: string, meta: unknown): EncodedResult | null {
    const value = state === 'STARTED' ? { pid: process.pid, hostname: this.#options.node } : meta
    return this.#result(message, { kind: 'meta', state, meta: value }, [])
  }

  prepare(result: EncodedResult): PreparedWrite {
    if (this.#parts.store === null) throw new TypeError('there is no result store')
    return this.#parts.store.prepare(result)
  }

  /** Those of `ids` that have a final state stored. */
  async final(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const found = (await this.#parts.store?.get(ids)) ?? []
    return new Set(
      ids.filter((_, index) => {
        const json = found[index]
        const decoded = json === null || json === undefined ? null : decodeResult(json)
        return decoded?.ok === true && isFinal(stateOf(decoded.result.outcome))
      }),
    )
  }

  #succeeded(run: Run, value: unknown, sent: readonly string[]): Settling {
    const { message, delivery } = run.request
    const publish: Outgoing[] = []
    const children = [...sent]
    const follow = (signature: Signature, rest?: readonly Signature[]) => {
      const step = rest === undefined ? signature : { ...signature, options: { ...signature.options, chain: rest } }
      const next = this.#parts.follow(step, signature.immutable ? [] : [value ?? null], message)
      publish.push(next.message)
      children.push(next.id)
    }
    for (const callback of message.callbacks) follow(callback)
    const step = message.chain.at(-1)
    if (step !== undefined) follow(step, message.chain.slice(0, -1))
    const result = this.#result(message, { kind: 'success', value: value ?? null }, children)
    return this.#with(delivery, { kind: 'ack' }, result === null ? [] : [result], publish)
  }

  #retried(run: Run, outcome: Extract<Outcome, { readonly kind: 'retry' }>): Settling {
    const { message, delivery } = run.request
    const { options, due, cause } = outcome
    const queue = options.queue ?? delivery.lane.queue
    const priority = options.priority ?? message.priority
    const raw = this.#parts.encoder.encodeRetry(message, {
      retries: message.retries + 1,
      eta: Math.ceil(due),
      args: options.args,
      kwargs: options.kwargs,
      queue,
      priority,
      headers: { [SLOT_HEADER]: undefined },
    })
    const error = cause === undefined ? celeryError('Retry', ['Retry', null, null]) : toWireError(cause)
    const result = this.#result(message, { kind: 'error', state: 'RETRY', error }, [])
    return this.#with(delivery, { kind: 'ack' }, result === null ? [] : [result], [{ queue, priority, raw, due: Math.ceil(due) }])
  }

  /** The task's own failure, and as in Celery the same one for what would have followed in its chain: nobody waits in vain. */
  #failures(message: TaskMessage, error: WireError, children: readonly string[]): EncodedResult[] {
    const own = this.#result(message, { kind: 'error', state: 'FAILURE', error }, children)
    const results = own === null ? [] : [own]
    for (const { options } of message.chain) {
      const id = options['task_id']
      if (typeof id === 'string' && own !== null) results.push(this.#encode({ id }, { kind: 'error', state: 'FAILURE', error }))
    }
    return results
  }

  #errbacks(message: TaskMessage): Outgoing[] {
    return message.errbacks.map((errback) => this.#parts.follow(errback, errback.immutable ? [] : [message.id], message).message)
  }

  #dead(delivery: Delivery, message: TaskMessage, why: string, detail: string, error: WireError): Settling {
    const results = this.#failures(message, error, [])
    const body = message.chord?.options['task_id']
    if (typeof body === 'string') {
      const text = `Dependency ${message.id} raised ${error.type}(${JSON.stringify(detail)})`
      results.push(this.#encode({ id: body }, { kind: 'error', state: 'FAILURE', error: celeryError('ChordError', [text]) }))
    }
    return this.#with(delivery, { kind: 'dead', reason: why, detail }, results, this.#errbacks(message))
  }

  #with(delivery: Delivery, fate: Fate, results: readonly EncodedResult[], publish: readonly Outgoing[] = []): Settling {
    if (results.length === 0) return settling(delivery, fate, publish)
    if (this.joined)
      return settling(
        delivery,
        fate,
        publish,
        results.map((result) => this.prepare(result)),
      )
    return { ...settling(delivery, fate, publish), results }
  }

  #result(message: TaskMessage, stored: Stored, children: readonly string[] | null): EncodedResult | null {
    if (this.#parts.store === null) return null
    if (message.ignoreResult && !(this.#options.storeErrorsEvenIfIgnored && stored.kind === 'error')) return null
    return this.#encode(message, stored, children)
  }

  #encode(
    message: Pick<TaskMessage, 'id'> & Partial<TaskMessage>,
    stored: Stored,
    children: readonly string[] | null = null,
  ): EncodedResult {
    const { markers, resultTtl } = this.#options
    const json = encodeResult({
      id: message.id,
      outcome: stored,
      dateDone: this.#parts.now(),
      children: children?.map((id) => ({ id, parent: null, members: null })) ?? null,
      groupId: message.group,
      parentId: message.parentId,
      extended: this.#options.resultExtended ? this.#extended(message) : undefined,
      markers,
    })
    return { id: message.id, state: stateOf(stored), json, ttl: resultTtl }
  }

  #extended(message: Partial<TaskMessage>): ExtendedResult | undefined {
    const { task, args, kwargs, retries, queue, stamps } = message
    if (task === undefined || args === undefined || kwargs === undefined) return undefined
    return { name: task, args, kwargs, worker: this.#options.node, retries: retries ?? 0, queue: queue ?? '', stamps: stamps ?? {} }
  }
}

function settling(delivery: Delivery, fate: Fate, publish: readonly Outgoing[] = [], writes?: readonly PreparedWrite[]): Settling {
  return { settlement: { delivery, fate, writes, publish: publish.length === 0 ? undefined : publish } }
}
