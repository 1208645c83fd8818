/** The events of a worker's tasks. Its session asks `isOn` before it computes anything for them. */
import type { Broker, Heard } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import type { Log } from '../log.js'
import { EventEncoder, type Revoked } from '../protocol/event-encode.js'
import type { Lamport } from '../protocol/lamport.js'
import type { TaskMessage } from '../protocol/message.js'
import { Outbox, type OutboxStats } from './outbox.js'

export interface DispatcherParts {
  readonly broker: Pick<Broker, 'broadcast'>
  /** Node name, such as `celery@host`. */
  readonly node: string
  readonly pid: number
  /** The worker's logical clock. */
  readonly lamport: Lamport
  readonly clock: Clock
  readonly log: Log
}

export interface DispatcherOptions {
  /** From the start, for whoever listens: the flag -E, `workerSendTaskEvents`. */
  readonly isEnabled: boolean
}

/** Milliseconds that an event waits for others at most. */
const DELAY_MS = 20
/** Seconds that the end of a worker waits for its last events. */
const LAST_SECONDS = 2

export class Dispatcher {
  readonly #encoder: EventEncoder
  readonly #outbox: Outbox
  readonly #lamport: Lamport
  readonly #clock: Clock
  #isEnabled: boolean
  #readers = 0

  constructor({ broker, node, pid, lamport, clock, log }: DispatcherParts, { isEnabled }: DispatcherOptions) {
    this.#encoder = new EventEncoder({ node, pid })
    this.#lamport = lamport
    this.#clock = clock
    this.#isEnabled = isEnabled
    const parts = {
      broadcast: broker.broadcast.bind(broker),
      pack: (list: Uint8Array, count: number) => this.#pack(list, count),
      heard: ({ readers }: Heard) => this.readers(readers),
      log,
    }
    this.#outbox = new Outbox(parts, { delayMs: DELAY_MS })
  }

  /** Whether an event that is told now may reach anybody. */
  get isOn(): boolean {
    return (this.#isEnabled || this.#readers > 0) && !this.#outbox.isDeaf
  }

  /** Told by the flag, the setting or `enable_events`; a reader of the journal gets them also without. */
  get isEnabled(): boolean {
    return this.#isEnabled
  }

  /** False: they were. */
  enable(): boolean {
    this.listen()
    if (this.#isEnabled) return false
    this.#isEnabled = true
    return true
  }

  /** False: they were. */
  disable(): boolean {
    if (!this.#isEnabled) return false
    this.#isEnabled = false
    return true
  }

  /** How many readers of the journal there are, as the answer to a heartbeat told. */
  readers(count: number): void {
    this.#readers = count
    if (count > 0) this.listen()
  }

  /** Somebody asked for signs of life: the next events are sent without waiting for a probe. */
  listen(): void {
    this.#outbox.listen()
  }

  /** @param queue where it was taken from */
  received(message: TaskMessage, queue: string): void {
    this.#outbox.add(this.#encoder.taskReceived(message, queue, this.#lamport.tick(), this.#clock.now()))
  }

  started(id: string): void {
    this.#outbox.add(this.#encoder.taskStarted(id, this.#lamport.tick(), this.#clock.now()))
  }

  /**
   * @param result  its repr
   * @param runtime seconds
   */
  succeeded(id: string, result: string, runtime: number): void {
    this.#outbox.add(this.#encoder.taskSucceeded(id, result, runtime, this.#lamport.tick(), this.#clock.now()))
  }

  /**
   * @param exception  its repr
   * @param traceback null: there is none, as for a task that is not registered
   * @param runtime   seconds; undefined: it did not run
   */
  failed(id: string, exception: string, traceback: string | null, runtime?: number): void {
    this.#failed('task-failed', id, exception, traceback, runtime)
  }

  /** It will be tried again; see `failed`. */
  retried(id: string, exception: string, traceback: string | null, runtime?: number): void {
    this.#failed('task-retried', id, exception, traceback, runtime)
  }

  rejected(id: string, requeue: boolean): void {
    this.#outbox.add(this.#encoder.taskRejected(id, requeue, this.#lamport.tick(), this.#clock.now()))
  }

  revoked(id: string, how: Revoked): void {
    this.#outbox.add(this.#encoder.taskRevoked(id, how, this.#lamport.tick(), this.#clock.now()))
  }

  /** At the end of a worker: sends what waits; resolves within two seconds, whatever the broker does. */
  async flush(): Promise<void> {
    await this.#outbox.flush(LAST_SECONDS)
    this.#outbox.close()
  }

  stats(): OutboxStats {
    return this.#outbox.stats()
  }

  #failed(type: 'task-failed' | 'task-retried', id: string, exception: string, traceback: string | null, runtime?: number): void {
    const error = { exception, traceback, runtime }
    this.#outbox.add(this.#encoder.taskFailed(type, id, error, this.#lamport.tick(), this.#clock.now()))
  }

  #pack(list: Uint8Array, count: number) {
    this.#encoder.refresh(new Date(this.#clock.now()))
    return this.#encoder.many(list, count)
  }
}
