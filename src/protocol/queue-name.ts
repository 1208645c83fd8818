/** Which names a queue can have: on Redis its name is its key, and ours stand beside it (docs/redis.md). The rule holds on all brokers. */
const NAME = /^\S(?:.*\S)?$/

/** What stands at `<queue>.dead` and so on is not a queue, but what belongs to one. */
const BESIDE: readonly (readonly [end: string, what: string])[] = [
  ['.delayed', 'what is kept for later'],
  ['.delayed.raw', 'what is kept for later'],
  ['.suspects', 'what is to be run alone'],
  ['.dead', 'the dead letters'],
]
/** kombu's and our own keys that belong to no queue. */
const ELSEWHERE = /^(celerity:|_kombu\.binding\.|celery-task-meta-|unacked(_index|_mutex)?$)/

/** Why nothing can be sent to a queue of this name, nor taken from it, as the end of a sentence; null: it can. */
export function queueNameProblem(name: string): string | null {
  if (!NAME.test(name)) return 'is no name of a queue'
  if (name.includes('\x06\x16')) return 'is no name of a queue: it holds the separator of priorities'
  for (const [end, what] of BESIDE) {
    const queue = name.slice(0, -end.length)
    if (name.endsWith(end) && queue !== '') return `is no name of a queue: it is where ${what} of the queue ${queue} would be`
  }
  return ELSEWHERE.test(name) ? 'is no name of a queue: keys of that name are kept for other things' : null
}
