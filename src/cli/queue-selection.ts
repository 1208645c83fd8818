/** Which queues a command is about: the ones that are named, else all that the broker or the settings know. */
import type { Celerity } from '../app/celerity.js'
import { queuesOf } from '../app/queues.js'
import type { Broker } from '../broker/broker.js'
import type { Settings } from '../config/schema.js'
import { nearest } from '../config/spelling.js'
import { CelerityError } from '../errors.js'

export interface Chosen {
  readonly queues?: readonly string[] | undefined
  readonly 'exclude-queues'?: readonly string[] | undefined
}

/** Sorted. @throws E_NOT_FOUND for a queue to be left out that is not there: a slip would hit the wrong ones */
export async function selectQueues(broker: Broker, app: Celerity, settings: Settings, chosen: Chosen): Promise<readonly string[]> {
  const known = new Set([...(await broker.queues.names()), ...queuesOf(app.registry, settings)])
  const excluded = chosen['exclude-queues'] ?? []
  for (const queue of excluded) {
    if (known.has(queue) || chosen.queues?.includes(queue)) continue
    const meant = nearest(queue, [...known])
    throw new CelerityError('E_NOT_FOUND', {
      message: `There is no queue ${queue} to leave out`,
      hint: meant === null ? '`tasks queues` lists them.' : `Did you mean ${meant}?`,
    })
  }
  return [...(chosen.queues ?? known)].filter((queue) => !excluded.includes(queue)).sort()
}
