/** What `tasks top` shows: events as they come, queues and workers asked for each second. */
import type { Broker, QueueCounts } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import { type KnownNode, knownWorkers } from '../control/known-workers.js'
import { reason } from '../errors.js'
import { type Cluster, emptyCluster, isAlive, reduce } from '../events/cluster.js'
import { openReceiver } from '../events/receiver.js'
import type { Log } from '../log.js'
import type { ClusterEvent } from '../protocol/event.js'
import type { Lamport } from '../protocol/lamport.js'
import { isFinal } from '../protocol/result.js'
import type { TopData, TopTask, TopWorker } from '../terminal/views/top/data.js'
import { TaskRate } from './task-rate.js'

export interface TopFeedParts {
  readonly broker: Broker
  readonly lamport: Lamport
  readonly clock: Clock
  readonly log: Log
  /** The queues to show, as they are now. */
  readonly queues: () => Promise<readonly string[]>
}

export interface TopFeed {
  /** Grows whenever something may have changed. */
  readonly version: number
  data(): TopData
  close(): Promise<void>
}

/** Seconds between two looks at queues and workers. */
const POLL = 1
/** Seconds for which a worker may run tasks and tell nothing of it: its heartbeat may be quicker than its events. */
const PATIENCE = 5

/** Resolves when it listens and has looked at queues and workers once. @throws what the broker says to that */
export async function openTopFeed(parts: TopFeedParts): Promise<TopFeed> {
  const feed = new Feed(parts)
  await feed.open()
  return feed
}

class Feed implements TopFeed {
  version = 0
  readonly #parts: TopFeedParts
  readonly #cluster: Cluster = emptyCluster()
  readonly #rate = new TaskRate()
  readonly #silence = new Silence()
  readonly #stop = new AbortController()
  #queues: readonly QueueCounts[] = []
  #known: readonly KnownNode[] = []
  /** Unix seconds. */
  #knownAt = 0
  #failure: string | null = null
  #polling: Promise<void> = Promise.resolve()
  #close: () => Promise<void> = () => Promise.resolve()

  constructor(parts: TopFeedParts) {
    this.#parts = parts
  }

  async open(): Promise<void> {
    const receiver = await openReceiver(this.#parts, { hear: (events) => this.#hear(events) })
    this.#close = () => receiver.close()
    try {
      await this.#look()
    } catch (error) {
      await receiver.close()
      throw error
    }
    this.#polling = this.#poll()
  }

  data(): TopData {
    const now = this.#now
    const workers = this.#workers(now)
    const silent = this.#silence.of(this.#cluster, now, PATIENCE)
    const events = silent === 0 ? null : `${silent === 1 ? 'A worker sends' : `${silent} workers send`} no task events: e makes them`
    return {
      now,
      tasks: this.#tasks(),
      workers,
      queues: this.#queues,
      rate: this.#rate.perSecond(now),
      trouble: this.#failure === null ? events : `No news from the broker: ${this.#failure}`,
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#polling
    await this.#close()
  }

  get #now(): number {
    return this.#parts.clock.now() / 1000
  }

  #hear(events: readonly ClusterEvent[]): void {
    const now = this.#now
    for (const event of events) {
      const before = event.uuid === undefined ? undefined : this.#cluster.tasks.get(event.uuid)?.state
      reduce(this.#cluster, event, now)
      if (event.uuid === undefined) continue
      this.#silence.heard(event.hostname, now)
      if (!isFinal(before ?? '') && isFinal(this.#cluster.tasks.get(event.uuid)?.state ?? '')) this.#rate.count(now)
    }
    this.version++
  }

  /** Never rejects: a broker that is away is said, and asked again. */
  async #poll(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await this.#parts.clock.sleep(POLL, signal)
      if (signal.aborted) return
      try {
        await this.#look()
        this.#failure = null
      } catch (error) {
        this.#failure = reason(error)
      }
      this.version++
    }
  }

  async #look(): Promise<void> {
    const { broker, queues } = this.#parts
    const [counts, known] = await Promise.all([queues().then((names) => broker.queues.counts(names)), knownWorkers(broker)])
    this.#queues = counts
    this.#known = known
    this.#knownAt = this.#now
  }

