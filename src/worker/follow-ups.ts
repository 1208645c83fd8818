/** What is sent after a task: its callbacks and the next of its chain when it has succeeded, its errbacks when it has failed. */
import type { Outgoing } from '../broker/broker.js'
import { reason } from '../errors.js'
import type { Log } from '../log.js'
import type { TaskMessage } from '../protocol/message.js'
import { stateOf, type TaskResult } from '../protocol/result.js'
import type { Signature } from '../protocol/signature.js'

export interface FollowUp {
  readonly id: string
  readonly message: Outgoing
}

/** A signature as a message to send, with `first` before its own arguments unless it is immutable. @throws E_ENCODE, E_ARGUMENTS */
export type Follow = (signature: Signature, first: readonly unknown[], parent: TaskMessage) => FollowUp

const NONE: readonly FollowUp[] = []

export class FollowUps {
  readonly #follow: Follow
  readonly #log: Log

  constructor(follow: Follow, log: Log) {
    this.#follow = follow
    this.#log = log
  }

  /** @throws as `Follow`: the task has failed then, since what it was to be followed by can't be */
  afterSuccess(message: TaskMessage, value: unknown): readonly FollowUp[] {
    if (message.callbacks.length === 0 && message.chain.length === 0) return NONE
    return stepsAfter(message).map((step) => this.#follow(step, [value], message))
  }

  afterFailure(message: TaskMessage): readonly Outgoing[] {
    return message.errbacks.flatMap((errback) => this.#orNothing(errback, [message.id], message))
  }

  /** What was to follow a result that stands already, under the ids that it names. */
  afterResult(message: TaskMessage, { outcome, children }: TaskResult): readonly Outgoing[] {
    if (outcome.kind !== 'success') return stateOf(outcome) === 'FAILURE' ? this.afterFailure(message) : []
    const steps = stepsAfter(message)
    const ids = children === null || children.length < steps.length ? [] : children.slice(children.length - steps.length)
    return steps.flatMap((step, index) => this.#orNothing(withId(step, ids[index]?.id), [outcome.value], message))
  }

  /** One that can't be sent must not take the others with it, nor the outcome that is being settled. */
  #orNothing(signature: Signature, first: readonly unknown[], message: TaskMessage): readonly Outgoing[] {
    try {
      return [this.#follow(signature, first, message).message]
    } catch (error) {
      const { task, id } = message
      this.#log.error(`Task ${task}[${id}]: ${signature.task} can't be sent after it: ${reason(error)}`, { task, id })
      return []
    }
  }
}

/** The callbacks, and the next of the chain, which carries the rest of it. */
function stepsAfter({ callbacks, chain }: TaskMessage): readonly Signature[] {
  const next = chain.at(-1)
  if (next === undefined) return callbacks
  return [...callbacks, { ...next, options: { ...next.options, chain: chain.slice(0, -1) } }]
}

function withId(signature: Signature, id: string | undefined): Signature {
  if (id === undefined || typeof signature.options['task_id'] === 'string') return signature
  return { ...signature, options: { ...signature.options, task_id: id } }
}
