/** The `task-sent` events of a producer: told after the task was stored, never in its way. */
import type { Broadcast, Heard } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import type { Log } from '../log.js'
import { EventEncoder, type EventSource, type SentTask } from '../protocol/event-encode.js'
import { Lamport } from '../protocol/lamport.js'
import type { TaskCall } from '../protocol/message.js'
import { reprArgs, reprKwargs } from '../protocol/python-repr.js'
import { Outbox } from './outbox.js'

export interface SentEventsParts {
  readonly broadcast: (message: Broadcast) => Promise<Heard>
  /** `gen<pid>@<host>`. */
  readonly source: EventSource
  readonly clock: Clock
  readonly log: Log
}

/** Seconds that the end of an application waits for its last events. */
const LAST_SECONDS = 1

export class SentEvents {
  readonly #encoder: EventEncoder
  readonly #outbox: Outbox
  readonly #clock: Clock
  /** A client's own: it hears nobody. */
  readonly #lamport = new Lamport()

  constructor({ broadcast, source, clock, log }: SentEventsParts) {
    this.#encoder = new EventEncoder(source)
    this.#clock = clock
    // One alone goes as Celery's clients send it; those of one turn together, as its workers do.
    const pack = (list: Uint8Array, count: number) => {
      this.#encoder.refresh(new Date(clock.now()))
      return count === 1 ? this.#encoder.one('task-sent', list.subarray(1, -1)) : this.#encoder.many(list, count)
    }
    this.#outbox = new Outbox({ broadcast, pack, log }, { delayMs: 1 })
  }

  /** False while nobody listens. */
  get isOn(): boolean {
    return !this.#outbox.isDeaf
  }

  sent(call: TaskCall): void {
    this.#outbox.add(this.#encoder.taskSent(sentTask(call), this.#lamport.tick(), this.#clock.now()))
  }

  /** Sends what waits; resolves within a second. */
  async close(): Promise<void> {
    await this.#outbox.flush(LAST_SECONDS)
    this.#outbox.close()
  }
}

const NO_ARGUMENTS: Readonly<Record<string, unknown>> = {}

function sentTask(call: TaskCall): SentTask {
  return {
    id: call.id,
    task: call.task,
    rootId: call.rootId ?? call.id,
    parentId: call.parentId ?? null,
    argsrepr: call.argsrepr ?? reprArgs(call.args),
    kwargsrepr: reprKwargs(call.kwargs ?? NO_ARGUMENTS),
    retries: call.retries ?? 0,
    eta: call.eta ?? null,
    expires: call.expires ?? null,
    queue: call.queue,
  }
}
