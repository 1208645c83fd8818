/** What the main thread and the keeper's thread say to each other. */
import type { LogTwin } from '../../log.js'
import type { KeeperOptions } from './keeper.js'
import type { KeepingOptions } from './keeping.js'
import type { Answer, KnownState, MainThread } from './main-thread.js'

/** What the thread is started with. */
export interface KeeperData extends KeepingOptions, Pick<KeeperOptions, 'blockedLimit' | 'handedOver'> {
  readonly leaseMs: number
  /** How it reaches the broker. */
  readonly brokerUrl: string
  readonly keyPrefix: string
  readonly deadlineMs: number
  /** How it writes to the log while the main thread is blocked; null: not at all. */
  readonly log: LogTwin | null
  readonly board: SharedArrayBuffer
  readonly lamport: SharedArrayBuffer
  /** Where it notes that it stands still (still.ts). */
  readonly still: SharedArrayBuffer
}

/** From the keeper. */
export type KeeperWord =
  | { readonly kind: 'lost' }
  /** `isWritten`: the log has it. */
  | { readonly kind: 'said'; readonly what: Parameters<MainThread['say']>[0]; readonly text: string; readonly isWritten: boolean }
  | { readonly kind: 'lanes'; readonly names: readonly string[] }
  /** All has been settled or given back; the process must end, and could not be ended from outside. */
  | { readonly kind: 'over' }
  | { readonly kind: 'readers'; readonly count: number }
  | { readonly kind: 'listening' }
  | { readonly kind: 'announced'; readonly number: number }
  | { readonly kind: 'ask'; readonly number: number; readonly method: string; readonly args: Readonly<Record<string, unknown>> }

/** To the keeper. */
export type MainWord =
  | { readonly kind: 'end' }
  /** Whatever it does: it is to stand still until it is ended. */
  | { readonly kind: 'still' }
  /** To give back what is held, and to end; `done` hears when: one of `LEAVING`. */
  | { readonly kind: 'leave'; readonly done: SharedArrayBuffer }
  | { readonly kind: 'answer'; readonly number: number; readonly answer: Answer }
  | { readonly kind: 'state'; readonly state: KnownState }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'announce'; readonly number: number }

/** What `done` holds, an `Int32`, in the end. */
export const LEAVING = { underWay: 0, givenBack: 1, failed: 2 } as const
