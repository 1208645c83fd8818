/** Rate and time limits of tasks, changed until the worker ends. */
import { type RateLimit, rateLimit } from '../../app/rate-limit.js'
import { type Command, type Commands, ok, refused } from './command.js'
import { PythonError } from './python-error.js'

const rate: Command = {
  required: ['task_name', 'rate_limit'],
  others: true,
  run({ registry, settings, worker, log }, args) {
    const given = args.raw('rate_limit')
    const limit = readRate(given, settings.workerRateLimitScope)
    const task = args.text('task_name')
    if (!registry.adjust(task, { rateLimit: limit })) return refused('unknown task')
    worker.changed()
    log.info(limit === null ? `no rate limit for ${task} any more` : `new rate limit for ${task}: ${limit.text}`)
    return ok(given ? 'new rate limit set successfully' : 'rate limit disabled successfully')
  },
}

const time: Command = {
  optional: ['task_name', 'hard', 'soft'],
  others: true,
  run({ registry, worker, log }, args) {
    const task = args.optionalText('task_name') ?? ''
    const timeLimit = args.optionalSpan('hard') || null
    const softTimeLimit = args.optionalSpan('soft') || null
    if (!registry.adjust(task, { timeLimit, softTimeLimit })) return refused('unknown task')
    worker.changed()
    log.info(`new time limits for ${task}`, { soft: softTimeLimit, hard: timeLimit })
    return ok('time limits set successfully')
  },
}

export const limitCommands: Commands = { rate_limit: rate, time_limit: time }

/** As kombu reads it, with its errors: `10/m`, `5`, 0.5; nothing, or 0, is no limit. */
function readRate(given: unknown, scope: RateLimit['scope']): RateLimit | null {
  if (!given) return null
  if (typeof given !== 'string' && typeof given !== 'number') throw new PythonError('TypeError', 'rate_limit must be a str or a number')
  const [count = '', unit] = String(given).split('/', 2)
  if (unit !== undefined && !['', 's', 'm', 'h'].includes(unit)) throw new PythonError('KeyError', unit)
  if (!Number.isFinite(Number(count)) || count.trim() === '')
    throw new PythonError('ValueError', `could not convert string to float: '${count}'`)
  try {
    return rateLimit(given, scope)
  } catch (error) {
    throw new PythonError('ValueError', error instanceof Error ? error.message : String(error))
  }
}
