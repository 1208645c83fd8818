/** The context of a bound task that is called as the plain function it is: there is no message, so nothing can be stored or sent again. */
import { randomUUID } from 'node:crypto'
import type { Log } from '../log.js'
import type { TaskContext } from './task-context.js'
import type { TaskDefinition } from './task-definition.js'
import { Retry } from './throwables.js'

export function directContext(definition: TaskDefinition, args: readonly unknown[], log: Log): TaskContext {
  const id = randomUUID()
  return {
    id,
    name: definition.name,
    args,
    kwargs: {},
    retries: 0,
    maxRetries: definition.policy.retry.max,
    queue: null,
    parentId: null,
    rootId: id,
    headers: {},
    sentFrom: null,
    redelivered: false,
    eta: null,
    signal: new AbortController().signal,
    log: log.child({ task: definition.name, id }),
    retry(options = {}) {
      throw options.cause ?? new Retry(options) // as Celery does when a task was called directly
    },
    progress: () => Promise.resolve(),
    updateState: () => Promise.resolve(),
  }
}
