/**
 * A process that serves ends when it is told to, with the code that says how. Code of a task that ends it (`process.exit`) must not look like that
 * to whoever watches it: then the exit code is 70, whatever it wanted, and the log says who it was and what ran.
 */
import { currentRequest } from '../app/current.js'
import { EXIT } from '../errors.js'
import type { Log } from '../log.js'
import { openTwin } from './thread-log.js'

export interface Running {
  readonly task: string
  readonly id: string
}

/** Tasks that are named in one line. */
const MAX_NAMED = 10

/**
 * @param running what runs at that moment
 * @returns       ends it: who ends the process from then on says with which code
 */
export async function guardExit(log: Log, running: () => readonly Running[]): Promise<() => void> {
  // Written at once, whatever has become of `process.stderr`: nothing else happens in this process any more.
  const last = log.twin === undefined ? log : await openTwin(log.twin.options)
  const ending = (code: number) => {
    process.exitCode = EXIT.internal
    if (code === EXIT.internal) return // who ends it so has said why
    const caller = currentRequest.getStore()
    const tasks = running().filter(({ id }) => id !== caller?.id)
    const whose = caller === undefined ? 'outside any task' : `in task ${caller.task}[${caller.id}]`
    const others = tasks.length === 0 ? '' : `, and with it ${list(tasks)}`
    last.critical(`process.exit(${code}) ${whose} ends this process${others}`, { others: tasks.length })
  }
  process.on('exit', ending)
  return () => process.off('exit', ending)
}

function list(tasks: readonly Running[]): string {
  const named = tasks.slice(0, MAX_NAMED).map(({ task, id }) => `${task}[${id}]`)
  return tasks.length > MAX_NAMED ? `${named.join(', ')} and ${tasks.length - MAX_NAMED} more` : named.join(', ')
}
