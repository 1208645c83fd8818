import { GivenFields } from './given-fields.js'
import type { EntryOptions } from './schedule-entry.js'

const KNOWN = ['queue', 'priority', 'expires', 'headers', 'timeLimit', 'softTimeLimit', 'ignoreResult', 'shadow', 'compression']

/** Options of Celery's `apply_async` that people bring along and that change nothing here: see `celery-only.ts` of the settings. */
const PASSED_OVER = ['exchange', 'exchangeType', 'deliveryMode', 'retry', 'retryPolicy', 'serializer', 'taskId']

/**
 * The options of an entry, in our spelling or Celery's. `routing_key` is the queue where no queue is named, as on a direct exchange.
 *
 * @throws ScheduleFault
 */
export function readOptions(given: unknown, path: string): EntryOptions {
  const fields = new GivenFields(given, path, "options such as { queue: 'mail' }")
  const routingKey = fields.text('routingKey')
  for (const key of ['eta', 'countdown']) {
    if (fields.take(key) !== undefined) fields.refuse(key, 'the schedule says when it runs; to spread entries out, use jitter')
  }
  if (typeof fields.take('expires') === 'object') {
    fields.refuse('expires', 'expected a span: it counts from each time the entry is due; `expiry` of the entry ends it for good')
  }
  const options: { readonly [K in keyof EntryOptions]: EntryOptions[K] | undefined } = {
    queue: fields.text('queue') ?? routingKey,
    priority: fields.whole('priority', 0, 255),
    expires: fields.span('expires', 0.001),
    headers: fields.object('headers'),
    timeLimit: fields.span('timeLimit', 0.001),
    softTimeLimit: fields.span('softTimeLimit', 0.001),
    ignoreResult: fields.flag('ignoreResult'),
    shadow: fields.text('shadow'),
    compression: fields.oneOf('compression', ['zlib', 'gzip', 'brotli']),
  }
  fields.drop(PASSED_OVER)
  fields.end(KNOWN)
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
