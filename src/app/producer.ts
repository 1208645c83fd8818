/** Sends calls: each becomes a message where it is called, and leaves with the batch of its turn. */
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

  constructor(builder: MessageBuilder, batch: PublishBatch) {
    this.#builder = builder
    this.#batch = batch
  }

  /**
   * All in one round trip, all or nothing; resolves when they are stored. What a running handler sends becomes its children.
   *
   * @param sentFrom JSON text of the header `sent_from`
   * @throws         E_ARGUMENTS, E_ENCODE; see `PublishBatch.add` for the broker's
   */
  async send(requests: readonly SendRequest[], sentFrom: string | undefined): Promise<readonly Sent[]> {
    const parent = currentRequest.getStore()
    const built = requests.map((request) => this.#builder.build(request, sentFrom, parent))
    const first = built[0]
    if (first === undefined) return []
    const what = built.length === 1 ? `task ${first.task}[${first.id}]` : `${built.length} tasks, ${first.task}[${first.id}] the first,`
    await this.#batch.add(
      built.map((one) => one.outgoing),
      what,
    )
    for (const { id } of built) parent?.children.push(id)
    return built
  }
}
