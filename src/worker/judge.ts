/**
 * What becomes of a message that was found with a dead worker. Which message was to blame is known in two steps. Who was found so once is told
 * of before it runs again (records.ts), so the second time it is known whether it ran; then it runs alone (solitude.ts), and a worker
 * that vanishes all the same leaves no doubt. Nobody is blamed where the worker is seen to live: it was frozen, or cut off.
 */
import type { Delivery, Fate, Judge, Orphan } from '../broker/broker.js'
import { orphanKey } from '../broker/orphan.js'
import { celeryError, type WireError } from '../protocol/error-wire.js'
import { decodeMessage, markRedelivered, type TaskMessage } from '../protocol/message.js'
import type { LateOutcomes } from './late-outcomes.js'
import { isRunningHere } from './process-mark.js'
import type { Outcomes } from './settlement.js'

/** Workers lost within 72 h, the last of them while the message ran, from which on it is a suspect. */
const SUSPECT_LIMIT = 2
/** What never ran, but was merely there so often, is condemned all the same: nothing may loop for ever. */
const BYSTANDER_LIMIT = 30

/**
 * @param late   takes what the broker can't write itself (a store on another server); the caller stores it after `tend`, and tends again
 * @param failed hears which tasks have failed by that; the caller tells of them after `tend`
 * @param lives  whether that process is known to live
 */
export function createJudge(
  outcomes: Outcomes,
  late: LateOutcomes,
  failed: (message: TaskMessage, error: WireError) => void = () => {},
  lives: (process: string | null) => boolean = isRunningHere,
): Judge {
  return (orphan) => {
    const isDead = !lives(orphan.process)
    const detail = orphan.early
      ? `${orphan.node} was lost while it ran; acks: 'early' means it is not run again`
      : isDead
        ? charge(orphan)
        : null
    if (detail === null) {
      const isSuspect = isDead && orphan.suspect && orphan.deliveries >= SUSPECT_LIMIT
      return { fate: { kind: 'requeue', to: isSuspect ? 'suspects' : 'front', raw: markRedelivered(orphan.raw) } }
    }

    const fate: Fate = orphan.early ? { kind: 'ack' } : { kind: 'dead', reason: 'delivery-limit', detail }
    const decoded = decodeMessage(orphan.raw)
    if (!decoded.ok) return { fate }
    const error = celeryError('WorkerLostError', [detail])
    const ending = late.ending(`${orphanKey(orphan.raw)} ${fate.kind}`, outcomes.lost(deliveryOf(orphan), decoded.message, error, fate))
    if (ending === 'later') return ending
    if (ending.isOwn) failed(decoded.message, error)
    return ending.verdict
  }
}

/** Which lane held it is the broker's business: the outcome is of its bytes. */
function deliveryOf({ raw, queue }: Orphan): Delivery {
  return { lane: { name: '', seq: 0, queue, size: 1 }, position: 0, raw }
}

/** What it is condemned for, if it is. */
function charge({ alone, suspect, deliveries }: Orphan): string | null {
  if (alone && suspect) return `its worker was lost ${deliveries} times with it, the last time while it ran alone`
  return deliveries >= BYSTANDER_LIMIT ? `its worker was lost ${deliveries} times with it` : null
}
