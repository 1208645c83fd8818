/** Asks everybody who may know of a task. Who can't be asked is named, and the others tell what they know. */
import type { Broker } from '../../broker/broker.js'
import { reason } from '../../errors.js'
import type { TaskRecord } from '../../events/cluster.js'
import { decodeResult, stateOf, type TaskResult } from '../../protocol/result.js'
import type { ResultTuple } from '../../protocol/result-tuple.js'
import type { ResultStore } from '../../results/store.js'
import { type Kin, type TaskStory, tellStory } from './task-story.js'
import { findMessage, type Whereabouts } from './whereabouts.js'

/** What a monitor has captured. */
export interface Snapshots {
  task(id: string): Promise<TaskRecord | null>
  /** Those that it sent while it ran. */
  childrenOf(id: string): Promise<readonly TaskRecord[]>
}

export interface Witnesses {
  readonly broker: () => Promise<Broker>
  readonly queues: (broker: Broker) => Promise<readonly string[]>
  /** Null: no results are kept. */
  readonly results: () => Promise<ResultStore | null>
  /** Null: there is no monitor's database. */
  readonly snapshots: () => Promise<Snapshots | null>
  /** Hears of a witness who could not be asked. */
  readonly absent: (who: string, why: string) => void
}

/** Generations below it that are told, and how many of each: a story is read by a person. */
const GENERATIONS = 4
const CHILDREN = 50

export async function gatherStory(id: string, witnesses: Witnesses): Promise<TaskStory | null> {
  const { broker, queues, absent } = witnesses
  const [whereabouts, results, snapshots] = await Promise.all([
    ask<Whereabouts | null>('the broker', null, absent, async () => {
      const open = await broker()
      return findMessage(open, await queues(open), id)
    }),
    ask('the result store', null, absent, witnesses.results),
    ask("the monitor's database", null, absent, witnesses.snapshots),
  ])
  const family = new Family(results, snapshots, absent)
  const { result, snapshot } = await family.member(id)
  const children = await family.below(id, { result, snapshot }, GENERATIONS)
  return tellStory(id, { result, snapshot, whereabouts, children })
}

interface Member {
  readonly result: TaskResult | null
  readonly snapshot: TaskRecord | null
}

class Family {
  readonly #results: ResultStore | null
  readonly #snapshots: Snapshots | null
  readonly #absent: Witnesses['absent']
  /** A task that names itself below itself is told once. */
  readonly #told = new Set<string>()

  constructor(results: ResultStore | null, snapshots: Snapshots | null, absent: Witnesses['absent']) {
    this.#results = results
    this.#snapshots = snapshots
    this.#absent = absent
  }

  async member(id: string): Promise<Member> {
    const [result, snapshot] = await Promise.all([
      ask<TaskResult | null>('the result store', null, this.#absent, () => this.#result(id)),
      ask<TaskRecord | null>("the monitor's database", null, this.#absent, async () => (await this.#snapshots?.task(id)) ?? null),
    ])
    return { result, snapshot }
  }

  async below(id: string, { result }: Member, generations: number): Promise<readonly Kin[]> {
    this.#told.add(id)
    if (generations === 0) return []
    const captured = await ask<readonly TaskRecord[]>("the monitor's database", [], this.#absent, async () => {
      return (await this.#snapshots?.childrenOf(id)) ?? []
    })
    const ids = new Set([...idsOf(result?.children ?? []), ...captured.map((child) => child.id)])
    const kin: Kin[] = []
    for (const child of [...ids].filter((one) => !this.#told.has(one)).slice(0, CHILDREN)) {
      const member = await this.member(child)
      const state = member.result === null ? (member.snapshot?.state ?? 'PENDING') : stateOf(member.result.outcome)
      const name = member.snapshot?.name ?? member.result?.extended?.name ?? null
      kin.push({ id: child, name, state, children: await this.below(child, member, generations - 1) })
    }
    return kin
  }

  async #result(id: string): Promise<TaskResult | null> {
    const [json = null] = (await this.#results?.get([id])) ?? []
    if (json === null) return null
    const decoded = decodeResult(json)
    if (decoded.ok) return decoded.result
    this.#absent('the result store', `what it has of ${id} can't be read: ${decoded.reason}`)
    return null
  }
}

/** Of a group, its members. */
function idsOf(tuples: readonly ResultTuple[]): string[] {
  return tuples.flatMap(({ id, members }) => (members === null ? [id] : idsOf(members)))
}

async function ask<T>(who: string, without: T, absent: Witnesses['absent'], question: () => Promise<T>): Promise<T> {
  try {
    return await question()
  } catch (error) {
    absent(who, reason(error))
    return without
  }
}
