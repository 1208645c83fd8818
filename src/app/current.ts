/** Which request runs here: what a handler sends becomes its child, whatever it awaited in between. */
import { AsyncLocalStorage } from 'node:async_hooks'

export interface CurrentRequest {
  readonly id: string
  readonly rootId: string
  readonly task: string
  /** Ids of what was sent meanwhile, in order; the producer adds, the worker stores them with the result. */
  readonly children: string[]
}

const KEY = Symbol.for('celerity.current-request')

/**
 * The worker runs a handler inside `currentRequest.run(request, …)`; the producer asks `getStore()`. One per process, also when the
 * package is loaded twice (a task module through a TypeScript loader, the command compiled): the worker's copy must be the producer's.
 */
export const currentRequest: AsyncLocalStorage<CurrentRequest> = onePerProcess()

function onePerProcess(): AsyncLocalStorage<CurrentRequest> {
  const host: { [KEY]?: AsyncLocalStorage<CurrentRequest> } & object = globalThis
  if (host[KEY] === undefined) Object.defineProperty(host, KEY, { value: new AsyncLocalStorage<CurrentRequest>() })
  return host[KEY]!
}
