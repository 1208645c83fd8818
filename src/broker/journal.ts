/**
 * A capped record of broadcast events, for readers that may be away: what pub/sub would lose. It is written, in the same step as the
 * broadcast, only while a reader is registered. A reader keeps its own position, in the store where it puts what it read.
 */
export interface Journal {
  /**
   * Registers `reader`, or prolongs it, for `ttl` seconds. What is broadcast from then on can be read, up to the cap. The first one makes
   * the record.
   */
  register(reader: string, ttl: number): Promise<JournalState>
  /** Takes `reader` off. The last one to leave takes the record with it, and so does the end of the last registration. */
  leave(reader: string): Promise<void>
  /** The names of the registered readers. */
  readers(): Promise<readonly string[]>
  /** Batches after `position`, oldest first, at most `limit` of them. Without a record: an empty page whose `id` is ''. */
  read(position: number, limit: number): Promise<JournalPage>
}

export interface JournalState {
  /** Random, made with the record: positions of another one mean nothing (the server was emptied, or the last reader had left). Empty: there is none. */
  readonly id: string
  /** Events written so far: the position of the newest. 0: none yet. Less than a reader has read: the server came back with an older copy. */
  readonly newest: number
}

export interface JournalPage extends JournalState {
  /** Events before this position are gone: a reader that stands before it has missed the difference. */
  readonly oldest: number
  readonly batches: readonly JournalBatch[]
}

export interface JournalBatch {
  /** Events written up to and with this batch. */
  readonly position: number
  /** How many events it holds. */
  readonly events: number
  readonly raw: Buffer
}

/** Events that a journal keeps at least, while it has readers; about 30 MB. */
export const JOURNAL_CAP = 100_000
