/** Outcomes over a store that keeps nothing: what would be written is what a settlement holds. */
import type { Outgoing } from '../../src/broker/broker.js'
import type { PreparedWrite } from '../../src/prepared-write.js'
import { createEncoder, type TaskMessage } from '../../src/protocol/message.js'
import type { Signature } from '../../src/protocol/signature.js'
import type { EncodedResult, ResultStore } from '../../src/results/store.js'
import { Outcomes, type OutcomesOptions } from '../../src/worker/settlement.js'
import type { Settling } from '../../src/worker/settler.js'
import { aLog, type Line, read } from '../app/an-app.js'
import { NOW } from './a-request.js'

const encoder = createEncoder({ origin: 'gen1@kuma', replyTo: 'reply', markers: true, now: () => NOW })

function storeOf(stored: string | null): ResultStore {
  const store: Pick<ResultStore, 'server' | 'prepare' | 'get'> = {
    server: 'here',
    prepare: (result: EncodedResult): PreparedWrite => ({ kind: 'sql', sql: result.json, values: [] }),
    get: async (ids) => ids.map(() => stored),
  }
  return store as ResultStore
}

export interface OutcomesChoice extends Partial<OutcomesOptions> {
  /** The broker is the store's server. */
  readonly joined?: boolean
  /** What is stored of every task. */
  readonly stored?: string
  /** No store at all. */
  readonly without?: boolean
}

export function someOutcomes({ joined = false, without = false, stored, ...options }: OutcomesChoice = {}): {
  readonly outcomes: Outcomes
  readonly lines: readonly Line[]
} {
  let sent = 0
  const { log, lines } = aLog()
  const outcomes = new Outcomes(
    {
      store: without ? null : storeOf(stored ?? null),
      brokerServer: joined ? 'here' : 'there',
      encoder,
      log,
      now: () => NOW,
      follow: ({ task, args, options: wire, immutable }, first, { rootId, id }) => {
        if (task === 'kuma.broken') throw new TypeError('cannot be sent')
        const followId = typeof wire['task_id'] === 'string' ? wire['task_id'] : `follow-${++sent}`
        const raw = encoder.encode({
          id: followId,
          task,
          args: immutable ? args : [...first, ...args],
          queue: 'celery',
          rootId,
          parentId: id,
          chain: wire['chain'] as readonly Signature[] | undefined,
        })
        return { id: followId, message: { queue: 'celery', priority: 0, raw } }
      },
    },
    { node: 'celery@kuma', resultTtl: 86_400, resultExtended: false, storeErrorsEvenIfIgnored: false, markers: true, ...options },
  )
  return { outcomes, lines }
}

/** The messages that a settlement sends. */
export function sentBy({ settlement: { publish = [] } }: Settling): readonly TaskMessage[] {
  return (publish as readonly Outgoing[]).map(({ raw }) => read(Buffer.from(raw as string)))
}

export function aSignature(task: string, args: readonly unknown[] = [], options: Signature['options'] = {}): Signature {
  return { task, args, kwargs: {}, options, subtask_type: null, immutable: false }
}
