/** What is known of workers from outside: their registration, their last note, what they hold. */
import { type InFlight, type KnownWorker, NOTE_KEPT_MS } from '../broker.js'
import type { MemoryServer } from './server.js'

export interface Note {
  readonly node: string
  readonly queues: readonly string[]
  readonly state: string
  /** Monotonic millisecond at which it was left. */
  readonly at: number
}

/** A worker that was fenced or has resigned leaves no word any more. */
export function note(server: MemoryServer, incarnation: string, state: string, monotonic: number): void {
  forgetNotes(server, monotonic)
  const worker = server.workers.get(incarnation)
  if (worker?.epoch) server.notes.set(incarnation, { node: worker.registration.node, queues: worker.queues, state, at: monotonic })
}

export function knownWorkers(server: MemoryServer, monotonic: number): readonly KnownWorker[] {
  forgetNotes(server, monotonic)
  const known = new Map<string, KnownWorker>()
  for (const [incarnation, { node, queues, state, at }] of server.notes) {
    known.set(incarnation, { incarnation, node, queues, isAlive: false, state, stateAge: monotonic - at })
  }
  for (const [incarnation, worker] of server.workers) {
    const { node } = worker.registration
    const isAlive = worker.epoch && worker.leaseUntil > monotonic
    known.set(incarnation, { ...(known.get(incarnation) ?? NEVER_NOTED), incarnation, node, queues: worker.queues, isAlive })
  }
  return [...known.values()]
}

function forgetNotes({ notes }: MemoryServer, monotonic: number): void {
  for (const [incarnation, { at }] of notes) if (monotonic - at >= NOTE_KEPT_MS) notes.delete(incarnation)
}

const NEVER_NOTED = { state: null, stateAge: null } as const

export function inFlight(server: MemoryServer, incarnation: string, limit: number): readonly InFlight[] {
  const worker = server.workers.get(incarnation)
  if (worker === undefined) return []
  const found: InFlight[] = []
  for (const { name, queue, held } of worker.lanes.values()) {
    for (const [position, { message }] of held) {
      if (found.length >= limit) return found
      found.push({ lane: name, position, queue, raw: message.raw, isStarted: worker.started.has(`${name}:${position}`) })
    }
  }
  return found
}
