/** Prepared statements of one connection, held by their text: preparing costs ten times as much as running. */
import type { StatementSyncInstance } from '@photostructure/sqlite'
import type { Handle } from './binding.js'

export type Value = string | number | null | Uint8Array
export type Row = object

/** What a step inside a transaction can do. SQL texts are constants, so that each is prepared once; values are bound, never written in. */
export interface Transaction {
  /** Returns how many rows were changed. */
  run(sql: string, ...values: readonly Value[]): number
  /** The first row; the caller knows its columns. */
  get<R extends Row>(sql: string, ...values: readonly Value[]): R | undefined
  all<R extends Row>(sql: string, ...values: readonly Value[]): R[]
}

export class Statements implements Transaction {
  /** Held here for as long as the connection lives: an unreferenced one is collected, which rolls back and unlocks. */
  readonly #handle: Handle
  readonly #prepared = new Map<string, StatementSyncInstance>()

  /**
   * The file is attached, not opened. A connection that is closed while prepared statements live, as they do until they are collected,
   * keeps its file open, its locks held and its `-wal` in place (`sqlite3_close_v2`); DETACH lets go of the file at once. So in a schema
   * the file has a name, `file`: what is created or asked by PRAGMA is written with it, all else is found without.
   */
  constructor(handle: Handle, path: string) {
    this.#handle = handle
    handle.prepare('ATTACH ? AS file').run(path)
  }

  run(sql: string, ...values: readonly Value[]): number {
    return this.#prepare(sql).run(...values).changes
  }
  get<R extends Row>(sql: string, ...values: readonly Value[]): R | undefined {
    return this.#prepare(sql).get(...values)
  }
  all<R extends Row>(sql: string, ...values: readonly Value[]): R[] {
    return this.#prepare(sql).all(...values)
  }
  /** For what has no result and is run seldom. */
  exec(sql: string): void {
    this.#handle.exec(sql)
  }
  rollback(): void {
    try {
      this.#handle.exec('ROLLBACK')
    } catch {
      // There is nothing to roll back: BEGIN had failed, or SQLite has done it by itself (disk full, I/O error).
    }
  }
  close(): void {
    this.rollback()
    this.#prepared.clear()
    try {
      this.#handle.exec('DETACH file')
    } finally {
      this.#handle.close()
    }
  }

  #prepare(sql: string): StatementSyncInstance {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      statement = this.#handle.prepare(sql)
      this.#prepared.set(sql, statement)
    }
    return statement
  }
}
