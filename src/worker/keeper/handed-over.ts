/**
 * What the keeper's thread needs to settle a task as the worker itself would: plain data, since neither the application nor its functions get
 * from one thread to another.
 */
import { hostname } from 'node:os'
import { MessageBuilder, type SendingPolicy } from '../../app/message-builder.js'
import type { Registry } from '../../app/registry.js'
import { type Clock, systemClock } from '../../clock.js'
import type { Settings } from '../../config/schema.js'
import type { RouteMap } from '../../config/task-kinds.js'
import type { Log } from '../../log.js'
import type { ResultStore } from '../../results/store.js'
import { createOutcomes } from '../create-outcomes.js'
import type { Outcomes } from '../settlement.js'

type SettledBy = Pick<
  Settings,
  | 'resultBackend'
  | 'resultBackendTransportOptions'
  | 'resultExpires'
  | 'resultExtended'
  | 'taskStoreErrorsEvenIfIgnored'
  | 'jsonTypeMarkers'
  | 'taskDefaultQueue'
  | 'taskDefaultPriority'
  | 'taskCompression'
  | 'acceptContent'
  | 'messageMaxBytes'
>

export interface HandedOver extends SettledBy {
  /** Routes that are functions are left out: an errback that only they would route goes to the default queue. */
  readonly taskRoutes: readonly RouteMap[]
  /** By task. */
  readonly policies: Readonly<Record<string, SendingPolicy>>
}

export function handOver(settings: Settings, registry: Registry): HandedOver {
  const policies = registry.names().map((name): [string, SendingPolicy] => {
    const { queue = null, priority = null, expires = null, ignoreResult = false, compression = null } = registry.get(name)?.policy ?? {}
    return [name, { queue, priority, expires, ignoreResult, compression }]
  })
  return {
    resultBackend: settings.resultBackend,
    resultBackendTransportOptions: settings.resultBackendTransportOptions,
    resultExpires: settings.resultExpires,
    resultExtended: settings.resultExtended,
    taskStoreErrorsEvenIfIgnored: settings.taskStoreErrorsEvenIfIgnored,
    jsonTypeMarkers: settings.jsonTypeMarkers,
    taskDefaultQueue: settings.taskDefaultQueue,
    taskDefaultPriority: settings.taskDefaultPriority,
    taskCompression: settings.taskCompression,
    acceptContent: settings.acceptContent,
    messageMaxBytes: settings.messageMaxBytes,
    taskRoutes: settings.taskRoutes.filter((router) => typeof router !== 'function'),
    policies: Object.fromEntries(policies),
  }
}

export interface OutcomesThere {
  readonly store: ResultStore | null
  /** `BrokerAbilities.server`. */
  readonly brokerServer: string
  readonly node: string
  readonly log: Log
}

/** The worker's `Outcomes`, made of what was handed over. */
export function outcomesOf(settings: HandedOver, { log, ...where }: OutcomesThere, clock: Clock = systemClock): Outcomes {
  const policies = new Map(Object.entries(settings.policies))
  const registry = {
    get(task: string) {
      const policy = policies.get(task)
      return policy && { policy }
    },
  }
  const builder = new MessageBuilder({ registry, settings, clock, origin: `gen${process.pid}@${hostname()}` })
  return createOutcomes({ settings, builder, clock, log }, where)
}
