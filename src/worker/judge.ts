/** What becomes of a message that was found with a dead worker. */
import type { Judge } from '../broker/broker.js'
import type { PreparedWrite } from '../prepared-write.js'
import { celeryError, type WireError } from '../protocol/error-wire.js'
import { decodeMessage, markRedelivered, type TaskMessage } from '../protocol/message.js'
import type { EncodedResult } from '../results/store.js'
import type { Outcomes } from './settlement.js'

/** A message that was running each time its worker vanished is condemned after this many times within 72 h … */
const SUSPECT_LIMIT = 10
/** … and one that was merely there, after this many: then it is the likelier cause, and nothing may loop for ever. */
const BYSTANDER_LIMIT = 30

/**
 * @param late   takes results that the broker can't write itself (a store on another server); the caller stores them after `tend`
 * @param failed hears which tasks have failed by that; the caller tells of them after `tend`
 */
export function createJudge(
  outcomes: Outcomes,
  late: (result: EncodedResult) => void,
  failed: (message: TaskMessage, error: WireError) => void = () => {},
): Judge {
  return (orphan) => {
    const poison = orphan.deliveries >= (orphan.suspect ? SUSPECT_LIMIT : BYSTANDER_LIMIT)
    if (!orphan.early && !poison) return { fate: { kind: 'requeue', to: 'front', raw: markRedelivered(orphan.raw) } }

    const decoded = decodeMessage(orphan.raw)
    const writes: PreparedWrite[] = []
    const detail = orphan.early
      ? `${orphan.node} was lost while it ran; acks: 'early' means it is not run again`
      : `its worker was lost ${orphan.deliveries} times with it`
    if (decoded.ok) {
      const error = celeryError('WorkerLostError', [detail])
      failed(decoded.message, error)
      for (const result of outcomes.failures(decoded.message, error)) {
        if (outcomes.joined) writes.push(outcomes.prepare(result))
        else late(result)
      }
    }
    if (orphan.early) return { fate: { kind: 'ack' }, writes }
    return { fate: { kind: 'dead', reason: 'delivery-limit', detail }, writes }
  }
}
