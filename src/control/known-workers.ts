/** What the broker knows of our workers, whether they answer or not: the registry, and the word each leaves of itself every few seconds. */
import type { Broker, KnownWorker } from '../broker/broker.js'
import { isObject } from '../protocol/fields.js'
import { parseJson } from '../protocol/json.js'
import type { ActiveTask, WorkerState } from './worker-state.js'

export interface KnownNode {
  readonly node: string
  /** Its lease has not run out. */
  readonly isAlive: boolean
  readonly queues: readonly string[]
  /** Seconds since its last word; null: it has left none that can be read. */
  readonly age: number | null
  readonly state: WorkerState | null
}

/** Sorted by name. Of several that are called the same: the one that is alive, then the one with the newest word. */
export async function knownWorkers(broker: Broker): Promise<readonly KnownNode[]> {
  const byName = new Map<string, KnownNode>()
  for (const worker of await broker.workers()) {
    const known = readWorker(worker)
    const other = byName.get(known.node)
    if (other === undefined || isBetter(known, other)) byName.set(known.node, known)
  }
  return [...byName.values()].sort((a, b) => (a.node < b.node ? -1 : 1))
}

function readWorker({ node, isAlive, queues, state, stateAge }: KnownWorker): KnownNode {
  const read = state === null ? null : readWorkerState(state)
  const consumed = read === null || read.queues.length === 0 ? queues : read.queues // its first word comes before it knows
  return { node, isAlive, queues: consumed, age: read === null || stateAge === null ? null : stateAge / 1000, state: read }
}

function isBetter(one: KnownNode, other: KnownNode): boolean {
  if (one.isAlive !== other.isAlive) return one.isAlive
  return (one.age ?? Number.POSITIVE_INFINITY) < (other.age ?? Number.POSITIVE_INFINITY)
}

/** Null for what is no word of a worker of ours; a field that is not as it should be counts as none. */
export function readWorkerState(json: string): WorkerState | null {
  const value = parseOrNull(json)
  if (!isObject(value) || typeof value['node'] !== 'string') return null
  return {
    node: value['node'],
    pid: numberOf(value['pid']),
    version: textOf(value['version']),
    started: numberOf(value['started']),
    concurrency: numberOf(value['concurrency']),
    queues: listOf(value['queues']).filter((queue) => typeof queue === 'string'),
    active: listOf(value['active']).flatMap(activeTask),
    processed: numberOf(value['processed']),
    blockedMs: numberOf(value['blockedMs']),
    answers: isObject(value['answers']) ? value['answers'] : {},
  }
}

function activeTask(value: unknown): readonly ActiveTask[] {
  if (!isObject(value) || typeof value['id'] !== 'string') return []
  return [{ id: value['id'], name: textOf(value['name']), since: numberOf(value['since']) }]
}

const numberOf = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0)
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function parseOrNull(json: string): unknown {
  try {
    return parseJson(json)
  } catch {
    return null // cut off, or somebody else's
  }
}
