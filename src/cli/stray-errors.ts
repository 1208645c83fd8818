/**
 * Errors that nobody waits for: a promise a handler forgot, a throw from its timer. One task's slip must not take the others down, so it is
 * logged with the task it belongs to, and the worker goes on.
 */
import { currentRequest } from '../app/current.js'
import { reason } from '../errors.js'
import type { Log } from '../log.js'

/** Returns a function that ends it. */
export function catchStrayErrors(log: Log): () => void {
  const note = (what: string) => (error: unknown) => {
    const task = currentRequest.getStore()
    const whose = task === undefined ? 'outside any task' : `in task ${task.task}[${task.id}]`
    const fields = task === undefined ? { error } : { error, task: task.task, id: task.id }
    log.error(`${what} ${whose}: ${reason(error)}`, fields)
  }
  const rejected = note('unhandled rejection')
  const thrown = note('uncaught error')
  process.on('unhandledRejection', rejected)
  process.on('uncaughtException', thrown)
  return () => {
    process.off('unhandledRejection', rejected)
    process.off('uncaughtException', thrown)
  }
}
