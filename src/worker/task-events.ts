/** What a worker tells of its tasks on `celeryev`, in Celery's words. Called only while somebody may listen (`Dispatcher.isOn`). */
import type { Dispatcher } from '../events/dispatcher.js'
import { celeryError, toWireError, type WireError } from '../protocol/error-wire.js'
import { repr } from '../protocol/python-repr.js'
import type { Finished } from './outcome.js'
import type { Accepted } from './request.js'
import type { Run } from './run.js'

/** A message that is not run. One that is kept for later counts as received, as in Celery; one that nobody can read is no task's. */
export function tellRefused(events: Dispatcher, queue: string, refused: Exclude<Accepted, { readonly kind: 'run' }>): void {
  switch (refused.kind) {
    case 'park':
      events.received(refused.message, queue)
      return
    case 'unreadable':
      return
    case 'unregistered':
      events.failed(refused.message.id, exception(celeryError('NotRegistered', [refused.message.task])), null)
      return
    case 'unsupported':
      events.failed(refused.message.id, exception(celeryError('InvalidTaskError', [`this worker does not run ${refused.what} yet`])), null)
      return
    case 'revoked':
      events.revoked(refused.message.id, { terminated: false, signum: null, expired: refused.why === 'expired' })
      return
  }
}

/** How a run ended; one that was ignored has no more to tell. */
export function tellOutcome(events: Dispatcher, { id }: Run, { outcome, runtime }: Finished): void {
  switch (outcome.kind) {
    case 'success':
      events.succeeded(id, shown(outcome.value), runtime)
      return
    case 'failure': {
      const error = toWireError(outcome.error)
      events.failed(id, exception(error), error.traceback, runtime)
      return
    }
    case 'retry': {
      const error = outcome.cause === undefined ? celeryError('Retry', ['Retry', null, null]) : toWireError(outcome.cause)
      events.retried(id, exception(error), error.traceback ?? '', runtime)
      return
    }
    case 'ignore':
      return
    case 'reject':
      events.rejected(id, outcome.requeue)
      return
    case 'terminated':
      events.revoked(id, { terminated: true, signum: outcome.signal, expired: false })
      return
  }
}

/** It has failed with its worker, and is not run again. */
export function tellLost(events: Dispatcher, id: string, error: WireError): void {
  events.failed(id, exception(error), error.traceback ?? '')
}

/** As Python's repr of the exception: `ValueError('bad')`. */
function exception({ type, message }: WireError): string {
  return `${type}(${message.map(repr).join(', ')})`
}

function shown(value: unknown): string {
  try {
    return repr(value)
  } catch {
    return 'a value that cannot be shown' // a getter of its own threw
  }
}
