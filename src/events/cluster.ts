/**
 * The workers and tasks of a cluster as their events tell, with what is known of each in task-record.ts and worker-record.ts. It does no
 * I/O and has no clock; it holds no more than its limits say, whatever comes.
 */
import type { ClusterEvent } from '../protocol/event.js'
import { isFinal } from '../protocol/result.js'
import { isTaskEvent, mergeTask, type TaskEvent, type TaskRecord } from './task-record.js'
import { isWorkerEvent, mergeWorker, type WorkerRecord } from './worker-record.js'

export { joinTasks, mergeTask, recordOf, type TaskEvent, type TaskParts, type TaskRecord } from './task-record.js'
export type { Try } from './task-tries.js'
export { isAlive, type WorkerRecord } from './worker-record.js'

export interface ClusterLimits {
  readonly tasks: number
  readonly workers: number
  /** Seconds after which a task or a worker of which nothing was heard is forgotten. */
  readonly age: number
  /** Text of all tasks together, in characters. */
  readonly characters: number
}

const DEFAULT_LIMITS: ClusterLimits = { tasks: 10_000, workers: 5_000, age: 86_400, characters: 64 * 1024 * 1024 }

/** What is kept of the limits when room is made: to find the first of a map again and again takes time in what was deleted before it. */
const ROOM = 63 / 64
/** Seconds between two looks for what is too old. */
const SWEEP_SECONDS = 1

export interface Cluster {
  /** By id, those first of which nothing was heard for the longest. */
  readonly tasks: ReadonlyMap<string, TaskRecord>
  /** By node name; likewise. */
  readonly workers: ReadonlyMap<string, WorkerRecord>
  readonly counts: ClusterCounts
}

export interface ClusterCounts {
  /** Events that said something of a task or a worker. */
  readonly heard: number
  /** Events of other kinds. */
  readonly ignored: number
  /** Tasks and workers that were forgotten for the limits. */
  readonly forgotten: number
}

export function emptyCluster(limits: Partial<ClusterLimits> = {}): Cluster {
  return new Known({ ...DEFAULT_LIMITS, ...limits })
}

/**
 * What is known with one more event. It is kept in `cluster` itself, which is returned; records are new ones when something changed.
 *
 * @param now unix seconds, by which things become old
 */
export function reduce(cluster: Cluster, event: ClusterEvent, now: number): Cluster {
  if (!(cluster instanceof Known)) throw new TypeError('not made by emptyCluster')
  cluster.add(event, now)
  return cluster
}

class Known implements Cluster {
  readonly tasks = new Map<string, TaskRecord>()
  readonly workers = new Map<string, WorkerRecord>()
  readonly counts = { heard: 0, ignored: 0, forgotten: 0 }
  readonly #limits: ClusterLimits
  /** When each was last heard of. */
  readonly #taskAges = new Map<string, number>()
  readonly #workerAges = new Map<string, number>()
  /** Ids of final tasks, in the order of `tasks`: these go first. */
  readonly #finished = new Set<string>()
  #characters = 0
  #sweptAt = 0

  constructor(limits: ClusterLimits) {
    this.#limits = limits
  }

  add(event: ClusterEvent, now: number): void {
    if (isTaskEvent(event)) this.#addTask(event, now)
    else if (isWorkerEvent(event)) this.#addWorker(event, now)
    else {
      this.counts.ignored++
      return
    }
    this.counts.heard++
  }

  #addTask(event: TaskEvent, now: number): void {
    const id = event.uuid
    const before = this.tasks.get(id)
    const record = mergeTask(before, event)
    if (record !== before) this.#characters += sizeOf(record) - (before === undefined ? 0 : sizeOf(before))
    this.tasks.delete(id) // to the end of the order
    this.tasks.set(id, record)
    this.#taskAges.set(id, now)
    if (isFinal(record.state)) {
      this.#finished.delete(id)
      this.#finished.add(id)
    }
    if (this.#isOver(1)) this.#makeRoom(id)
    if (Math.abs(now - this.#sweptAt) >= SWEEP_SECONDS) this.#sweep(now)
  }

  /** @param part of the limits */
  #isOver(part: number): boolean {
    return this.tasks.size > Math.ceil(this.#limits.tasks * part) || this.#characters > this.#limits.characters * part
  }

  /** Forgets the oldest that are final, else the oldest; not the one just heard of. */
  #makeRoom(heard: string): void {
    for (const ids of [this.#finished, this.tasks.keys()]) {
      for (const id of ids) {
        if (!this.#isOver(ROOM)) return
        if (id !== heard) this.#forgetTask(id)
      }
    }
  }

  #sweep(now: number): void {
    this.#sweptAt = now
    for (const id of this.tasks.keys()) {
      if ((this.#taskAges.get(id) ?? now) >= now - this.#limits.age) return
      this.#forgetTask(id)
    }
  }

  #forgetTask(id: string): void {
    const record = this.tasks.get(id)
    if (record === undefined) return
    this.tasks.delete(id)
    this.#taskAges.delete(id)
    this.#finished.delete(id)
    this.#characters -= sizeOf(record)
    this.counts.forgotten++
  }

  #addWorker(event: ClusterEvent, now: number): void {
    const node = event.hostname
    const record = mergeWorker(this.workers.get(node), event)
    this.workers.delete(node)
    this.workers.set(node, record)
    this.#workerAges.set(node, now)
    const { workers, age } = this.#limits
    for (const oldest of this.workers.keys()) {
      if (this.workers.size <= workers && (this.#workerAges.get(oldest) ?? now) >= now - age) break
      this.workers.delete(oldest)
      this.#workerAges.delete(oldest)
      this.counts.forgotten++
    }
  }
}

/** Characters of a task's texts, and a little for the record itself. */
function sizeOf({ args, kwargs, result, exception, traceback, name, tries, parts: { sent } }: TaskRecord): number {
  let size = 500 + lengthOf(args) + lengthOf(kwargs) + lengthOf(result) + lengthOf(exception) + lengthOf(traceback) + lengthOf(name)
  if (sent !== null) size += lengthOf(sent.args) + lengthOf(sent.kwargs)
  for (const one of tries) size += 100 + lengthOf(one.exception) + lengthOf(one.traceback)
  return size
}

function lengthOf(text: string | null): number {
  return text === null ? 0 : text.length
}
