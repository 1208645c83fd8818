/**
 * The write-ahead log of a database, flushed by us: SQLite with `synchronous = FULL` flushes it inside the transaction, and everybody else
 * waits for the disk with it. Flushed after the commit it promises the same to whoever made it (a power cut does not take it back), while
 * others write. Its descriptor may be opened and closed freely: SQLite's locks are on the file itself and on `-shm`.
 */
import { closeSync, fdatasyncSync, openSync } from 'node:fs'

export class WriteAheadLog {
  readonly #path: string
  #file: number | undefined

  /** @param path of the database */
  constructor(path: string) {
    this.#path = `${path}-wal`
  }

  /** Everything committed so far, by whomever, survives a power cut from here on. @throws what the operating system says */
  flush(): void {
    this.#file ??= openSync(this.#path, 'r+') // kept by SQLite as long as anybody has the database open
    fdatasyncSync(this.#file)
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }
}