  /** Those of the events, and those that a worker says it runs: they may have begun before anybody listened. */
  #tasks(): readonly TopTask[] {
    const tasks: TopTask[] = [...this.#cluster.tasks.values()]
    for (const { node, state, isAlive } of this.#known) {
      if (!isAlive || state === null) continue
      for (const { id, name, since } of state.active) if (!this.#cluster.tasks.has(id)) tasks.push(running(id, name, since, node))
    }
    return tasks
  }

  #workers(now: number): readonly TopWorker[] {
    const byNode = new Map<string, TopWorker>()
    for (const record of this.#cluster.workers.values()) byNode.set(record.node, { ...record, isAlive: isAlive(record, now), queues: [] })
    for (const known of this.#known) {
      const heard = this.#cluster.workers.get(known.node)
      const saidAt = known.age === null ? 0 : this.#knownAt - known.age
      const hasGone = heard?.isOffline === true && heard.heartbeatAt >= saidAt
      byNode.set(known.node, workerOf(known, byNode.get(known.node), known.isAlive && !hasGone, saidAt))
    }
    return [...byNode.values()]
  }
}

function workerOf(known: KnownNode, heard: TopWorker | undefined, isHere: boolean, saidAt: number): TopWorker {
  const { node, queues, state } = known
  return {
    node,
    queues,
    isAlive: isHere || heard?.isAlive === true,
    heartbeatAt: heard?.heartbeatAt ?? (saidAt > 0 ? saidAt : null),
    active: heard?.active ?? state?.active.length ?? null,
    processed: heard?.processed ?? state?.processed ?? null,
    loadavg: heard?.loadavg ?? null,
    pid: heard?.pid ?? state?.pid ?? null,
    software: heard?.software ?? (state === null ? null : `celerity ${state.version}`),
  }
}

/** All that is known of a task by what its worker left at the broker. */
function running(id: string, name: string, since: number, worker: string): TopTask {
  return {
    id,
    worker,
    name: name === '' ? null : name,
    state: 'STARTED',
    startedAt: since,
    stateAt: since,
    queue: null,
    args: null,
    kwargs: null,
    result: null,
    exception: null,
    traceback: null,
    runtime: null,
    retries: 0,
    eta: null,
    expires: null,
    rootId: null,
    parentId: null,
    sentFrom: null,
    sentAt: null,
    receivedAt: null,
    endedAt: null,
    clock: 0,
    tries: [],
  }
}

/** Workers that run tasks and send no events of them: task events are off unless somebody asks. */
class Silence {
  /** Unix seconds of the last task event, by node. */
  readonly #heard = new Map<string, number>()
  /** What a worker had processed when it was first seen, or last sent an event. */
  readonly #since = new Map<string, { readonly processed: number; readonly at: number }>()

  heard(node: string, now: number): void {
    this.#heard.set(node, now)
    this.#since.delete(node)
  }

  of(cluster: Cluster, now: number, patience: number): number {
    for (const node of [...this.#since.keys(), ...this.#heard.keys()]) if (!cluster.workers.has(node)) this.#forget(node)
    return [...cluster.workers.values()].filter((worker) => {
      if (!isAlive(worker, now) || worker.processed === null || this.#heard.has(worker.node)) return false
      const since = this.#since.get(worker.node) ?? { processed: worker.processed, at: now }
      this.#since.set(worker.node, since)
      const works = (worker.active ?? 0) > 0 || worker.processed > since.processed
      return works && now - since.at > patience
    }).length
  }

  #forget(node: string): void {
    this.#since.delete(node)
    this.#heard.delete(node)
  }
}
