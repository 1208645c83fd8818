/**
 * The port of the result stores. A store keeps, per task id, Celery's result JSON (`protocol/result.ts` reads and writes it) until it
 * expires, and tells those who wait. Adapters: ./redis ./sqlite ./memory. Who may write is settled by the broker's fence where its server is
 * the same; elsewhere by the results themselves, where they say of which try they are (protocol/try.ts).
 */
import type { PreparedWrite } from '../prepared-write.js'

export interface ResultStore {
  /** Which server this is; a broker with the same `server` carries out `prepare`d writes inside its settle step. */
  readonly server: string

  /**
   * Writes now, in one round trip, and wakes who waits. A stored SUCCESS is never overwritten (Celery's rule), only forgotten. Of results
   * that name their try, the first final state of a life stays, and a lower try changes nothing that a higher one wrote.
   *
   * @returns for each result the JSON of the final state that stands in its place; null: it is stored, or passed over as news that is old
   */
  set(results: readonly EncodedResult[]): Promise<readonly (string | null)[]>
  /** The same write, to be carried out by the broker on this server. Pure, cheap: it is on the hot path. */
  prepare(result: EncodedResult): PreparedWrite

  /** The stored JSON for each id, null where there is none (or it has expired). */
  get(ids: readonly string[]): Promise<readonly (string | null)[]>

  /**
   * Calls `changed(id, json)` for every write to one of `ids` from when the promise resolves on; a caller therefore watches first and gets
   * second. May call it once more than there were writes.
   */
  watch(ids: readonly string[], changed: (id: string, json: string) => void): Promise<Watch>

  forget(ids: readonly string[]): Promise<void>
  /** Removes what has expired; stores that expire by themselves do nothing. Returns how many went. */
  sweep(): Promise<number>
  close(): Promise<void>
}

export interface EncodedResult {
  readonly id: string
  /** SUCCESS, FAILURE, RETRY … : for stores with a column for it. */
  readonly state: string
  readonly json: string
  /** Seconds it is kept; 0 keeps it for ever. */
  readonly ttl: number
}

export interface Watch {
  close(): Promise<void>
}
