/** The results of one application, as its AsyncResults use them. */
import { REVOCATION_TTL } from '../control/revocation.js'
import { CONTROL_EXCHANGE, encodeControl } from '../protocol/control.js'
import type { ResultSource } from './async-result.js'
import { currentRequest } from './current.js'
import type { LazyRuntime } from './lazy-runtime.js'
import { type Listener, ResultFeed } from './result-feed.js'

export class ResultAccess implements ResultSource {
  readonly #runtime: LazyRuntime
  readonly #feed: ResultFeed

  constructor(runtime: LazyRuntime) {
    this.#runtime = runtime
    this.#feed = new ResultFeed(async () => (await runtime.get()).connections.results())
  }

  read(id: string): Promise<string | null> {
    return this.#feed.read(id)
  }

  listen(id: string, listener: Listener): () => void {
    return this.#feed.listen(id, listener)
  }

  async forget(ids: readonly string[]): Promise<void> {
    const { connections } = await this.#runtime.get()
    await (await connections.results()).forget(ids)
  }

  /** Our workers read it at the broker; Python's hear it, now or never, by broadcast. */
  async revoke(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    const { connections } = await this.#runtime.get()
    const broker = await connections.broker()
    await broker.revoke(ids, REVOCATION_TTL)
    const raw = encodeControl(
      { method: 'revoke', arguments: { task_id: ids.length === 1 ? ids[0] : ids, terminate: false, signal: 'SIGTERM' } },
      { clock: 0, expires: 0 },
    )
    await broker.broadcast({ exchange: CONTROL_EXCHANGE, routingKey: '', raw })
  }

  noteWait(id: string): void {
    const request = currentRequest.getStore()
    if (request === undefined) return
    this.#runtime.current?.log.warning('a task waits for another one: when every slot does so, none can run; use link, or a chain', {
      task: request.task,
      id: request.id,
      waits: id,
    })
  }

  close(error: unknown): Promise<void> {
    return this.#feed.close(error)
  }
}
