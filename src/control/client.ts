/** Asks workers, ours and Python's, over kombu's pidbox, and gathers what they answer. One mailbox serves all questions of a client. */
import { randomUUID } from 'node:crypto'
import type { Broker, Subscription } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import type { Log } from '../log.js'
import { CONTROL_EXCHANGE, type ControlRequest, decodeReply, encodeControl, REPLY_EXCHANGE } from '../protocol/control.js'
import { Lamport } from '../protocol/lamport.js'

export interface ControlClientParts {
  readonly broker: Broker
  /** Of the process, when it has one already. */
  readonly lamport?: Lamport | undefined
  readonly clock: Clock
  readonly log: Log
}

export type Question = Pick<ControlRequest, 'method' | 'arguments'>

/** Whom a request is for: the named nodes, else those that fit the pattern, else all. */
export type Audience = Pick<ControlRequest, 'destination' | 'pattern' | 'matcher'>

export interface AskOptions extends Audience {
  /** Seconds without an answer after which no more is expected; every answer starts them anew. */
  readonly timeout?: number | undefined
  /** Enough answers; absent: one for each destination. */
  readonly limit?: number | undefined
  /** Hears each answer as it comes. */
  readonly onReply?: ((reply: Reply) => void) | undefined
  /** Hears how many listened when the question was sent; null: the broker can't tell. */
  readonly onSent?: ((listeners: number | null) => void) | undefined
  /** Ends the wait; what has come by then is the answer. */
  readonly signal?: AbortSignal | undefined
}

export interface Reply {
  readonly node: string
  readonly value: unknown
  /** Milliseconds from the question. */
  readonly after: number
}

/** In the order in which they came. */
export type Replies = readonly Reply[]

/** Of one question. A cluster is smaller; somebody who answers for ever must not keep us. */
const MOST_REPLIES = 10_000

export class ControlClient {
  readonly #parts: ControlClientParts
  readonly #timeout: number
  readonly #lamport: Lamport
  /** The address of this client, the same for all its questions. */
  readonly #oid = randomUUID()
  readonly #gatherings = new Map<string, Gathering>()
  #mailbox: Promise<Subscription> | null = null

  /** @param options.timeout seconds, where a question says none */
  constructor(parts: ControlClientParts, options: { readonly timeout: number }) {
    this.#parts = parts
    this.#timeout = options.timeout
    this.#lamport = parts.lamport ?? new Lamport()
  }

  /**
   * Asks and gathers; nobody answering is an empty list. It ends before the timeout when all that were named have answered, or all that
   * heard the question where the broker can tell how many did.
   *
   * @throws E_BROKER_UNREACHABLE, E_BROKER_REFUSED; E_ENCODE for arguments that cannot be sent
   */
  async ask(question: Question, options: AskOptions = {}): Promise<Replies> {
    const { destination, pattern, matcher, timeout = this.#timeout, onReply, onSent, signal } = options
    await this.#open()
    const ticket = randomUUID()
    const gathering = new Gathering(this.#parts.clock, onReply)
    gathering.enough(options.limit ?? destination?.length ?? MOST_REPLIES)
    this.#gatherings.set(ticket, gathering)
    try {
      const request = { ...question, destination, pattern, matcher, reply: { ticket, routingKey: this.#oid } }
      const listeners = await this.#send(request, this.#parts.clock.now() / 1000 + timeout)
      onSent?.(listeners)
      if (listeners !== null && (destination === undefined || listeners === 0)) gathering.enough(listeners)
      return await gathering.quiet(timeout, signal)
    } finally {
      this.#gatherings.delete(ticket)
    }
  }

  /** Sends a request that nobody answers. @throws as `ask` */
  async cast(question: Question, audience: Audience = {}): Promise<void> {
    await this.#send({ ...question, ...audience }, 0)
  }

  async close(): Promise<void> {
    const mailbox = this.#mailbox
    this.#mailbox = null
    for (const gathering of this.#gatherings.values()) gathering.enough(0)
    await (await mailbox?.catch(() => null))?.close() // one that could not be opened was reported to who asked
  }

  /** It listens before the question leaves: kombu drops an answer that nobody is there for. */
  async #open(): Promise<void> {
    this.#mailbox ??= this.#parts.broker.mailbox(REPLY_EXCHANGE, this.#oid, (raw) => this.#hear(raw))
    try {
      await this.#mailbox
    } catch (error) {
      this.#mailbox = null
      throw error
    }
  }

  /** How many heard it; null: the broker can't tell. */
  async #send(request: ControlRequest, expires: number): Promise<number | null> {
    const raw = encodeControl(request, { clock: this.#lamport.tick(), expires })
    const { listeners } = await this.#parts.broker.broadcast({ exchange: CONTROL_EXCHANGE, routingKey: '', raw })
    return listeners
  }

  #hear(raw: Buffer): void {
    const decoded = decodeReply(raw)
    if (!decoded.ok) {
      this.#parts.log.warning('an answer that cannot be read was ignored', { why: decoded.why })
      return
    }
    const { ticket, clock, values } = decoded.reply
    this.#lamport.adjust(clock)
    const gathering = this.#gatherings.get(ticket) // none: it came too late
    for (const [node, value] of Object.entries(values)) gathering?.hear(node, value)
  }
}

/** The answers to one question. */
class Gathering {
  readonly #clock: Clock
  readonly #onReply: ((reply: Reply) => void) | undefined
  readonly #since: number
  readonly #replies: Reply[] = []
  #enough = MOST_REPLIES
  #news = new AbortController()

  constructor(clock: Clock, onReply: ((reply: Reply) => void) | undefined) {
    this.#clock = clock
    this.#onReply = onReply
    this.#since = clock.monotonic()
  }

  /** No more than `count` are expected. */
  enough(count: number): void {
    this.#enough = Math.min(this.#enough, count)
    this.#news.abort()
  }

  hear(node: string, value: unknown): void {
    if (this.#isOver) return
    const reply = { node, value, after: this.#clock.monotonic() - this.#since }
    this.#replies.push(reply)
    this.#onReply?.(reply)
    this.#news.abort()
  }

  /** Resolves when there are enough, or none came for `timeout` seconds. */
  async quiet(timeout: number, signal: AbortSignal | undefined): Promise<Replies> {
    while (!this.#isOver && signal?.aborted !== true) {
      this.#news = new AbortController()
      const { signal: news } = this.#news
      await this.#clock.sleep(timeout, signal === undefined ? news : AbortSignal.any([news, signal]))
      if (!news.aborted) break
    }
    return this.#replies
  }

  get #isOver(): boolean {
    return this.#replies.length >= this.#enough
  }
}
