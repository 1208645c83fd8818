/** A task run where it is called, through the very bytes a broker would have kept: what works here works in a worker. */
import { CelerityError } from '../errors.js'
import { fromWireError } from '../protocol/error-wire.js'
import { decodeResult, stateOf, type TaskResult } from '../protocol/result.js'
import type { Built } from './message-builder.js'

/** The worker's whole path for one message, retries included, with no broker: from its bytes to the JSON of its result. */
export type RunInProcess = (raw: Buffer) => Promise<string>

export interface EagerRun {
  readonly result: TaskResult
  readonly json: string
}

/**
 * @param propagate throw the task's failure here (`taskEagerPropagates`)
 * @throws          RemoteTaskError; whatever the runner throws when the fault is not the task's
 */
export async function runEagerly({ task, id, outgoing }: Built, run: RunInProcess, propagate: boolean): Promise<EagerRun> {
  const json = await run(Buffer.from(outgoing.raw as string))
  const decoded = decodeResult(json)
  if (!decoded.ok) {
    throw new CelerityError('E_RESULT_UNREADABLE', { message: `the result of ${task}[${id}] cannot be read: ${decoded.reason}` })
  }
  const { outcome } = decoded.result
  if (propagate && outcome.kind === 'error') throw fromWireError(outcome.error)
  return { result: decoded.result, json }
}

export function eagerResult({ result, json }: EagerRun, ttl: number) {
  return { id: result.id, state: stateOf(result.outcome), json, ttl }
}
