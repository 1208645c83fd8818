/** Sends calls: each becomes a message where it is called, and leaves with the batch of its turn. */
import type { Outgoing } from '../broker/broker.js'
import type { SentEvents } from '../events/sent-events.js'
import type { TaskCall } from '../protocol/message.js'
import { currentRequest } from './current.js'
import type { MessageBuilder, SendRequest } from './message-builder.js'
import type { PublishBatch } from './publish-batch.js'

export interface Sent {
  readonly id: string
  /** Nothing will be stored under its id. */
  readonly ignoresResult: boolean
}

export class Producer {
  readonly #builder: MessageBuilder
  readonly #batch: PublishBatch
  readonly #events: SentEvents | null

  /** @param events null: nobody is to be told what was sent */
  constructor(builder: MessageBuilder, batch: PublishBatch, events: SentEvents | null) {
    this.#builder = builder
    this.#batch = batch
    this.#events = events
  }

  /**
   * All in one round trip, all or nothing; resolves when they are stored. What a running handler sends becomes its children.
   *
   * @param sentFrom JSON text of the header `sent_from`
   * @throws         E_ARGUMENTS, E_ENCODE; see `PublishBatch.add` for the broker's
   */
  async send(requests: readonly SendRequest[], sentFrom: string | undefined): Promise<readonly Sent[]> {
    const parent = currentRequest.getStore()
    const outgoing: Outgoing[] = []
    const sent: Sent[] = []
    const calls: TaskCall[] = []
    for (const request of requests) {
      const built = this.#builder.build(request, sentFrom, parent)
      outgoing.push(requests.length === 1 ? built.outgoing : inBytes(built.outgoing))
      sent.push({ id: built.id, ignoresResult: built.ignoresResult })
      if (this.#events?.isOn) calls.push(built.call)
    }
    const [first] = sent
    if (first === undefined) return []
    const name = `${requests[0]?.task}[${first.id}]`
    await this.#batch.add(outgoing, sent.length === 1 ? `task ${name}` : `${sent.length} tasks, ${name} the first,`)
    for (const { id } of sent) parent?.children.push(id)
    for (const call of calls) this.#events?.sent(call)
    return sent
  }
}

/**
 * Text that was put together stays in its pieces until it is read, and of a whole batch the collector has to carry all of them: that was
 * half the time of a bulk send. An envelope is ASCII.
 */
function inBytes(outgoing: Outgoing): Outgoing {
  return typeof outgoing.raw === 'string' ? { ...outgoing, raw: Buffer.from(outgoing.raw, 'latin1') } : outgoing
}
