/**
 * The port of the brokers. A broker keeps task messages until they are settled; what is in flight with a worker lives under one
 * lease for that worker. Adapters: ./redis ./sqlite ./memory. How to add one: README.md beside this file.
 *
 * Words. An *incarnation* is a random id of one run of one worker, never reused. A *take* has a number (`seq`: 1, 2, 3 … per
 * incarnation). A *lane* is what one take took from one source list (a queue and a priority step), in order, immutable. A
 * message in flight is (incarnation, lane, position). Every step below is safe to send twice: the second time changes nothing.
 */
import type { CelerityError } from '../errors.js'
import type { PreparedWrite } from '../prepared-write.js'
import type { DeadReason } from './dead-reason.js'
import type { Journal } from './journal.js'
import type { Queues } from './queues.js'
import type { Schedules } from './schedules.js'

export type { DeadLetter, Purged, QueueCounts, Queues } from './queues.js'

export interface Broker {
  readonly can: BrokerAbilities

  /**
   * Stores all messages or none; resolves when they are stored. Rejects with E_BROKER_UNREACHABLE or E_BROKER_REFUSED: nothing was stored; or
   * with E_PUBLISH_TIMEOUT: they were sent, and nobody can tell. Where a server may be away, `deadlineMs` cuts the adapter's own deadline.
   */
  publish(messages: readonly Outgoing[], deadlineMs?: number): Promise<void>

  /** Opens an incarnation: registry entry, epoch, lease. Refuses an unsafe server (E_BROKER_UNSAFE). */
  register(worker: Registration): Promise<Consumer>
  /**
   * The consumer of an incarnation that another thread of its process registered, to settle and resign in its place. Says nothing to the
   * broker: where that incarnation is fenced or unknown, what this one does is refused (`lost`).
   */
  attach(worker: Registration): Consumer

  /**
   * Prolongs the lease of `incarnation` and notes which positions have started. `lost` when it was fenced: what it writes is
   * refused from then on. Called by the keeper on a connection of its own, hence not part of `Consumer`.
   */
  renew(incarnation: string, started: readonly StartedPosition[]): Promise<Renewal>

  /**
   * Housekeeping that any process may do at any time: moves due messages to their queues, fences workers whose lease ran out and
   * gives back what they held. `judge` decides what becomes of each message found with a dead worker. Nobody is fenced over the connection
   * that registered him, and over which he did not resign: who tends there lives, and a lease that his keeper is late with is set anew.
   */
  tend(judge: Judge): Promise<Tended>

  /**
   * Reserves `count` slots of a rate limit shared by all workers (GCRA, capacity 1): for each, the milliseconds from now at which it may
   * start; 0 is at once. `interval` is the span between two starts, in milliseconds. Each call reserves others; one whose answer is lost on
   * the way, and which the adapter sends again, reserves once.
   */
  reserve(limit: string, intervalMs: number, count: number): Promise<readonly number[]>

  /** Records that these task ids must not run, for `ttl` seconds; seen by `Taken.revocations`. */
  revoke(ids: readonly string[], ttl: number): Promise<void>
  /** The recorded revocations that have not run out. */
  revoked(): Promise<ReadonlySet<string>>

  /**
   * Sends to every subscriber there is now, and to the journal while somebody reads it; nobody listening is no error. The one step that may
   * be told twice, after a connection was cut: events and requests carry what tells them apart.
   */
  broadcast(message: Broadcast): Promise<Heard>
  /** Hears broadcasts of `exchange` whose routing key matches `pattern` (`*` any text); resolves once it listens. */
  subscribe(exchange: string, pattern: string, hear: (message: Broadcast) => void): Promise<Subscription>

  /** Hears what is delivered to `exchange` under exactly this routing key; resolves once it listens. For answers to one asker. */
  mailbox(exchange: string, routingKey: string, hear: (raw: Buffer) => void): Promise<Subscription>
  /** Into the mailbox of that exchange and routing key; without one it is dropped. */
  deliver(message: Broadcast): Promise<void>

  /** What events readers that were away can catch up with. */
  readonly journal: Journal

  /** Leaves word of what `incarnation` does (JSON text, one object); kept for ten minutes, or until it resigns. Nothing when it was fenced. */
  note(incarnation: string, state: string): Promise<void>
  /** The workers of ours that are registered, and those that vanished and whose last word is kept. */
  workers(): Promise<readonly KnownWorker[]>
  /** The first `limit` messages in flight with `incarnation`, as they were taken; empty when it is not known. */
  inFlight(incarnation: string, limit: number): Promise<readonly InFlight[]>

  /** The operator's side: depth, contents, dead letters. */
  readonly queues: Queues

  /** Periodic tasks: their entries, who leads, ticks. A port of its own: schedules.ts. */
  readonly schedules: Schedules

  /**
   * Where the store is a file: `act` is called soon after it was deleted or another file put in its place, and from then on every call here
   * fails with E_FILE_REPLACED. Where this is never called, the next call opens the new file, and makes it if need be.
   */
  onReplaced?(act: (error: CelerityError) => void): void

