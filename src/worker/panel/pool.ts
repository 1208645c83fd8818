/** How many tasks run at once, and whether the worker goes on at all. */
import { type Command, type Commands, ok, refused } from './command.js'
import { PythonError } from './python-error.js'

/** As the setting `workerConcurrency`. */
const MAX_CONCURRENCY = 10_000

const grow: Command = {
  optional: ['n'],
  others: true,
  run({ worker, log }, args) {
    if (worker.bounds !== null) return scalesItself('pool_grow')
    const concurrency = worker.concurrency + count(args.optionalWhole('n'))
    if (concurrency > MAX_CONCURRENCY) throw new PythonError('ValueError', `Can't grow pool beyond ${MAX_CONCURRENCY}.`)
    worker.resize(concurrency)
    log.info(`pool grows: ${concurrency} tasks at once`)
    return ok('pool will grow')
  },
}

/** What runs is left to end: a slot fewer is used then. */
const shrink: Command = {
  optional: ['n'],
  others: true,
  run({ worker, log }, args) {
    if (worker.bounds !== null) return scalesItself('pool_shrink')
    const concurrency = worker.concurrency - count(args.optionalWhole('n'))
    if (concurrency < 1) throw new PythonError('ValueError', "Can't shrink pool. One task at least must be able to run.")
    worker.resize(concurrency)
    log.info(`pool shrinks: ${concurrency} tasks at once`)
    return ok('pool will shrink')
  },
}

const autoscale: Command = {
  optional: ['max', 'min'],
  run({ worker }, args) {
    if (worker.bounds === null) throw new PythonError('ValueError', 'Autoscale not enabled')
    const max = args.optionalWhole('max') ?? worker.bounds.max
    const min = args.optionalWhole('min') ?? Math.min(worker.bounds.min, max)
    if (min < 1 || max < min || max > MAX_CONCURRENCY)
      throw new PythonError('ValueError', `1 <= min <= max <= ${MAX_CONCURRENCY} must hold, not max=${max} min=${min}`)
    worker.rescale({ max, min })
    return ok(`autoscale now max=${max} min=${min}`)
  },
}

/** Everything is taken up anew but the code: modules can't be loaded a second time. */
const restart: Command = {
  optional: ['modules', 'reload', 'reloader'],
  others: true,
  run({ worker, settings, log }, args) {
    if (!settings.workerPoolRestarts) throw new PythonError('ValueError', 'Pool restarts not enabled')
    if (args.flag('modules') || args.flag('reload')) log.warning('pool_restart: no code is loaded again; start the process anew for that')
    worker.startAnew()
    return ok('reload started')
  },
}

/** Not replied to, as by Celery. */
const shutdown: Command = {
  optional: ['msg'],
  others: true,
  run({ worker, log }, args) {
    log.warning(args.optionalText('msg') ?? 'Got shutdown from remote')
    worker.stop()
  },
}

export const poolCommands: Commands = { pool_grow: grow, pool_shrink: shrink, autoscale, pool_restart: restart, shutdown }

function count(given: number | null): number {
  if (given !== null && given < 0) throw new PythonError('ValueError', 'n must not be negative')
  return given ?? 1
}

const scalesItself = (method: string) => refused(`${method} is not supported with autoscale. Adjust autoscale range instead.`)
