/**
 * What this worker has put aside at the broker until later: tasks with an ETA, those a rate limit holds back, its own retries. They are the
 * broker's, and whoever is there takes them when they are due; this is only what `inspect scheduled` tells of them, as Celery's workers tell
 * what they hold. Bounded: of more than a thousand those that are due last are not remembered here.
 */
import type { TaskMessage } from '../protocol/message.js'
import type { Outcome } from './outcome.js'
import { messageInfo, type RequestInfo } from './request-info.js'

export interface ScheduledTask {
  /** Broker milliseconds. */
  readonly due: number
  readonly info: RequestInfo
}

const MAX_REMEMBERED = 1_000
/** Characters of a body whose arguments are remembered as they are; of a longer one their repr. */
const MAX_BODY = 4_096

export class Scheduled {
  readonly #node: string
  readonly #tasks = new Map<string, ScheduledTask>()
  /** Where there are enough, what is due then or later is not remembered: it would live just long enough to be old garbage. */
  #horizon = Number.POSITIVE_INFINITY

  constructor(node: string) {
    this.#node = node
  }

  add(message: TaskMessage, due: number): void {
    this.#tasks.delete(message.id)
    if (this.#tasks.size >= MAX_REMEMBERED && due >= this.#horizon) return
    const info = messageInfo(message, { node: this.#node, safe: message.body.text.length > MAX_BODY })
    this.#tasks.set(info.id, { due, info })
    if (this.#tasks.size >= 2 * MAX_REMEMBERED) this.#cut()
  }

  /** Once for each thousand that were added. */
  #cut(): void {
    const soonest = this.#soonestFirst().slice(0, MAX_REMEMBERED)
    this.#tasks.clear()
    for (const task of soonest) this.#tasks.set(task.info.id, task)
    this.#horizon = soonest.at(-1)?.due ?? Number.POSITIVE_INFINITY
  }

  retried(message: TaskMessage, { options, due }: Extract<Outcome, { readonly kind: 'retry' }>): void {
    this.add({ ...message, args: options.args ?? message.args, kwargs: options.kwargs ?? message.kwargs }, due)
  }

  /** It came back. False: it was not this worker that had put it aside. */
  forget(id: string): boolean {
    return this.#tasks.size > 0 && this.#tasks.delete(id)
  }

  /** What is not due yet, soonest first. */
  list(now: number): readonly ScheduledTask[] {
    for (const [id, { due }] of this.#tasks) if (due <= now) this.#tasks.delete(id)
    return this.#soonestFirst()
  }

  #soonestFirst(): ScheduledTask[] {
    return [...this.#tasks.values()].sort((a, b) => a.due - b.due)
  }
}
