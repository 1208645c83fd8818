/** Small parts for the pure tests: deliveries of real bytes, requests, runs. */
import { defineTask, type Handler, type TaskDefinition } from '../../src/app/task-definition.js'
import type { TaskOptions } from '../../src/app/task-options.js'
import { DEFAULT_POLICY_SETTINGS, taskPolicy } from '../../src/app/task-policy.js'
import type { Delivery } from '../../src/broker/broker.js'
import { createEncoder, DEFAULT_LIMITS, type TaskCall } from '../../src/protocol/message.js'
import { accept, type Intake, type Request } from '../../src/worker/request.js'
import { Run } from '../../src/worker/run.js'

/** Wall-clock milliseconds at which the pure tests take place. */
export const NOW = Date.UTC(2026, 10, 22, 6, 30)

const encoder = createEncoder({ origin: 'gen1@kuma', replyTo: 'reply', markers: true, now: () => NOW })

export function aDefinition(options: TaskOptions = {}, handler: Handler = () => {}): TaskDefinition {
  return defineTask('kuma.add', options, handler, taskPolicy('kuma.add', options, DEFAULT_POLICY_SETTINGS), null)
}

export function aDelivery(raw: Buffer | Partial<TaskCall> = {}): Delivery {
  const bytes = Buffer.isBuffer(raw)
    ? raw
    : Buffer.from(encoder.encode({ id: 'an-id', task: 'kuma.add', args: [1, 2], queue: 'celery', ...raw }))
  return { lane: { name: '1/1', seq: 1, queue: 'celery', size: 1 }, position: 0, raw: bytes }
}

export function anIntake(definition: TaskDefinition = aDefinition(), revoked: readonly string[] = []): Intake {
  return {
    limits: DEFAULT_LIMITS,
    definition: (name) => (name === definition.name ? definition : undefined),
    isRevoked: (id) => revoked.includes(id),
    isStampRevoked: ({ stamps }) => Object.values(stamps).some((stamp: unknown) => revoked.includes(String(stamp))),
  }
}

export function aRequest(call: Partial<TaskCall> = {}, options: TaskOptions = {}): Request {
  const accepted = accept(aDelivery(call), anIntake(aDefinition(options)), NOW)
  if (accepted.kind !== 'run') throw new Error(`not accepted: ${accepted.kind}`)
  return accepted.request
}

export function aRun(call: Partial<TaskCall> = {}, options: TaskOptions = {}): Run {
  return new Run(aRequest(call, options), 0)
}
