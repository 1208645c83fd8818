/** Which queues a command is about: the ones that are named, else all that the broker or the settings know. */
import type { Celerity } from '../app/celerity.js'
import { queuesOf } from '../app/queues.js'
import type { Broker } from '../broker/broker.js'
import type { Settings } from '../config/schema.js'
import { nearest } from '../config/spelling.js'
import { CelerityError } from '../errors.js'
import { queueNameProblem } from '../protocol/queue-name.js'

export interface Chosen {
  readonly queues?: readonly string[] | undefined
  readonly 'exclude-queues'?: readonly string[] | undefined
}

/**
 * Sorted, each once.
 *
 * @throws E_USAGE for what is no name of a queue. E_NOT_FOUND for a queue, named or to be left out, that neither the application nor the broker knows: a slip must neither
 *         look like an empty queue nor hit the wrong ones
 */
export async function selectQueues(broker: Broker, app: Celerity, settings: Settings, chosen: Chosen): Promise<readonly string[]> {
  const known = new Set([...(await broker.queues.names()), ...queuesOf(app.registry, settings)])
  const named = namesOf(chosen.queues)
  const excluded = namesOf(chosen['exclude-queues']) ?? []
  const strange = [...(named ?? []), ...excluded].filter((queue) => !known.has(queue))
  for (const queue of await empty(broker, strange)) throw noSuchQueue(queue, known)
  return [...(named ?? known)].filter((queue) => !excluded.includes(queue)).sort()
}

/** Names as they were typed between commas; undefined: none were asked for. @throws E_USAGE when nothing but commas was typed, or no name of a queue */
export function namesOf(typed: readonly string[] | undefined): readonly string[] | undefined {
  if (typed === undefined) return undefined
  const names = new Set(typed.map((name) => name.trim()).filter((name) => name !== ''))
  for (const name of names) {
    const why = queueNameProblem(name)
    if (why !== null) throw new CelerityError('E_USAGE', { message: `${name} ${why}` })
  }
  if (names.size > 0) return [...names]
  throw new CelerityError('E_USAGE', { message: 'A list of queues is empty', hint: 'Give names with commas between: -Q mail,celery.' })
}

/** For each queue that the application does not know, a sentence. Others may send to it all the same: a hint, and no error. */
export function strangers(app: Celerity, settings: Settings, queues: readonly string[]): readonly string[] {
  const known = queuesOf(app.registry, settings)
  return queues
    .filter((queue) => !known.includes(queue))
    .map((queue) => {
      const meant = nearest(queue, known)
      return `the application does not know the queue ${queue}${meant === null ? '' : `; did you mean ${meant}?`}`
    })
}

/** A queue that only a Python producer ever named is not in the broker's list, but holds something. */
async function empty(broker: Broker, queues: readonly string[]): Promise<readonly string[]> {
  if (queues.length === 0) return []
  const counts = await broker.queues.counts(queues)
  return counts
    .filter(({ ready, delayed, suspects, leased, dead, consumers }) => ready + delayed + suspects + leased + dead + consumers === 0)
    .map(({ queue }) => queue)
}

function noSuchQueue(queue: string, known: ReadonlySet<string>): CelerityError {
  const meant = nearest(queue, known)
  return new CelerityError('E_NOT_FOUND', {
    message: `There is no queue ${queue}`,
    hint: meant === null ? '`tasks queues` lists them.' : `Did you mean ${meant}?`,
  })
}
