/** Which queues an application has: what a worker consumes unless it is told otherwise. */
import type { Settings } from '../config/schema.js'
import type { Registry } from './registry.js'

/**
 * `taskQueues` where it is set; else the default queue and every queue that a task or a route names, so that no task of the application
 * waits in a queue nobody consumes.
 */
export function queuesOf(
  registry: Registry,
  settings: Pick<Settings, 'taskQueues' | 'taskDefaultQueue' | 'taskRoutes'>,
): readonly string[] {
  if (settings.taskQueues.length > 0) return settings.taskQueues.map(({ name }) => name)
  const queues = new Set([settings.taskDefaultQueue])
  for (const { policy } of registry.all()) if (policy.queue !== null) queues.add(policy.queue)
  for (const router of settings.taskRoutes) {
    if (typeof router === 'function') continue // what it answers depends on the call
    for (const route of Object.values(router)) if (route.queue !== undefined) queues.add(route.queue)
  }
  return [...queues]
}
