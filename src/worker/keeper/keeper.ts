/**
 * Keeps what must go on whatever user code does: the lease is renewed, remote control answered and heartbeats sent by a thread with a
 * connection of its own. A handler that blocks the event loop for ten leases is therefore not run twice, and the worker can still be asked
 * what it is doing. One that blocks it beyond its time limit is settled from there, and the process ends.
 */
import type { Broker } from '../../broker/broker.js'
import type { Log } from '../../log.js'
import type { Lamport } from '../../protocol/lamport.js'
import type { Board } from './board.js'
import type { HandedOver } from './handed-over.js'
import { localKeeper } from './local-keeper.js'
import type { Panel, RemoteControl } from './panel-port.js'
import { threadKeeper } from './thread-keeper.js'

export interface KeeperOptions {
  readonly incarnation: string
  readonly node: string
  readonly leaseMs: number
  readonly remoteControl: RemoteControl
  /** Seconds between two heartbeats. */
  readonly heartbeat: number
  /** Seconds that a task without a time limit of its own may block the event loop; 0: for ever. */
  readonly blockedLimit: number
  /** What a task is settled with whose handler never lets go of the event loop. */
  readonly handedOver: HandedOver
  /** How the thread reaches the broker. */
  readonly brokerUrl: string
  readonly keyPrefix: string
  readonly deadlineMs: number
}

export interface KeeperParts {
  readonly broker: Broker
  readonly board: Board
  readonly lamport: Lamport
  readonly log: Log
  /** Answers control requests on the main thread. */
  readonly panel: Panel
  /** The broker says this incarnation was fenced. */
  lost(): void
  /** What the broker says this worker holds, with each renewal: names of lanes. */
  lanes(names: readonly string[]): void
  /** What a heartbeat has learnt: how many readers of the journal are registered. */
  readers(count: number): void
  /** Remote control is heard from now on; at once where it is off. */
  listening(): void
}

export interface Keeper {
  /** Whether the last renewal came through. */
  readonly renewing: boolean
  /**
   * What the keeper answers while the event loop is blocked, and notes at the broker: answers of `inspect` by wire method (`stats`,
   * `registered`, `active_queues`, `conf`, `report` …), and the queues consumed. Told at the start, and again when they change.
   */
  state(answers: Readonly<Record<string, unknown>>, queues: readonly string[]): void
  /** Sends a heartbeat now. */
  heartbeat(): void
  /**
   * Resolves when the broker has been told of all that is on the board now, a round trip later; also when it will not be told any more: the
   * lease is lost, or the keeper closed.
   */
  announce(): Promise<void>
  /**
   * Gives back what this worker holds, says good-bye and ends, while the calling thread stands still: no task goes on here that is already
   * given to others. To be called when there is nothing more to be done but to end the process. Absent where the keeper is no thread.
   *
   * @param ms  to stand still at most
   * @returns   whether it was given back by then
   */
  giveBack?(ms: number): boolean
  close(): Promise<void>
}

export function startKeeper(options: KeeperOptions, parts: KeeperParts): Keeper {
  return parts.broker.can.shared ? threadKeeper(options, parts) : localKeeper(options, parts)
}
