/** The log lines of a task's life: one when it ends, more at level debug. */
import type { Delivery } from '../broker/broker.js'
import { reason } from '../errors.js'
import type { Log } from '../log.js'
import { repr } from '../protocol/python-repr.js'
import type { Finished } from './outcome.js'
import type { Accepted } from './request.js'
import type { Run } from './run.js'

/** What a handler gets to heed its signal, in milliseconds, before it is named. */
const HEEDING_MS = 250

/** Longest value shown, in characters. */
const SHOWN = 200

export function reportStart(log: Log, run: Run): void {
  if (log.enabled('debug')) log.debug(`Task ${run.task}[${run.id}] started`, named(run))
}

/** @param now the broker's wall clock, milliseconds */
export function reportOutcome(log: Log, run: Run, { outcome, runtime }: Finished, now: () => number): void {
  // Nothing is put into words that nobody will read: at level warning a success costs nothing here.
  if (outcome.kind === 'success' && !log.enabled('info')) return
  const task = `Task ${run.task}[${run.id}]`
  switch (outcome.kind) {
    case 'success':
      log.info(`${task} succeeded in ${runtime.toFixed(3)}s: ${shown(outcome.value)}`, { ...named(run), runtime })
      return
    case 'failure':
      if (outcome.expected) log.info(`${task} raised expected: ${described(outcome.error)}`, { ...named(run), runtime })
      else log.error(`${task} raised unexpected: ${described(outcome.error)}`, { ...named(run), runtime, error: outcome.error })
      return
    case 'retry': {
      const wait = Math.max(0, (outcome.due - now()) / 1000)
      const why = outcome.cause === undefined ? '' : `: ${described(outcome.cause)}`
      log.info(`${task} retry: Retry in ${wait.toFixed(1)}s${why}`, { ...named(run), retries: run.request.message.retries + 1 })
      return
    }
    case 'ignore':
      log.info(`${task} ignored`, named(run))
      return
    case 'reject':
      log.warning(`${task} rejected${outcome.requeue ? ', back to its queue' : ''}: ${outcome.reason}`, named(run))
      return
    case 'terminated':
      log.warning(`${task} terminated after ${runtime.toFixed(3)}s`, { ...named(run), runtime })
      return
  }
}

export function reportRefusal(log: Log, { lane: { queue } }: Delivery, refused: Exclude<Accepted, { readonly kind: 'run' }>): void {
  switch (refused.kind) {
    case 'park':
      if (log.enabled('debug')) log.debug(`not due before ${new Date(refused.due).toISOString()}: kept at the broker`, { queue })
      return
    case 'unreadable':
      log.error(`unreadable message to the dead letters: ${refused.bad.code}: ${refused.bad.detail}`, { queue, id: refused.bad.id })
      return
    case 'unregistered':
      log.error(`no task ${refused.message.task} is registered: message to the dead letters`, { queue, id: refused.message.id })
      return
    case 'unsupported':
      log.error(`this worker does not run ${refused.what} yet: message to the dead letters`, { queue, id: refused.message.id })
      return
    case 'revoked':
      log.info(`Discarding ${refused.why} task: ${refused.message.task}[${refused.message.id}]`, { queue, id: refused.message.id })
      return
  }
}

/**
 * The outcome is decided before the handler has ended. One that does not heed its signal is named, for JavaScript can't end it, and named
 * again when it ends.
 * @param after   such as `its time limit of 2s`
 * @param handler settles when it does
 */
export function reportOverrun(log: Log, run: Run, after: string, handler: Promise<unknown>): void {
  const task = `Task ${run.task}[${run.id}]`
  let isNamed = false
  const timer = setTimeout(() => {
    isNamed = true
    log.warning(`${task} goes on after ${after}: what it returns will be refused`, named(run))
  }, HEEDING_MS)
  timer.unref()
  const ended = () => {
    clearTimeout(timer)
    if (isNamed) log.warning(`${task} ended after ${after}: its result is refused`, named(run))
  }
  handler.then(ended, ended)
}

/** The fields that say which run a line is about. */
export function named(run: Run): { readonly task: string; readonly id: string; readonly queue: string } {
  return { task: run.task, id: run.id, queue: run.request.delivery.lane.queue }
}

function shown(value: unknown): string {
  try {
    const text = repr(value)
    return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text
  } catch {
    return 'a value that cannot be shown' // a getter of its own threw
  }
}

function described(error: unknown): string {
  try {
    const name = error instanceof Error ? `${error.name}: ` : ''
    return `${name}${reason(error)}`
  } catch {
    return reason(error) // its `name` threw, or is no text
  }
}
