/**
 * The camera: again and again one transaction that brings the store up to date with what happened since. An event is let go of after the
 * commit that holds it, and not before: what the journal keeps is read again, what came over pub/sub waits here, bounded.
 */
import type { Subscription } from '../broker/broker.js'
import type { Journal } from '../broker/journal.js'
import type { Clock } from '../clock.js'
import { CelerityError, isCelerityError, reason } from '../errors.js'
import { isTaskEvent, type TaskEvent } from '../events/task-record.js'
import { type Log, silentLog } from '../log.js'
import type { ClusterEvent } from '../protocol/event.js'
import type { ResultStore } from '../results/store.js'
import { Expirer, type Expiry } from './expiry.js'
import { Inbox } from './inbox.js'
import { JournalReader, type JournalReading } from './journal-reader.js'
import { eventsOf, type Unsettled, unsettled } from './reconcile.js'
import { storable, withoutArguments } from './storable.js'
import type { Committed, Snapshot, SnapshotStore } from './store.js'
import { Tally, type TallyState } from './tally.js'
import { Troubles } from './troubles.js'
import { knownWorkers, Workers } from './workers.js'

export interface CameraParts {
  readonly store: SnapshotStore
  readonly journal: Journal
  /** Hears events that are in no journal; resolves once it listens. */
  readonly listen: (hear: (events: readonly ClusterEvent[]) => void) => Promise<Subscription>
  /** Asked about tasks whose worker is gone; null: nobody. */
  readonly results: Pick<ResultStore, 'get'> | null
  readonly clock: Clock
  readonly log: Log
}

export interface CameraOptions {
  /** Which broker, as its URL without a password says: cursors of another journal of the same one are out of date. */
  readonly broker: string
  /** Seconds from one snapshot to the next. */
  readonly freq: number
  /** Seconds from one transaction to the next at least; what has to wait comes with the next. */
  readonly pause: number
  readonly expiry: Expiry
  /** Whether arguments and results of tasks are stored. */
  readonly keepsArguments: boolean
  /** Waits for `freq`, takes one snapshot of all there is, and ends. */
  readonly once: boolean
}

/** Events in one transaction, about: a second at most. */
const AT_ONCE = 20_000
/** Seconds the last snapshots of a camera that stops may take. */
const LAST = 5

export class Camera {
  readonly #parts: CameraParts
  readonly #options: CameraOptions
  readonly #journal: JournalReader
  readonly #inbox = new Inbox()
  readonly #workers = new Workers()
  readonly #expirer: Expirer
  readonly #tally: Tally
  readonly #troubles: Troubles
  readonly #stopping = new AbortController()
  #ear: Subscription | undefined
  #isRecalled = false

  constructor(parts: CameraParts, options: CameraOptions) {
    this.#parts = parts
    this.#options = options
    const { store, journal, clock, log } = parts
    this.#journal = new JournalReader(journal, store, options.broker, clock)
    this.#expirer = new Expirer(store, options.expiry, clock)
    this.#tally = new Tally(clock)
    this.#troubles = new Troubles(clock, options.once ? silentLog : log) // once: it is the error in the end
  }

  /** What it has done and how it stands, for people. */
  get state(): CameraState {
    const waiting = this.#inbox.size
    return {
      ...this.#tally.state,
      waiting,
      workers: this.#workers.online(this.#now()),
      unseen: this.#workers.missed,
      away: this.#troubles.away,
    }
  }

  /** Takes a last snapshot, then ends `run`. */
  stop(): void {
    this.#stopping.abort()
  }

