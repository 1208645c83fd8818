/** A task system that a scenario is played with: ourselves, or another one, so that the same program makes the figures of both. */
import type { Stand } from '../stage/brokers.js'
import type { Final } from '../stage/invariants.js'

/** A call of one of the tasks in stage/app.ts; the other systems have those of the scenarios that are played with them. */
export interface Call {
  readonly id: string
  readonly task: string
  readonly args: readonly unknown[]
  /** The id of a task to be sent when it has succeeded. */
  readonly link?: string
  /** The ids of more, each to be sent when the one before it has succeeded. */
  readonly chain?: readonly string[]
  /** 0 is the highest. */
  readonly priority?: number
  /** Seconds to wait before it may start. */
  readonly countdown?: number
  /** Seconds after which it must not start any more. */
  readonly expires?: number
}

export interface WorkerOptions {
  readonly concurrency?: number
  /** Seconds. */
  readonly lease?: number
  /** More of `tasks worker`'s own flags. */
  readonly flags?: readonly string[]
  /** More of its environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Where it finds the broker, if not where everybody else does: behind a wire. */
  readonly url?: string
  /** What its program is started by: `prlimit` with its own arguments, for one. */
  readonly under?: readonly string[]
}

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

export interface Peer {
  readonly name: string
  worker(name: string, url: string, options: WorkerOptions): Command
  /** What a worker says when it takes tasks. */
  readonly ready: RegExp
  /** Whether the broker knows which workers there are, so that one can wait until it is done with the dead ones. */
  readonly registers: boolean
  /** Seconds in which what a lost worker held must have come back, whatever it is that brings it. */
  readonly patience: number
  /** @param results where they are kept, if not at the broker; only asked of ourselves */
  open(url: string, results?: string): Promise<Client>
  residue(stand: Stand): Promise<readonly string[]>
}

/** Sends, and sees what came of it. */
export interface Client {
  send(call: Call): Promise<void>
  /** Tells each final state as it is stored, where the system can. */
  watch(ids: readonly string[], hear: (id: string, final: Final) => void): Promise<void>
  /** Those of `ids` that have a final state stored. */
  finals(ids: readonly string[]): Promise<ReadonlyMap<string, Final>>
  close(): Promise<void>
}
