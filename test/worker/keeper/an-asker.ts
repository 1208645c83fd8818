/** Somebody who controls workers from afar: asks properly, or sends whatever bytes a test wants. */
import { randomUUID } from 'node:crypto'
import type { Broker, Subscription } from '../../../src/broker/broker.js'
import { CONTROL_EXCHANGE, type ControlRequest, decodeReply, encodeControl, REPLY_EXCHANGE } from '../../../src/protocol/control.js'
import { eventually } from '../../eventually.js'

export interface Heard {
  readonly ticket: string
  readonly clock: number
  readonly values: Readonly<Record<string, unknown>>
  /** Milliseconds after the question. */
  readonly after: number
}

export class Asker {
  readonly heard: Heard[] = []
  readonly #broker: Broker
  readonly #oid = randomUUID()
  readonly #asked = new Map<string, number>()
  #mailbox: Subscription | undefined

  private constructor(broker: Broker) {
    this.#broker = broker
  }

  static async open(broker: Broker): Promise<Asker> {
    const asker = new Asker(broker)
    asker.#mailbox = await broker.mailbox(REPLY_EXCHANGE, asker.#oid, (raw) => asker.#hear(raw))
    return asker
  }

  #hear(raw: Buffer): void {
    const decoded = decodeReply(raw)
    if (!decoded.ok) throw new Error(decoded.why)
    const { ticket } = decoded.reply
    this.heard.push({ ...decoded.reply, after: performance.now() - (this.#asked.get(ticket) ?? Number.NaN) })
  }

  /** The value that the first node answers. */
  async ask(method: string, args: Readonly<Record<string, unknown>> = {}, rest: Partial<ControlRequest> = {}): Promise<unknown> {
    const { values } = await this.hear(method, args, rest)
    return Object.values(values)[0]
  }

  async hear(method: string, args: Readonly<Record<string, unknown>> = {}, rest: Partial<ControlRequest> = {}): Promise<Heard> {
    const ticket = await this.send(method, args, rest)
    return eventually(() => this.heard.find((one) => one.ticket === ticket))
  }

  /** Asks, and waits for nothing; the ticket. */
  async send(method: string, args: Readonly<Record<string, unknown>> = {}, rest: Partial<ControlRequest> = {}): Promise<string> {
    const ticket = randomUUID()
    this.#asked.set(ticket, performance.now())
    await this.raw(
      encodeControl({ method, arguments: args, reply: { ticket, routingKey: this.#oid }, ...rest }, { clock: 100, expires: 0 }),
    )
    return ticket
  }

  async raw(raw: string | Uint8Array): Promise<void> {
    await this.#broker.broadcast({ exchange: CONTROL_EXCHANGE, routingKey: '', raw })
  }

  async close(): Promise<void> {
    await this.#mailbox?.close()
  }
}

/** A request with any body. */
export function carrying(body: unknown): string {
  const envelope = JSON.parse(encodeControl({ method: 'ping', arguments: {} }, { clock: 1, expires: 0 }))
  return JSON.stringify({ ...envelope, body: Buffer.from(JSON.stringify(body)).toString('base64') })
}
