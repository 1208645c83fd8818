/**
 * Takes requests of remote control and sees that they are answered: by the main thread, or in its place when it can't. Whoever sends them may
 * mean harm, or send them by the thousand: what waits is bounded, and one is read per turn of the event loop, so that renewals come first.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Broadcast, Broker, Subscription } from '../../broker/broker.js'
import { audienceOf } from '../../control/pattern.js'
import { CONTROL_EXCHANGE, type ControlRequest, decodeControl, encodeReplyJson, REPLY_EXCHANGE } from '../../protocol/control.js'
import { CONTROL_METHODS, INSPECT_METHODS } from '../../protocol/control-methods.js'
import type { Lamport } from '../../protocol/lamport.js'
import { repr } from '../../protocol/python-repr.js'
import type { Board } from './board.js'
import { type Answer, failure, type MainThread, SILENT } from './main-thread.js'
import type { RemoteControl } from './panel-port.js'
import { rest } from './rest.js'
import type { StandIn } from './stand-in.js'

export interface DeskParts {
  readonly broker: Broker
  readonly board: Board
  readonly lamport: Lamport
  readonly main: MainThread
  readonly standIn: StandIn
}

/** Requests that wait to be read; what comes beyond is passed over, and counted. */
const MAX_WAITING = 1_000
const MAX_WAITING_BYTES = 8_000_000
/** Requests under way at once; also how many the main thread finds when its loop turns again. */
const MAX_AT_ONCE = 32
/** Milliseconds after which the main thread is looked at instead of waited for. Celery's clients wait for a second. */
const PATIENCE_MS = 300
/** The panel may itself wait for a broker; nobody waits for its answer after that. Milliseconds. */
const MAX_ANSWER_MS = 30_000
/** Milliseconds between two tries to listen, while the broker is away. */
const LISTEN_AGAIN_MS = 1_000

export class ControlDesk {
  readonly #parts: DeskParts
  readonly #node: string
  readonly #control: RemoteControl
  readonly #waiting: Uint8Array[] = []
  #bytes = 0
  #underWay = 0
  #isPumping = false
  #subscription: Subscription | undefined

  constructor(parts: DeskParts, node: string, control: RemoteControl) {
    this.#parts = parts
    this.#node = node
    this.#control = control
  }

  /** Resolves when it listens. A connection that is lost later subscribes again by itself. */
  async open(signal: AbortSignal): Promise<void> {
    if (this.#control === 'off') return this.#parts.main.listening()
    const hear = ({ raw }: Broadcast) => this.#hear(raw)
    while (!signal.aborted && this.#subscription === undefined) {
      try {
        this.#subscription = await this.#parts.broker.subscribe(CONTROL_EXCHANGE, '', hear)
      } catch {
        await rest(LISTEN_AGAIN_MS, signal) // the lease says that the broker is away
      }
    }
    if (signal.aborted) await this.close()
    else this.#parts.main.listening()
  }

  async close(): Promise<void> {
    this.#waiting.length = 0
    await this.#subscription?.close()
  }

  #hear(raw: Uint8Array | string): void {
    const bytes = typeof raw === 'string' ? Buffer.from(raw) : raw
    if (this.#waiting.length >= MAX_WAITING || this.#bytes + bytes.byteLength > MAX_WAITING_BYTES) {
      this.#parts.board.ignore()
      return
    }
    this.#bytes += bytes.byteLength
    this.#waiting.push(bytes)
    void this.#pump()
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return
    this.#isPumping = true
    while (this.#underWay < MAX_AT_ONCE) {
      const raw = this.#waiting.shift()
      if (raw === undefined) break
      this.#bytes -= raw.byteLength
      this.#underWay++
      void this.#serve(raw).finally(() => {
        this.#underWay--
        void this.#pump()
      })
      await nextTurn()
    }
    this.#isPumping = false
  }

  /** One message. Never rejects. */
  async #serve(raw: Uint8Array): Promise<void> {
    const { board, lamport } = this.#parts
    const decoded = decodeControl(raw)
    if (!decoded.ok) return board.ignore()
    const { request } = decoded
    lamport.adjust(request.clock)
    const audience = await audienceOf(request, this.#node)
    if (audience === 'refused') return board.ignore()
    if (audience === 'us') await this.#reply(request, await this.#answer(request))
  }

  async #reply({ reply }: ControlRequest, answer: Answer): Promise<void> {
    if (reply === undefined || answer.kind === 'silent') return
    const { broker, lamport } = this.#parts
    const raw = encodeReplyJson({ ...reply, clock: lamport.tick() }, this.#node, answer.json)
    try {
      await broker.deliver({ exchange: REPLY_EXCHANGE, routingKey: reply.routingKey, raw })
    } catch {
      // Whoever asked has heard nothing, and asks again.
    }
  }

  #answer({ method, arguments: args }: ControlRequest): Promise<Answer> | Answer {
    if (!CONTROL_METHODS.has(method)) {
      this.#parts.board.ignore()
      return failure(`KeyError(${repr(method)})`)
    }
    if (this.#control === 'inspect' && !INSPECT_METHODS.has(method)) {
      return failure(`${method}: this worker answers questions only (workerEnableRemoteControl: inspect)`)
    }
    return this.#ask(method, args)
  }

  async #ask(method: string, args: ControlRequest['arguments']): Promise<Answer> {
    const { board, main, standIn } = this.#parts
    if (board.blockedMs > 0) {
      // Known to be blocked. A question is not left to it; a command is, to be carried out when it turns again.
      if (!INSPECT_METHODS.has(method)) void main.ask(method, args)
      return standIn.answer(method, args)
    }
    const answered = new AbortController()
    const { ticks } = board
    let answer: Answer | undefined
    const asked = main.ask(method, args).then((one) => {
      answer = one
      answered.abort()
    })
    for (let waited = 0; waited < MAX_ANSWER_MS; waited += PATIENCE_MS) {
      await Promise.race([asked, rest(PATIENCE_MS, answered.signal)])
      if (answer !== undefined) return answer
      // The loop turns at least once to read what it was asked.
      if (board.ticks === ticks || board.blockedMs > 0) return standIn.answer(method, args)
    }
    return SILENT
  }
}
