/** Dead letters as the commands show them and find them. */
import type { Broker, DeadLetter } from '../broker/broker.js'
import { CelerityError } from '../errors.js'
import { decodeMessage } from '../protocol/message.js'

export interface Letter {
  readonly id: string
  readonly queue: string
  readonly reason: string
  readonly detail: string
  /** ISO 8601. */
  readonly when: string
  readonly worker: string
  readonly deliveries: number
  /** As far as the message can be read. */
  readonly task: string | null
  readonly taskId: string | null
}

/** Dead letters read in one go. */
const PAGE = 500
/** Fewer letters of an id tell nothing, and none at all would fit whatever is there. */
const LEAST = 4
/** Of a random id the first letters tell it; `12` and `123` are two numbers. */
const RANDOM_LENGTH = 32

export function describeLetter(letter: DeadLetter): Letter {
  const { id, queue, reason, detail, when, node, deliveries, raw } = letter
  const decoded = decodeMessage(raw)
  const { task, id: taskId } = decoded.ok ? decoded.message : decoded.bad
  return { id, queue, reason, detail, when: new Date(when).toISOString(), worker: node, deliveries, task, taskId }
}

/** All of a queue, newest first. */
export async function* lettersOf(broker: Broker, queue: string): AsyncGenerator<DeadLetter> {
  for (let offset = 0; ; offset += PAGE) {
    const page = await broker.queues.dead(queue, offset, PAGE)
    yield* page
    if (page.length < PAGE) return
  }
}

/**
 * The dead letters with these ids; the first letters of an id do, when they are enough to tell it.
 * @throws E_NOT_FOUND for an id that is not there, E_ARGUMENTS for one that fits several
 */
export async function findLetters(broker: Broker, queues: readonly string[], ids: readonly string[]): Promise<readonly DeadLetter[]> {
  const found = new Map<string, DeadLetter>()
  for (const queue of queues) {
    for await (const letter of lettersOf(broker, queue)) {
      for (const id of ids) {
        // The task's id is what a person has in the log.
        if (!fits(letter.id, id) && describeLetter(letter).taskId !== id) continue
        const other = found.get(id)
        if (other !== undefined && other.id !== letter.id && letter.id !== id) {
          throw new CelerityError('E_ARGUMENTS', { message: `${id} fits several dead letters`, hint: 'Give more of the id.' })
        }
        found.set(id, letter)
      }
    }
  }
  const missing = ids.find((id) => !found.has(id))
  if (missing !== undefined) {
    const hint = `\`tasks dead list\` lists them; ${LEAST} letters of a long id are enough.`
    throw new CelerityError('E_NOT_FOUND', { message: `There is no dead letter ${missing}`.trimEnd(), hint })
  }
  return [...found.values()]
}

const fits = (id: string, typed: string) => id === typed || (id.length >= RANDOM_LENGTH && typed.length >= LEAST && id.startsWith(typed))
