/** How long the messages of a queue have waited. */
import type { Broker, PriorityStep, QueueCounts } from '../broker/broker.js'
import { decodeMessage } from '../protocol/message.js'

/**
 * Looked at of each priority: what was given back or came due stands before what is older. With that many before it, the age of another one
 * is told too low.
 */
const LOOKED_AT = 16

/**
 * Since when the oldest of the queue's ready messages waits, in milliseconds since 1970: since it was sent, or since it was due. Null when
 * none is ready, or none of them says when it was sent (Python's do not).
 */
export async function oldestWaiting(broker: Broker, { queue, steps }: QueueCounts): Promise<number | null> {
  const heads = steps.flatMap((count, step) => (count > 0 ? [broker.queues.peek(queue, LOOKED_AT, step as PriorityStep)] : []))
  const moments = (await Promise.all(heads)).flat().flatMap((raw) => {
    const decoded = decodeMessage(raw)
    if (!decoded.ok || decoded.message.sentAt === null) return []
    return [Math.max(decoded.message.sentAt, decoded.message.eta ?? 0)]
  })
  return moments.length === 0 ? null : Math.min(...moments)
}
