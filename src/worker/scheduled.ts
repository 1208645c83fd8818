/**
 * What this worker has put aside at the broker until later: tasks with an ETA, those a rate limit holds back, its own retries. They are the
 * broker's, and whoever is there takes them when they are due; this is only what `inspect scheduled` tells of them, as Celery's workers tell
 * what they hold. Bounded: of more than a thousand the oldest are forgotten here.
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

  constructor(node: string) {
    this.#node = node
  }

  add(message: TaskMessage, due: number): void {
    const info = messageInfo(message, { node: this.#node, safe: message.body.text.length > MAX_BODY })
    this.#tasks.delete(info.id) // to the end: the newest is forgotten last
    this.#tasks.set(info.id, { due, info })
    if (this.#tasks.size <= MAX_REMEMBERED) return
    for (const oldest of this.#tasks.keys()) {
      this.#tasks.delete(oldest)
      return
    }
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
    return [...this.#tasks.values()].sort((a, b) => a.due - b.due)
  }
}
