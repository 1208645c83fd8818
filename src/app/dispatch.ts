/** Where every call of a task goes: to the broker, or through the worker's path here. */
import { hostname } from 'node:os'
import { CelerityError } from '../errors.js'
import { VERSION } from '../version.js'
import { AsyncResult, type ResultSource } from './async-result.js'
import { CallSites } from './call-site.js'
import { currentRequest } from './current.js'
import { eagerResult, type RunInProcess, runEagerly } from './eager.js'
import type { LazyRuntime } from './lazy-runtime.js'
import type { SendRequest } from './message-builder.js'
import type { Runtime } from './runtime.js'
import type { SentFrom } from './task-context.js'
import type { Caller } from './task-signature.js'

export interface DispatchParts {
  readonly runtime: LazyRuntime
  readonly results: ResultSource
  readonly runInProcess: RunInProcess | undefined
}

export class Dispatch implements Caller {
  readonly #parts: DispatchParts
  #callSites: CallSites | undefined

  constructor(parts: DispatchParts) {
    this.#parts = parts
  }

  async send(requests: readonly SendRequest[], below: CallableFunction): Promise<readonly AsyncResult[]> {
    // The caller is on the stack only now, before anything is awaited; whether it is wanted may not be known yet.
    const wanted = this.#parts.runtime.current?.settings.taskSendOrigin ?? true
    const site = wanted ? this.#sentFrom(below) : undefined
    const runtime = this.#parts.runtime.current ?? (await this.#parts.runtime.get())
    const { taskSendOrigin, taskAlwaysEager, taskStoreEagerResult } = runtime.settings
    const sentFrom = taskSendOrigin ? site : undefined
    if (taskAlwaysEager) {
      const results: AsyncResult[] = [] // one after the other, as their caller would have called them
      for (const request of requests) results.push(await this.#runHere(runtime, request, sentFrom, taskStoreEagerResult))
      return results
    }
    const sent = await runtime.producer.send(requests, sentFrom)
    return sent.map(({ id, ignoresResult }) => new AsyncResult(id, this.#parts.results, ignoresResult ? { ignored: true } : undefined))
  }

  async apply(request: SendRequest, below: CallableFunction): Promise<AsyncResult> {
    const sentFrom = this.#sentFrom(below)
    const runtime = this.#parts.runtime.current ?? (await this.#parts.runtime.get())
    return this.#runHere(runtime, request, runtime.settings.taskSendOrigin ? sentFrom : undefined, false)
  }

  async #runHere(runtime: Runtime, request: SendRequest, sentFrom: string | undefined, store: boolean): Promise<AsyncResult> {
    if (this.#parts.runInProcess === undefined) {
      throw new CelerityError('E_USAGE', {
        message: 'this application cannot run tasks here',
        hint: "Make it by `import { Celerity } from 'celerity'`.",
      })
    }
    const parent = currentRequest.getStore()
    const built = runtime.builder.build(request, sentFrom, parent)
    parent?.children.push(built.id)
    const run = await runEagerly(built, this.#parts.runInProcess, runtime.settings.taskEagerPropagates)
    if (store && !built.ignoresResult) {
      await (await runtime.connections.results()).set([eagerResult(run, runtime.settings.resultExpires)])
    }
    return new AsyncResult(built.id, this.#parts.results, built.ignoresResult ? { ignored: true } : { result: run.result })
  }

  #sentFrom(below: CallableFunction): string {
    this.#callSites ??= new CallSites(process.cwd(), sentFromHeader())
    return this.#callSites.of(below)
  }
}

/** The header's JSON text for a site; what is the same for all of this process is found once. */
function sentFromHeader(): (at: string | null) => string {
  const process_: Omit<SentFrom, 'at'> = { host: hostname(), pid: process.pid, version: VERSION }
  return (at) => ascii(JSON.stringify({ at, ...process_ } satisfies SentFrom))
}

/** Messages are ASCII: the cheapest to read, and what Python sends. */
function ascii(json: string): string {
  return json.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
