/** The methods of remote control by their wire names, as Celery's panel has them, aliases included. */

/** Methods that only answer. */
export const INSPECT_METHODS: ReadonlySet<string> = new Set([
  ...['ping', 'active', 'dump_active', 'reserved', 'dump_reserved', 'scheduled', 'dump_schedule', 'revoked', 'dump_revoked'],
  ...['registered', 'dump_tasks', 'stats', 'active_queues', 'conf', 'dump_conf', 'query_task', 'clock', 'report', 'hello'],
  ...['memsample', 'memdump', 'objgraph'],
  // Of Celery's control commands these change nothing at a worker: any of them is sent by whoever begins to watch.
  ...['heartbeat', 'election'],
])

/** All of them: those that change something too. */
export const CONTROL_METHODS: ReadonlySet<string> = new Set([
  ...INSPECT_METHODS,
  ...['revoke', 'terminate', 'revoke_by_stamped_headers', 'rate_limit', 'time_limit', 'pool_grow', 'pool_shrink', 'pool_restart'],
  ...['autoscale', 'add_consumer', 'cancel_consumer', 'enable_events', 'disable_events', 'shutdown'],
])
