/** Where the message of one task is at the broker: waiting, in flight with a worker of ours, or among the dead letters. */
import type { Broker } from '../../broker/broker.js'
import { decodeMessage, type TaskMessage } from '../../protocol/message.js'
import { describeLetter, type Letter, lettersOf } from '../dead-letters.js'

export type Whereabouts =
  /** `ahead`: how many messages of the queue are taken before it, as far as it was looked at. */
  | { readonly kind: 'waiting'; readonly queue: string; readonly ahead: number; readonly message: TaskMessage }
  | {
      readonly kind: 'in flight'
      readonly queue: string
      readonly node: string
      readonly isStarted: boolean
      /** False: the worker has vanished, and the message goes back when its lease has run out. */
      readonly isAlive: boolean
      readonly message: TaskMessage
    }
  | { readonly kind: 'dead'; readonly queue: string; readonly letter: Letter; readonly message: TaskMessage | null }

/** Messages looked at per queue and per worker: beyond it, the answer is "not found among the first …". */
const LOOKED_AT = 1_000

/** The newest dead letters of a queue that are looked at. */
const LETTERS = 5_000

export async function findMessage(broker: Broker, queues: readonly string[], id: string): Promise<Whereabouts | null> {
  return (await inFlight(broker, id)) ?? (await waiting(broker, queues, id)) ?? (await dead(broker, queues, id))
}

async function inFlight(broker: Broker, id: string): Promise<Whereabouts | null> {
  for (const { incarnation, node, isAlive } of await broker.workers()) {
    for (const { raw, queue, isStarted } of await broker.inFlight(incarnation, LOOKED_AT)) {
      const message = messageOf(raw, id)
      if (message !== null) return { kind: 'in flight', queue, node, isStarted, isAlive, message }
    }
  }
  return null
}

async function waiting(broker: Broker, queues: readonly string[], id: string): Promise<Whereabouts | null> {
  for (const queue of queues) {
    for (const [ahead, raw] of (await broker.queues.peek(queue, LOOKED_AT)).entries()) {
      const message = messageOf(raw, id)
      if (message !== null) return { kind: 'waiting', queue, ahead, message }
    }
  }
  return null
}

async function dead(broker: Broker, queues: readonly string[], id: string): Promise<Whereabouts | null> {
  for (const queue of queues) {
    let seen = 0
    for await (const letter of lettersOf(broker, queue)) {
      if (++seen > LETTERS) break
      if (!letter.raw.includes(id)) continue
      const described = describeLetter(letter)
      if (described.taskId === id) return { kind: 'dead', queue, letter: described, message: messageOf(letter.raw, id) }
    }
  }
  return null
}

/** Decoding is only worth it for bytes that have the id somewhere: in the headers, which are plain text. */
function messageOf(raw: Buffer, id: string): TaskMessage | null {
  if (!raw.includes(id)) return null
  const decoded = decodeMessage(raw)
  return decoded.ok && decoded.message.id === id ? decoded.message : null
}
