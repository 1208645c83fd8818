/**
 * The port of schedules: the broker keeps the entries of periodic tasks, says who leads, and carries out a tick as one atomic step. When
 * an entry is due is not decided here: a definition is text that the broker never reads, and every moment is given to it.
 *
 * Words. The *leader* is the one candidate whose ticks count; it leads for a lease, under an *epoch* that grows with each reign. A *tick* is
 * one occurrence of one entry: the plan goes from `planned` to `next`, and the messages are enqueued with it. An entry is *open* while
 * a task it has sent with a `Hold` has not ended: waiting, kept for later, in flight, or to be retried.
 *
 * How a task's end is told: its message carries the header `ENTRY_HEADER` (entry-header.ts). Whoever ends such a message for good, acked or
 * as a dead letter, with no follow-up of the same id and header, closes the entry in the same step; so does a purge. What a dead worker
 * held and the reaper gives back keeps it open, since it runs again. What ends where this broker cannot see it, as with a Python worker,
 * is closed by `Hold.forMs` or by `release`. Messages without the header pay nothing but a search for it.
 *
 * Times are wall-clock milliseconds of the broker. Every step is safe to send twice.
 */
import type { Outgoing } from './broker.js'

export interface Schedules {
  /**
   * Acquires the lead, or renews it for `leaseMs` from now. A lease that has run out is over: who asks next leads under a new epoch, also
   * when that is who led before. Which of two clocks jumped does not matter: no lease lasts longer than it was given for.
   */
  lead(candidate: Candidate, leaseMs: number): Promise<Leadership>
  /** Gives the lead up at once; nothing when `id` does not lead. */
  yield(id: string): Promise<void>
  /** Who leads now. */
  leader(): Promise<Reign | null>
  /** Who led from when to when, newest first, the present one included; the last 100 are kept. */
  leaders(limit: number): Promise<readonly Reign[]>

  /** Grows with every edit (put, remove, setEnabled), never with a tick. 0: there never was one. Cheap, to be asked again and again. */
  version(): Promise<number>
  /** All entries, by name; or with `since`, a version seen before, what was edited after it. What is written by ticks is as of now. */
  entries(since?: number): Promise<Entries>
  /**
   * Stores definitions. One that is there keeps its counters, history and switch; when its text differs, its plan begins anew with
   * `planned`. Answers for each whether it changed anything: `false` when it stood there just so.
   */
  put(entries: readonly NewEntry[]): Promise<readonly boolean[]>
  /** Forgets entries with their histories; returns how many there were. */
  remove(names: readonly string[]): Promise<number>
  /** Whether there is such an entry. Enabling begins the plan anew: what would have come due meanwhile is not made up for. */
  setEnabled(name: string, enabled: boolean): Promise<boolean>

  /** Carries out ticks of the leader `id` in their order, each as one step of its own; an answer for each. */
  ticks(id: string, epoch: number, ticks: readonly Tick[]): Promise<readonly TickOutcome[]>
  /**
   * Runs an entry by hand, whoever leads: enqueued and noted, the plan untouched; the switch and `open` are not asked. With ids that the
   * history has, it was done before. False: no such entry.
   */
  run(name: string, run: Run): Promise<boolean>
  /** Closes an entry whose task ended where the broker could not see it. */
  release(name: string): Promise<void>
  /** The last occurrences, newest first; 100 are kept per entry. */
  history(name: string, limit: number): Promise<readonly Occurrence[]>
}

export interface Candidate {
  /** Of one run of one beat, never reused. */
  readonly id: string
  /** Such as `beat@host`; need not be unique. */
  readonly node: string
}

export type Leadership =
  | { readonly leader: true; readonly epoch: number; readonly now: number }
  /** Somebody else leads, until `until` if it does not renew. */
  | { readonly leader: false; readonly node: string; readonly until: number; readonly now: number }

