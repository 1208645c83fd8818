/** The settings about tasks that are more than a word or a number: queues, routes, rate limits, annotations. */

import { queueNameProblem } from '../protocol/queue-name.js'
import { fine, flag, isObject, type Kind, list, mismatch, oneOf, optional, type Read, span, structured, whole } from './kinds.js'
import { fields, record } from './objects.js'

/** From 0, the highest, to 9; RabbitMQ's queues may have up to 255. */
export const priority = () => whole(0, 255)

export function queueName(): Kind<string> {
  const expected = 'the name of a queue'
  const read = (given: unknown): Read<string> => {
    const why = typeof given === 'string' ? queueNameProblem(given) : ''
    if (typeof given === 'string' && why === null) return fine(given)
    return mismatch(why === '' || why === `is no name of a queue` ? expected : `${expected} (this one ${why})`, given)
  }
  return { expected, read, readText: read }
}

export interface QueueSetting {
  readonly name: string
}

/** `mail`, `{ name: mail }`, or Celery's mapping `{ mail: {} }` of all of them. */
export function queues(): Kind<readonly QueueSetting[], readonly (string | QueueSetting)[] | string> {
  const known = fields('a queue such as { name: mail }', { name: queueName() })
  const item: Kind<QueueSetting, string | QueueSetting> = {
    expected: "a queue: its name, or an object such as { name: 'mail' }",
    read(given) {
      const read = typeof given === 'string' ? known.read({ name: given }) : known.read(given)
      if (!read.ok) return read
      return read.value.name === undefined ? mismatch(this.expected, given) : fine({ name: read.value.name })
    },
    readText(given) {
      return this.read(given)
    },
  }
  const all = list(item, "queues such as ['celery', 'mail']")
  return {
    expected: all.expected,
    readText: (given) => all.readText(given),
    read: (given) =>
      all.read(isObject(given) ? Object.entries(given).map(([name, more]) => (isObject(more) ? { ...more, name } : more)) : given),
  }
}

/** Where a task goes. What a route leaves open, the task and then the defaults decide. */
export interface Route {
  readonly queue?: string
  readonly priority?: number
}

/** Task name, or a glob (`*`, `?`), to its route. An exact name wins; then the globs, in the order they are written. */
export type RouteMap = Readonly<Record<string, Route>>

/** Only from code: null or undefined passes the task on to the next router. A string is the name of a queue. */
export type RouteFunction = (
  task: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
) => Route | string | null | undefined

/** Asked in order; the first that knows the task decides. */
export type Router = RouteMap | RouteFunction

export type RouterGiven = Readonly<Record<string, Route | string>> | RouteFunction | readonly [string, Route | string]

/** An object, a function, or a list of them; a list may also hold Celery's pairs `[pattern, route]`. */
export function routes(): Kind<readonly Router[], RouterGiven | readonly RouterGiven[]> {
  const expected = "routes such as { 'mail.*': { queue: 'mail' } }"
  const known = fields("a route such as { queue: 'mail', priority: 3 }, or the name of a queue", {
    queue: queueName(),
    priority: priority(),
  })
  const route: Kind<Route> = { ...known, read: (given) => known.read(typeof given === 'string' ? { queue: given } : given) }
  const map = record(expected, route)

  const router = (given: unknown): Read<Router> => {
    if (typeof given === 'function') return fine(given as RouteFunction)
    const isPair = Array.isArray(given) && given.length === 2 && typeof given[0] === 'string'
    return map.read(isPair ? { [given[0] as string]: given[1] as unknown } : given)
  }
  return structured(expected, (given): Read<readonly Router[]> => {
    if (!Array.isArray(given)) return one(router(given))
    const routers: Router[] = []
    for (const [index, item] of given.entries()) {
      const read = router(item)
      if (!read.ok) return { ...read, at: `[${index}]${read.at}` }
      routers.push(read.value)
    }
    return fine(routers)
  })
}

const one = (read: Read<Router>): Read<readonly Router[]> => (read.ok ? fine([read.value]) : read)

/** `10/s`, `60/m`, `100/h`; a plain number is per second, 0 is no limit. Kept as text: `10/s`. */
export function rateLimit(): Kind<string, string | number> {
  const expected = "a rate such as '10/s', '60/m' or '100/h'"
  const read = (given: unknown): Read<string> => {
    const written = typeof given === 'number' ? String(given) : given
    if (typeof written !== 'string') return mismatch(expected, given)
    const match = /^\s*(\d{1,9}(?:\.\d{1,6})?)\s*(?:\/\s*([smh]))?\s*$/.exec(written)
    return match === null ? mismatch(expected, given) : fine(`${match[1]}/${match[2] ?? 's'}`)
  }
  return { expected, read, readText: read }
}

/** `late`: after the task; `early`: before it. Celery's `task_acks_late` says it as true and false. */
export function acks(): Kind<'late' | 'early', 'late' | 'early' | boolean> {
  const { expected, read, readText } = oneOf(['late', 'early'], { true: 'late', '1': 'late', false: 'early', '0': 'early' })
  return { expected, readText, read: (given) => read(typeof given === 'boolean' ? String(given) : given) }
}

/** Options of single tasks, by task name; `*` is every task. They win over what the task's own definition says. */
export function annotations() {
  const options = fields(
    'options of a task',
    {
      rateLimit: optional(rateLimit()),
      timeLimit: optional(span()),
      softTimeLimit: optional(span()),
      maxRetries: optional(whole(0)),
      defaultRetryDelay: span(),
      acks: acks(),
      ignoreResult: flag(),
      trackStarted: flag(),
    },
    { acksLate: 'acks', acks_late: 'acks', track_started: 'trackStarted' },
  )
  return record("options by task name, such as { 'mail.send': { rateLimit: '60/m' } }", options)
}

/** What `taskAnnotations` may say of one task. */
export type TaskAnnotation = (ReturnType<typeof annotations> extends Kind<infer T, infer _> ? T : never)[string]