  /** Ends connections and timers; what is in flight stays leased until the lease runs out (see `Consumer.resign`). */
  close(): Promise<void>
}

/** One registered incarnation: takes, starts, settles. */
export interface Consumer {
  readonly incarnation: string

  /**
   * Takes up to `max` messages from `queues` and leases them, in one atomic step; does not wait. Due delayed messages come first, then
   * priority step by priority step, at each step the queues in fair order. The same `seq` again returns the same lanes. Refused
   * (empty) when `seq` was closed. `lost` when this incarnation was fenced.
   */
  take(seq: number, queues: readonly string[], max: number): Promise<Taken | 'lost'>

  /** Whether suspects wait in `queues` (see `Fate`): messages that no ordinary take returns. */
  suspects(queues: readonly string[]): Promise<boolean>

  /**
   * Takes one suspect, the one that has waited longest, as `take` does and with a number of the same row. Whoever asks has nothing else
   * running, and takes nothing else until it has ended: should it vanish meanwhile, there is no doubt why (`Orphan.alone`).
   */
  takeSuspect(seq: number, queues: readonly string[]): Promise<Taken | 'lost'>

  /** Resolves when something may have come, after `seconds`, or when `signal` aborts; a hint only, never takes. Never rejects. */
  wait(queues: readonly string[], seconds: number, signal: AbortSignal): Promise<void>

  /** For a take that got no answer in time: from now on `seq` (and lower) is refused, and what it holds goes back, uncounted. */
  closeTake(seq: number): Promise<void>

  /** Only `acks: 'early'`: from now on these are never given back; the reaper judges what is left of them. `lost` when fenced. */
  start(deliveries: readonly Delivery[]): Promise<'ok' | 'lost'>

  /**
   * States of a task that do not end it, by a store on the same server: carried out while `delivery` is leased to us and not settled, else
   * passed over. `lost` when fenced.
   */
  tell(delivery: Delivery, writes: readonly PreparedWrite[]): Promise<'ok' | 'lost'>

  /** All of it in one step, or `lost` and nothing of it. A position that is settled already is passed over. */
  settle(settlements: readonly Settlement[]): Promise<'ok' | 'lost'>

  /** From now on it consumes these queues: what the registry says of it. `take` and `wait` are told theirs each time. `lost` when fenced. */
  consume(queues: readonly string[]): Promise<'ok' | 'lost'>

  /**
   * Warm stop: gives back all it still holds, uncounted, and ends the incarnation. `returns`: another one for the same queues follows at once,
   * so that what is kept for later may stay.
   */
  resign(returns?: boolean): Promise<void>

  /** Where a connection lies between us and the messages: what a watchdog asks, and does. */
  readonly watch?: {
    /** How many messages are ready in these queues, asked over a connection made for it. */
    waiting(queues: readonly string[]): Promise<number>
    /** Throws this consumer's connections away: the next steps build new ones, those under way are sent again. */
    reconnect(): void
  }
}

export interface BrokerAbilities {
  /** Orders by priority (0 is the highest on all of ours). */
  readonly priorities: boolean
  /** Keeps messages for later by itself. */
  readonly delay: boolean
  /** Other processes reach the same messages. */
  readonly shared: boolean
  /** Which server this is: a result store with the same `server` has its writes carried out inside `settle`. */
  readonly server: string
}

/** A message to be stored. `raw` is the whole envelope as `protocol/message.ts` made it. */
export interface Outgoing {
  readonly queue: string
  /** 0 highest … 9 lowest; clamped for the choice of the list only. */
  readonly priority: number
  readonly raw: Uint8Array | string
  /** Wall-clock milliseconds before which nobody gets it; absent or past: now. */
  readonly due?: number | undefined
}

export interface Registration {
  readonly incarnation: string
  /** Node name, such as `celery@host`; need not be unique. */
  readonly node: string
  /** Milliseconds the lease lasts without a renewal. */
  readonly leaseMs: number
  readonly queues: readonly string[]
  /** Names its process, for whoever judges what it held; the broker only keeps it. Absent or null: unknown. */
  readonly process?: string | null | undefined
  /** A result of nobody's, as `Settlement.writes` will have them: where the server would refuse it, it refuses the registration. Never stored. */
  readonly write?: PreparedWrite | undefined
}

export interface Lane {
  /** `<seq>/<source>`, unique within the incarnation. */
  readonly name: string
  readonly seq: number
  readonly queue: string
  /** How many messages it was made with. */
  readonly size: number
}

export interface Delivery {
  readonly lane: Lane
  /** From 0. */
  readonly position: number
  /** The bytes exactly as they were in the queue. */
  readonly raw: Buffer
}

export interface Taken {
  readonly deliveries: readonly Delivery[]
  /** The broker's wall clock, in milliseconds: what an ETA is compared with. */
  readonly now: number
  /** When the next delayed message of these queues is due, in broker milliseconds; null: none. */
  readonly nextDue: number | null
  /** Grows with every revocation; when it differs from what the worker knows, it asks `revoked()` again. 0: there never was one. */
  readonly revocations: number
  /** Queues that could not be read (say, a key of another type), with the broker's words. */
  readonly broken: readonly { readonly queue: string; readonly reason: string }[]
}

