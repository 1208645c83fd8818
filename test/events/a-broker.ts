/** The part of a broker that events need, with an audience as the test wants it. */
import type { Broadcast, Heard } from '../../src/broker/broker.js'
import { type ClusterEvent, decodeEvents } from '../../src/protocol/event.js'

export class FakeBroker {
  /** What was broadcast, in order. */
  readonly messages: Broadcast[] = []
  /** Whom the next message reaches; an error: it is away. */
  audience: Heard | Error = { listeners: 1, readers: 0 }
  #holding: (() => void)[] | undefined

  readonly broadcast = async (message: Broadcast): Promise<Heard> => {
    if (this.#holding !== undefined) await new Promise<void>((resolve) => this.#holding?.push(resolve))
    if (this.audience instanceof Error) throw this.audience
    this.messages.push(message)
    return this.audience
  }

  /** From now on no broadcast is answered until `release`. */
  hold(): void {
    this.#holding ??= []
  }

  release(): void {
    const held = this.#holding ?? []
    this.#holding = undefined
    for (const resolve of held) resolve()
  }

  get events(): readonly ClusterEvent[] {
    return this.messages.flatMap(({ raw }) => decodeEvents(raw).events)
  }
}