export interface Reign extends Candidate {
  readonly epoch: number
  readonly from: number
  /** The end; of the present one, the end of its lease. */
  readonly until: number
}

export interface Entries {
  /** Of the last edit that is in here. */
  readonly version: number
  /** Whether these are all. Always without `since`, and when `since` is too long ago to tell what was removed. */
  readonly complete: boolean
  readonly entries: readonly StoredEntry[]
  /** Removed after `since`. Empty when `complete`: what is not among the entries is gone. */
  readonly removed: readonly string[]
}

export interface NewEntry {
  readonly name: string
  /** The definition: text, given back as it is. */
  readonly json: string
  readonly source: EntrySource
  /** When it is due for the first time; absent: a tick without messages will say. */
  readonly planned?: number | undefined
}

export type EntrySource = 'settings' | 'store'

/** What was damaged by others comes as empty text, null and 0. */
export interface StoredEntry {
  readonly name: string
  readonly json: string
  readonly source: EntrySource
  readonly enabled: boolean
  /** When it is due next, as planned; null: not planned yet, or `over`. */
  readonly planned: number | null
  /** A tick has said that there is no next time. Another definition begins anew. */
  readonly over: boolean
  /** The planned time of the last tick, sent or skipped. */
  readonly lastDue: number | null
  readonly lastSent: number | null
  /** How often it was sent. */
  readonly runs: number
  /** Node that sent it last. */
  readonly by: string | null
  /** Ids of the tasks that hold it open. */
  readonly open: readonly string[]
}

export interface Tick {
  readonly name: string
  /** As read: the step counts only while the entry stands there with this plan, enabled and not over. */
  readonly planned: number | null
  /** The plan from now on; null: there is no next time. */
  readonly next: number | null
  readonly publish: readonly Outgoing[]
  /** What the history says of it; absent: nothing was due, this only plans. */
  readonly note?: Note | undefined
  readonly hold?: Hold | undefined
}

export interface Note {
  readonly due: number
  readonly outcome: 'sent' | 'late' | 'skipped-misfire'
  /** Of the tasks that were sent; with none, it does not count as a run. */
  readonly ids: readonly string[]
}

export interface Hold {
  /** Of the task that holds the entry open: the first of the messages, which has the header. */
  readonly id: string
  /** When the entry is open: `skip` this occurrence, noted as `skipped-overlap`; or `wait`, and change nothing: the tick is asked again later. */
  readonly whenOpen: 'skip' | 'wait'
  /** Milliseconds after which it is closed in any case; null: never. */
  readonly forMs: number | null
}

/**
 * `sent`: carried out. `open`: the entry is open, `whenOpen` says what was done. `stale`: somebody did this tick, or the entry was edited,
 * disabled or removed. `lost`: not the leader any more. `refused`: the broker does not take the messages (its own key of that name is no queue),
 * or the entry is damaged. Whatever it is but `sent` or `open`, nothing was changed.
 */
export type TickOutcome = 'sent' | 'open' | 'stale' | 'lost' | 'refused'

export interface Run {
  readonly publish: readonly Outgoing[]
  readonly ids: readonly string[]
  /** Who did it, as `Occurrence.node`. */
  readonly by: string
  readonly hold?: Omit<Hold, 'whenOpen'> | undefined
}

export interface Occurrence {
  /** When it was due; of a run by hand, when it was run. */
  readonly due: number
  /** When it was sent or skipped. */
  readonly at: number
  /** `sent`, `late`, `skipped-misfire`, `skipped-overlap`, `by-hand`, or a word of another version. */
  readonly outcome: string
  readonly ids: readonly string[]
  readonly node: string
  /** Of the leader; null: by hand. */
  readonly epoch: number | null
}

/** Occurrences kept per entry, and reigns. */
export const HISTORY_KEPT = 100
/** Names of removed entries that are remembered, for `entries(since)`. */
export const REMOVED_KEPT = 1_000
