/**
 * Reads the broker's journal on from where the store stands. All cameras of one store are one reader, by the store's own name: whoever
 * commits first moves the cursor for all. A camera that stops stays registered, so that the next one finds what came meanwhile.
 */
import type { Journal, JournalBatch, JournalPage, JournalState } from '../broker/journal.js'
import type { Clock } from '../clock.js'
import { type ClusterEvent, decodeEvents } from '../protocol/event.js'
import type { CursorStep, SnapshotStore } from './store.js'
import type { CursorRow, GapRow } from './tables.js'

export interface JournalReading {
  readonly events: readonly ClusterEvent[]
  /** Events that were none. */
  readonly bad: number
  readonly step: CursorStep
  /** Events after these, still to be read. */
  readonly left: number
}

/** Seconds a journal is written for a camera that does not come back. */
const KEPT_FOR = 86_400
/** Seconds between registrations: a server that was emptied forgets them, and nothing is written until the next. */
const RENEWAL = 60
/** Batches asked for at once, of up to some hundred events each. */
const BATCHES = 100

interface Position {
  /** The journal's id, and how often it has gone back since: a server that crashed may come back with an older state of it. */
  readonly journal: string
  readonly at: number
  /** The cursor found was of another journal, or of a state that is gone. */
  readonly isReplaced: boolean
  /** Nothing was read of it before. */
  readonly isNew: boolean
}

export class JournalReader {
  readonly #journal: Journal
  readonly #store: SnapshotStore
  /** Which broker: a cursor of another journal of the same one is out of date. */
  readonly #server: string
  readonly #clock: Clock
  #reader: string | undefined
  #registeredAt = Number.NEGATIVE_INFINITY
  #position: Position | undefined
  /** At the last read nothing was left: what comes now has happened just now. */
  #follows = false

  constructor(journal: Journal, store: SnapshotStore, server: string, clock: Clock) {
    this.#journal = journal
    this.#store = store
    this.#server = server
    this.#clock = clock
  }

  /** About `limit` events. @throws E_BROKER_UNREACHABLE, E_MONITOR_UNREACHABLE */
  async read(limit: number): Promise<JournalReading> {
    if (this.#clock.monotonic() / 1000 - this.#registeredAt >= RENEWAL) await this.#register()
    let { page, position } = await this.#begin()
    const { oldest } = page
    const batches: JournalBatch[] = []
    let events = 0
    let to = Math.max(position.at, oldest)
    while (page.id === journalId(position.journal)) {
      for (const batch of page.batches) {
        batches.push(batch)
        events += batch.events
        to = batch.position
      }
      if (page.batches.length < BATCHES || events >= limit) break
      page = await this.#journal.read(to, BATCHES)
    }
    this.#position = position
    const left = Math.max(0, page.newest - to)
    const decoded = this.#decode(batches)
    this.#follows = left === 0
    const step = { journal: position.journal, server: this.#server, from: position.at, to, lost: this.#lost(position, oldest) }
    return { ...decoded, step, left }
  }

  /** After the commit. @param position how far all cameras of the store are */
  advance(position: number | null): void {
    if (this.#position === undefined || position === null) return
    this.#position = { ...this.#position, at: position, isReplaced: false, isNew: false }
  }

  /** After a commit that failed, perhaps only for us: where the store stands is asked anew. */
  forget(): void {
    this.#position = undefined
  }

  /** Where we stand, and what comes after. */
  async #begin(): Promise<{ readonly page: JournalPage; readonly position: Position }> {
    const known = this.#position
    if (known !== undefined) {
      const page = await this.#journal.read(known.at, BATCHES)
      if (page.id === journalId(known.journal) && page.newest >= known.at) return { page, position: known }
    }
    const state = await this.#register()
    const position = positionIn(state, await this.#cursors(state.id))
    return { page: await this.#journal.read(position.at, BATCHES), position }
  }

  async #register(): Promise<JournalState> {
    const state = await this.#journal.register(await this.#name(), KEPT_FOR)
    this.#registeredAt = this.#clock.monotonic() / 1000
    return state
  }

  async #name(): Promise<string> {
    if (this.#reader !== undefined) return this.#reader
    const [row] = await this.#store.query((tables) => tables.selectFrom('monitor_identity').select('id').limit(1))
    this.#reader = `monitor/${row?.id ?? 'unnamed'}`
    return this.#reader
  }

  #cursors(journal: string): Promise<readonly CursorRow[]> {
    return this.#store.query<CursorRow>((tables) =>
      tables
        .selectFrom('monitor_cursor')
        .selectAll()
        .where((row) => row.or([row('server', '=', this.#server), row('journal', '=', journal), row('journal', 'like', `${journal}@%`)]))
        .orderBy('stored_at', 'desc'),
    )
  }

  #decode(batches: readonly JournalBatch[]): { readonly events: readonly ClusterEvent[]; readonly bad: number } {
    const localReceived = this.#follows ? this.#clock.now() / 1000 : undefined
    const events: ClusterEvent[] = []
    let bad = 0
    for (const { raw } of batches) {
      const decoded = decodeEvents(raw, { localReceived })
      bad += decoded.bad
      for (const event of decoded.events) events.push(event)
    }
    return { events, bad }
  }

  #lost({ journal, at, isReplaced, isNew }: Position, oldest: number): GapRow | null {
    const now = this.#clock.now() / 1000
    if (isReplaced) {
      const detail = 'the journal is another one than last time: the broker was emptied or went back, or nobody had read for a day'
      return { id: journal, at: now, cause: 'replaced', events: null, detail }
    }
    if (isNew || oldest <= at) return null
    const detail = 'nobody read for so long that the journal let go of them'
    return { id: `${journal}/${at}`, at: now, cause: 'trimmed', events: oldest - at, detail }
  }
}

function positionIn(state: JournalState, cursors: readonly CursorRow[]): Position {
  const own = cursors.find(({ journal }) => journalId(journal) === state.id)
  if (own === undefined) return { journal: state.id, at: 0, isReplaced: cursors.length > 0, isNew: true }
  if (own.position <= state.newest) return { journal: own.journal, at: own.position, isReplaced: false, isNew: false }
  const times = Number(own.journal.split('@')[1] ?? 0)
  return { journal: `${state.id}@${times + 1}`, at: 0, isReplaced: true, isNew: true }
}

function journalId(journal: string): string {
  return journal.split('@', 1)[0]!
}
