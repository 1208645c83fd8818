import { snake } from './spelling.js'

/** Settings of Celery that people bring along and that have no counterpart here: why, in a few words. */
const CELERY_ONLY: ReadonlyMap<string, string> = new Map([
  ['task_serializer', 'tasks are always sent as JSON'],
  ['result_serializer', 'results are always stored as JSON'],
  ['event_serializer', 'events are always sent as JSON'],
  ['task_protocol', 'messages are always sent in protocol 2; protocol 1 is understood'],
  ['enable_utc', 'times are always kept in UTC; timezone is that of the schedules'],
  ['visibility_timeout', 'a worker of ours renews its lease, see workerLease; for what Python workers hold, see brokerTransportOptions'],
  ['include', 'see imports'],
  ['broker_connection_retry', 'a lost connection is always built again'],
  ['broker_connection_retry_on_startup', 'a worker always waits for its broker'],
  ['broker_connection_max_retries', 'a lost connection is always built again'],
  ['broker_connection_timeout', 'see brokerDeadline'],
  ['task_create_missing_queues', 'queues need not be declared'],
  [
    'task_reject_on_worker_lost',
    'a task whose worker died runs again, unless its acks are early; one that kills workers ends in the dead letters',
  ],
  ['task_acks_on_failure_or_timeout', 'a failed task is settled with its failure'],
  ['worker_disable_rate_limits', 'leave out the rate limits themselves'],
  ['send_task_error_emails', 'watch the dead letters and failed results instead'],
])

/** Why Celery's setting `key`, in any spelling, does not exist here; null when Celery has none of that name that people bring. */
export function celeryOnly(key: string): string | null {
  const name = /[a-z]/.test(key) ? snake(key) : key.toLowerCase().replace(/^celeryd?_/, '')
  return CELERY_ONLY.get(name) ?? null
}