export interface Settlement {
  readonly delivery: Delivery
  readonly fate: Fate
  /** Results, prepared by a store on the same server (`BrokerAbilities.server`). */
  readonly writes?: readonly PreparedWrite[] | undefined
  /** Follow-up messages: callbacks, the next of a chain, a retry. Sent once with this settlement. */
  readonly publish?: readonly Outgoing[] | undefined
  /** False: the message is known to be of no schedule entry. Absent: its bytes are searched for the header (0.7 µs for a kilobyte). */
  readonly ofEntry?: false | undefined
}

/** What becomes of the message itself. */
export type Fate =
  | { readonly kind: 'ack' }
  /**
   * Back to where it was taken from: `front` is popped next, `back` last, and a suspect is one no more. `suspects`: kept apart, for a worker
   * that runs nothing beside it. `raw` replaces the bytes.
   */
  | { readonly kind: 'requeue'; readonly to: 'front' | 'back' | 'suspects'; readonly raw?: Uint8Array | undefined }
  /** Kept at the broker until `due` (broker milliseconds), then back at the front. */
  | { readonly kind: 'park'; readonly due: number; readonly raw?: Uint8Array | undefined }
  /** To the dead letters, unchanged. `detail` is a sentence. */
  | { readonly kind: 'dead'; readonly reason: DeadReason; readonly detail: string }

export interface StartedPosition {
  readonly lane: string
  readonly position: number
}

/**
 * `gone`: all that the broker held is gone, this incarnation with it. It was not fenced: its consumer puts back what it holds with its next
 * step, and the lease can be renewed again.
 */
export type Renewal = { readonly kind: 'kept'; readonly lanes: readonly string[] } | { readonly kind: 'lost' } | { readonly kind: 'gone' }

/** A message found with a worker that died. */
export interface Orphan {
  readonly raw: Buffer
  readonly queue: string
  /** How often it was found so within 72 h, this time included. */
  readonly deliveries: number
  /** It has a start record (`acks: 'early'`): it must not be given back. */
  readonly early: boolean
  /** It was running at the last renewal, so it may be what killed the worker. */
  readonly suspect: boolean
  /** Nothing ran beside it: it was taken as a suspect. */
  readonly alone: boolean
  readonly node: string
  /** As its worker registered. */
  readonly process: string | null
}

/** Decides about an orphan; pure. `later`: it stays with its dead worker, uncounted, and is shown again to whoever tends next. */
export type Judge = (orphan: Orphan) => Verdict | 'later'

/** As a settlement has them: `writes` only for a store on the same server; what follows is sent once, in the same step. */
export type Verdict = Omit<Settlement, 'delivery'>

export interface Tended {
  /** Delayed messages that were moved to their queues. */
  readonly due: number
  /** Workers that were fenced, with how many messages were given back. */
  readonly reaped: readonly { readonly node: string; readonly incarnation: string; readonly messages: number }[]
}

export interface Broadcast {
  readonly exchange: string
  readonly routingKey: string
  readonly raw: Uint8Array | string
  /** How many events `raw` holds: it is for the journal too. Absent: not for the journal. */
  readonly events?: number | undefined
}

/** Whom a broadcast reached. */
export interface Heard {
  /** Subscribers that listen now, those of one process counted once or more often; 0: nobody. Null when this broker can't tell. */
  readonly listeners: number | null
  /** Registered readers of the journal, present or away: with none, nothing was written to it. */
  readonly readers: number
}

/** What the broker knows of a worker of ours, also when it does not answer. */
export interface KnownWorker {
  readonly incarnation: string
  readonly node: string
  readonly queues: readonly string[]
  /** Its lease has not run out, and nobody fenced it. */
  readonly isAlive: boolean
  /** Its last `note`, and its age in milliseconds; null: none yet. */
  readonly state: string | null
  readonly stateAge: number | null
}

/** Milliseconds that the last word of a worker is kept. */
export const NOTE_KEPT_MS = 600_000

export interface InFlight {
  readonly lane: string
  readonly position: number
  readonly queue: string
  readonly raw: Buffer
  /** It was running at the last renewal of the lease. */
  readonly isStarted: boolean
}

export interface Subscription {
  close(): Promise<void>
}

/** The steps of kombu's priority lists; a message goes to the greatest step not above its priority. */
export const PRIORITY_STEPS = [0, 3, 6, 9] as const

/** An index in `PRIORITY_STEPS`. */
export type PriorityStep = 0 | 1 | 2 | 3

/** The index in `PRIORITY_STEPS` of the list for `priority`; anything that is no number counts as 0. */
export function priorityStep(priority: number): PriorityStep {
  if (!(priority >= 3)) return 0
  return priority >= 9 ? 3 : priority >= 6 ? 2 : 1
}