  /**
   * Runs until `stop`. With the broker or the store away it waits and says so; with `once` it fails then.
   *
   * @throws with `once`: E_BROKER_UNREACHABLE, E_MONITOR_UNREACHABLE, E_MONITOR_REFUSED
   */
  async run(): Promise<void> {
    const { clock } = this.#parts
    const { freq, pause, once } = this.#options
    try {
      if (once) {
        await this.#listen()
        await clock.sleep(freq, this.#stopping.signal)
      }
      while (!once && !this.#stopping.signal.aborted) {
        const began = clock.monotonic()
        const isBehind = await this.#snapshot()
        const span = isBehind ? pause : Math.max(freq, pause)
        await clock.sleep(Math.max(0, span - (clock.monotonic() - began) / 1000), this.#stopping.signal)
      }
      await this.#finish()
    } finally {
      await this.#ear?.close().catch(() => {}) // the connection is gone, and with it the subscription
    }
  }

  /** All there is, at the end. */
  async #finish(): Promise<void> {
    const { clock } = this.#parts
    const end = clock.monotonic() + LAST * 1000
    while ((await this.#snapshot()) && (this.#options.once || clock.monotonic() < end)) await clock.sleep(this.#options.pause)
    if (this.#options.once && this.#troubles.last !== undefined) throw this.#troubles.last
  }

  /** One transaction. Returns whether there is more to do at once. */
  async #snapshot(): Promise<boolean> {
    await this.#listen()
    if (!(await this.#recall())) return false
    const reading = await this.#read()
    const load = this.#inbox.peek(AT_ONCE, this.#now())
    const lookedUp = reading?.left === 0 ? await this.#lookUp() : NOTHING_LOOKED_UP
    const now = this.#now()
    const isBehind = (reading?.left ?? 0) > 0
    const snapshot: Snapshot = {
      now,
      events: [...this.#taskEvents(reading?.events ?? []), ...load.events, ...lookedUp.events],
      workers: isBehind ? [] : this.#workers.due(now), // what they were some time ago nobody asks
      cursor: reading?.step ?? null,
      gaps: load.gap === null ? [] : [load.gap],
      checked: lookedUp.checked,
    }
    const committed = await this.#commit(snapshot)
    if (committed === null) return false
    this.#inbox.release(load)
    this.#workers.written(snapshot.workers)
    this.#journal.advance(committed.position)
    this.#tally.add(snapshot, committed, reading)
    for (const { cause, events, detail } of committed.gaps) {
      this.#parts.log.warning(`${events ?? 'some'} event${events === 1 ? ' was' : 's were'} missed: ${detail}`, { cause, events })
    }
    if (!isBehind) await this.#expire()
    return isBehind || this.#inbox.size >= AT_ONCE
  }

  async #listen(): Promise<void> {
    this.#ear ??= await this.#try('broker', () => this.#parts.listen((events) => this.#hear(events)))
  }

  #hear(events: readonly ClusterEvent[]): void {
    for (const event of events) this.#workers.hear(storable(event), false)
    this.#inbox.add(this.#taskEvents(events))
  }

  /** Null when the broker or the store is away. */
  async #read(): Promise<JournalReading | null> {
    const reading = await this.#try('broker', () => this.#journal.read(AT_ONCE))
    for (const event of reading?.events ?? []) this.#workers.hear(storable(event), true)
    return reading ?? null
  }

  /** What an earlier camera knew of the workers. */
  async #recall(): Promise<boolean> {
    if (this.#isRecalled) return true
    const known = await this.#try('store', () => knownWorkers(this.#parts.store))
    if (known === undefined) return false
    this.#workers.recall(known)
    this.#isRecalled = true
    return true
  }

  async #lookUp(): Promise<LookedUp> {
    const { results, store } = this.#parts
    if (results === null) return NOTHING_LOOKED_UP
    const now = this.#now()
    const tasks: readonly Unsettled[] = (await this.#try('store', () => unsettled(store, now))) ?? []
    if (tasks.length === 0) return NOTHING_LOOKED_UP
    const events = await this.#try('results', () => eventsOf(tasks, results, now))
    return events === undefined ? NOTHING_LOOKED_UP : { events: this.#taskEvents(events), checked: tasks.map(({ id }) => id) }
  }

  async #commit(snapshot: Snapshot): Promise<Committed | null> {
    // An empty one tells whether a store that was away is back.
    if (isEmpty(snapshot) && !this.#troubles.away.includes('store')) return NOTHING_COMMITTED
    const committed = await this.#try('store', () => this.#parts.store.commit(snapshot))
    if (committed === undefined) this.#journal.forget()
    return committed ?? null
  }

  async #expire(): Promise<void> {
    if (!this.#expirer.isDue) return
    const removed = await this.#try('store', () => this.#expirer.run())
    if (removed !== undefined && removed > 0) this.#parts.log.debug(`${removed} tasks expired`, { removed })
  }

  /** Undefined when it failed; that is said once, and again when it works. */
  async #try<T>(part: 'broker' | 'store' | 'results', step: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await step()
      this.#troubles.over(part)
      return result
    } catch (error) {
      // What the journal's reader asked of the store is no fault of the broker's.
      const whose = isCelerityError(error) && error.code.startsWith('E_MONITOR_') ? 'store' : part
      this.#troubles.met(whose, isCelerityError(error) ? error : unexpected(error))
      return undefined
    }
  }

  #taskEvents(events: readonly ClusterEvent[]): readonly TaskEvent[] {
    const { keepsArguments } = this.#options
    return events.filter(isTaskEvent).map((event) => storable(keepsArguments ? event : withoutArguments(event)))
  }

  #now(): number {
    return this.#parts.clock.now() / 1000
  }
}

export interface CameraState extends TallyState {
  /** Events of workers without a journal that no snapshot holds yet. */
  readonly waiting: number
  /** Workers that live. */
  readonly workers: number
  /** About how many tasks of workers without a journal began unseen. */
  readonly unseen: number
  /** What is away; empty: all is well. */
  readonly away: readonly ('broker' | 'store' | 'results')[]
}

interface LookedUp {
  readonly events: readonly TaskEvent[]
  readonly checked: readonly string[]
}

const NOTHING_LOOKED_UP: LookedUp = { events: [], checked: [] }
const NOTHING_COMMITTED: Committed = { tasks: 0, succeeded: 0, failed: 0, revoked: 0, position: null, gaps: [] }

function isEmpty({ events, workers, cursor, gaps, checked }: Snapshot): boolean {
  const isStill = cursor === null || (cursor.from === cursor.to && cursor.from > 0 && cursor.lost === null)
  return events.length + workers.length + gaps.length + checked.length === 0 && isStill
}

/** A fault of ours: told as what it is, and the camera goes on with the next snapshot. */
function unexpected(cause: unknown): CelerityError {
  return new CelerityError('E_INTERNAL', { message: reason(cause), cause })
}
