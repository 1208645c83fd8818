/**
 * The write-ahead log of a database, flushed by us: SQLite with `synchronous = FULL` flushes it inside the transaction, and everybody else
 * waits for the disk with it. Flushed after the commit it promises the same to whoever made it (a power cut does not take it back), while
 * others write. Its descriptor may be opened and closed freely: SQLite's locks are on the file itself and on `-shm`.
 */
import { closeSync, fdatasyncSync, openSync, statSync } from 'node:fs'
import type { Log } from '../log.js'

/** Bytes from which on its length is worth a word, and then at each doubling. */
const LONG = 64 * 2 ** 20

export class WriteAheadLog {
  readonly #path: string
  readonly #log: Log
  #file: number | undefined
  #saidFrom = LONG

  /** @param path of the database */
  constructor(path: string, log: Log) {
    this.#path = `${path}-wal`
    this.#log = log
  }

  get bytes(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
  }

  hasGrown(bytes: number): void {
    if (bytes < this.#saidFrom) return
    while (this.#saidFrom <= bytes) this.#saidFrom *= 2
    this.#log.warning(
      `the log of the SQLite file has grown to ${megabytes(bytes)} MB: somebody keeps a read transaction open, a shell or a backup; it is cut off after that`,
      { file: this.#path },
    )
  }

  wasCut(): void {
    if (this.#saidFrom > LONG) this.#log.info('the log of the SQLite file is short again', { file: this.#path })
    this.#saidFrom = LONG
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

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20)
}
