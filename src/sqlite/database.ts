/**
 * One connection to one SQLite file that several processes share: write-ahead log, immediate transactions, a busy database tried again
 * without blocking the event loop, and a way to learn that somebody committed.
 */
import type { Clock } from '../clock.js'
import { CelerityError, isCelerityError, reason } from '../errors.js'
import type { Log } from '../log.js'
import { loadBinding, type OpenHandle } from './binding.js'
import { type Commits, commitsOf, committed } from './commits.js'
import { type Companions, companionsOf, putAside, strangersAt, systemLocks } from './companions.js'
import { BusyError, type FailureCodes, failure, isBusy, translated } from './failures.js'
import { ensureFile, type FileOptions, identity, parseSqliteUrl, type Synchronous, unsafeFileSystem } from './file.js'
import { migrate, type Schema } from './schema.js'
import { Statements, type Transaction } from './statements.js'
import { WriteAheadLog } from './wal.js'

export type { Transaction } from './statements.js'

export interface DatabaseOptions {
  readonly schema: Schema
  /** Milliseconds a call may take, busy waits included. */
  readonly deadlineMs: number
  readonly codes: FailureCodes
  readonly clock: Clock
  readonly log: Log
}

/** `durable`: survives a power cut once it is answered. `soon`: with the next durable one, or within moments; never half. */
export type Durability = 'durable' | 'soon'

/** Seconds between two looks for others' commits: soon after one, and when there was none for a while. */
export interface Pace {
  readonly busy: number
  readonly idle: number
}

/** Differs after every commit, of whichever process. */
export type Mark = string

/** SQLite's own busy wait blocks the event loop, and several at once leave it no time for anything else: we wait with timers instead. */
const BUSY_TIMEOUT_MS = 0
/** Milliseconds between two tries at most, as in SQLite's own wait; less and less, down to the least, for who has waited for long. */
const MAX_BUSY_PAUSE_MS = 20
const MIN_BUSY_PAUSE_MS = 1
/** Between two looks whether the file is still the same one, where nothing is written: a look takes 4 µs. */
const IDENTITY_CHECK_MS = 250
/** The same where nobody asks anything of the file. */
const WATCH_MS = 1_000
/** Between two looks at the length of the log, and from how many bytes on it is cut off: SQLite begins it anew at 4 MB by itself. */
const TRIM_MS = 5_000
const TRIM_FROM = 16 * 2 ** 20
/** How often others' commits are looked for: a poll takes 3 µs, so these cost 0.1 % and 0.01 % of a core. */
const EAGER: Pace = { busy: 0.005, idle: 0.05 }
const BUSY_FOR_MS = 500

export async function openDatabase(url: string, options: DatabaseOptions): Promise<Database> {
  const file = parseSqliteUrl(url)
  if (file === undefined) throw failure(options.codes, 'url', url, 'the URL names no SQLite file')
  const open = await loadBinding()
  try {
    const path = ensureFile(file.path)
    const unsafe = file.anyFileSystem ? undefined : unsafeFileSystem(path)
    if (unsafe !== undefined) {
      throw failure(options.codes, 'unsafe', path, `it is on ${unsafe}, where processes can't share SQLite's write-ahead log safely`)
    }
    const database = new Database(open, { ...file, path }, options)
    await database.read(() => {}) // opens the file, and brings the tables up to date
    return database
  } catch (error) {
    throw translated(options.codes, file.path, error)
  }
}

/** It is committed, and everybody sees it; but the disk failed to confirm it, and a power cut may take it back. */
export class Unflushed extends CelerityError {
  constructor({ code, message, hint, cause }: CelerityError) {
    super(code, { message, hint, cause })
  }
}

export class Database {
  /** Without links: the same file has the same path. */
  readonly path: string
  readonly #open: OpenHandle
  readonly #synchronous: Synchronous
  readonly #options: DatabaseOptions
  readonly #commits: Commits
  #statements: Statements | undefined
  /** How many were made: the data version of another connection means nothing. */
  #connections = 0
  #identity = ''
  #identityChecked = 0
  #trimmed = 0
  #companions: Companions | undefined
  #watch: NodeJS.Timeout | undefined
  readonly #endings: ((error: CelerityError) => void)[] = []
  #wal: WriteAheadLog | undefined
  #changedAt = 0
  #mark: Mark = ''
  #closed = false

  constructor(open: OpenHandle, file: FileOptions, options: DatabaseOptions) {
    this.#open = open
    this.path = file.path
    this.#synchronous = file.synchronous
    this.#options = options
    this.#commits = commitsOf(file.path)
    if (this.#commits.endings.size === 0) this.#commits.end = undefined // whoever was to be told has gone: this is a new beginning
    this.#commits.schemas.set(options.schema.room, options.schema)
  }

  /** Runs `step` on one consistent state of the file. */
  read<T>(step: (transaction: Transaction) => T): Promise<T> {
    return this.#persist(() => this.#within('BEGIN', step))
  }

  /**
   * Runs `step` as the only writer, all or nothing. `step` is synchronous, and may run again when the database was busy.
   *
   * @param deadlineMs as long as that at most, where it is less than any call may take
   */
  async write<T>(step: (transaction: Transaction) => T, durability: Durability = 'durable', deadlineMs?: number): Promise<T> {
    return this.#persist(() => {
      this.#identityChecked = Number.NEGATIVE_INFINITY // what is answered as stored must not be in a file that nobody can find
      const result = this.#within('BEGIN IMMEDIATE', step)
      committed(this.#commits)
      // Not by SQLite, inside the transaction: nobody else waits for our disk, and who is killed while it writes has stored it already.
      if (durability === 'durable' && this.#synchronous === 'full') this.#flush()
      this.#trim()
      return result
    }, deadlineMs)
  }

  #flush(): void {
    try {
      this.#wal?.flush()
    } catch (error) {
      const cause = translated(this.#options.codes, this.path, error)
      throw isCelerityError(cause) ? new Unflushed(cause) : cause
    }
  }

  /** Taken before a look at the tables, then handed to `changed`: so no commit in between is missed. */
  mark(): Mark {
    const { data_version } = this.#ready().get<{ data_version: number }>('PRAGMA file.data_version') ?? { data_version: 0 }
    const mark = `${this.#connections}/${data_version}/${this.#commits.count}`
    if (mark !== this.#mark) {
      this.#mark = mark
      this.#changedAt = this.#options.clock.monotonic()
    }
    return mark
  }

  /** Resolves with true when anybody committed since `mark`, with false after `seconds`, when `signal` aborts, or at `close`. Never rejects. */
  async changed(mark: Mark, seconds: number, signal: AbortSignal, pace: Pace = EAGER): Promise<boolean> {
    const { clock, log } = this.#options
    const end = clock.monotonic() + seconds * 1000
    while (!this.#closed && !signal.aborted) {
      try {
        if (this.mark() !== mark) return true
      } catch (error) {
        log.debug('cannot look for changes in the database', { file: this.path, error })
      }
      const left = (end - clock.monotonic()) / 1000
      if (left <= 0) return false
      const busy = clock.monotonic() - this.#changedAt < BUSY_FOR_MS
      await this.#nap(Math.min(left, busy ? pace.busy : pace.idle), signal)
    }
    return false
  }

  /**
   * From now on it is the end of this one, here and for all connections of this thread to it, when it is deleted or another file put in its
   * place (who looks late can't tell the one from the other): `act` is called, soon after it happened, and every call fails with
   * E_FILE_REPLACED. Unless this was called, the next call opens the new file, and makes it if need be.
   */
  onReplaced(act: (error: CelerityError) => void): void {
    this.#endings.push(act)
    this.#commits.endings.add(act)
    this.#watch ??= setInterval(() => this.#look(), WATCH_MS)
    this.#watch.unref()
  }

  #look(): void {
    try {
      this.#identityChecked = Number.NEGATIVE_INFINITY
      this.mark()
    } catch (error) {
      this.#options.log.debug('cannot look at the database', { file: this.path, error })
    }
  }

  /** Ends the connection; the last one to a file takes its `-wal` along. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#watch)
    for (const act of this.#endings) this.#commits.endings.delete(act)
    for (const listener of [...this.#commits.listeners]) listener()
    this.#disconnect()
  }

  #disconnect(): void {
    this.#wal?.close()
    this.#wal = undefined
    this.#statements?.close()
    this.#statements = undefined
  }

  /**
   * SQLite takes the log over into the file by itself, and begins it anew, unless somebody reads all the time: then it grows, and stays as
   * large as it was. Whoever writes cuts it off when there is a moment without a reader.
   */
  #trim(): void {
    const now = this.#options.clock.monotonic()
    if (this.#wal === undefined || this.#statements === undefined || now - this.#trimmed < TRIM_MS) return
    this.#trimmed = now
    try {
      const { bytes } = this.#wal
      if (bytes < TRIM_FROM) return
      const { busy } = this.#statements.get<{ busy: number }>('PRAGMA file.wal_checkpoint(TRUNCATE)') ?? { busy: 1 }
      if (busy === 0) this.#wal.wasCut()
      else this.#wal.hasGrown(bytes)
    } catch (error) {
      this.#options.log.debug('the log of the database could not be cut off', { file: this.path, error })
    }
  }

  /** Tries until the database is not busy, or the deadline has passed. */
  async #persist<T>(attempt: () => T, given = Number.POSITIVE_INFINITY): Promise<T> {
    const { clock, codes } = this.#options
    const deadlineMs = Math.min(given, this.#options.deadlineMs)
    const end = clock.monotonic() + deadlineMs
    for (let tries = 1; ; tries++) {
      try {
        return attempt()
      } catch (error) {
        if (isCelerityError(error)) throw error
        if (!isBusy(error) || clock.monotonic() >= end) throw translated(codes, this.path, error)
      }
      // Jitter, so that two that met do not meet again. Among many nobody is passed over for ever: who has waited for longer tries more often.
      const most = Math.max(MIN_BUSY_PAUSE_MS, (MAX_BUSY_PAUSE_MS * (end - clock.monotonic())) / deadlineMs)
      await clock.sleep((Math.random() * Math.min(2 ** tries, most)) / 1000)
    }
  }

  #within<T>(begin: string, step: (transaction: Transaction) => T): T {
    const statements = this.#ready()
    statements.run(begin)
    try {
      const result = step(statements)
      statements.run('COMMIT')
      return result
    } catch (error) {
      statements.rollback()
      throw error
    }
  }

  #ready(): Statements {
    if (this.#closed) throw failure(this.#options.codes, 'closed', this.path, 'this connection was closed')
    if (this.#commits.end !== undefined) throw this.#commits.end
    const now = performance.now()
    if (now - this.#identityChecked > IDENTITY_CHECK_MS) {
      this.#identityChecked = now
      const found = this.#statements === undefined ? this.#identity : identity(this.path)
      if (found !== this.#identity) this.#swapped()
    }
    this.#statements ??= this.#connect()
    return this.#statements
  }

  /** Deleted or replaced under us: what we would write now goes into a file that nobody can find any more. */
  #swapped(): void {
    // SQLite sees it too, and so neither writes nor deletes anything at the end of this connection.
    this.#disconnect()
    const aside = this.#putAside()
    if (this.#commits.endings.size === 0) {
      this.#options.log.warning(`the database file was deleted or replaced; opening it anew${aside}`, { file: this.path })
      return
    }
    const error = new CelerityError('E_FILE_REPLACED', {
      message: `${this.path} was deleted, or another file put in its place, while it was in use${aside}`,
      hint: 'Nothing was written into a new one. Started again, this command works with that, and makes it if there is none.',
    })
    this.#commits.end = error
    for (const act of this.#commits.endings) act(error)
    throw error
  }

  /** Before anybody opens what is there now. Returns what is to be said of it. */
  #putAside(): string {
    try {
      const kept = this.#companions === undefined ? undefined : putAside(this.path, this.#companions)
      return kept === undefined ? '' : `; the log of the old one is kept in ${kept}`
    } catch (error) {
      return `; the log of the old one could not be moved out of the way: ${reason(error)}`
    }
  }

  #connect(): Statements {
    ensureFile(this.path)
    const strangers = strangersAt(this.path, systemLocks())
    if (strangers.length > 0) {
      throw new BusyError(`the log beside it is of another file, which was there before; process ${strangers.join(', ')} still uses that`)
    }
    const before = identity(this.path)
    const statements = new Statements(this.#open(':memory:', { timeout: BUSY_TIMEOUT_MS }), this.path)
    try {
      statements.exec('PRAGMA file.journal_mode = WAL')
      statements.exec('PRAGMA file.synchronous = NORMAL') // flushed at checkpoints; commits that must not wait for one are flushed by us
      if (!migrate(statements, this.#options.schema)) {
        throw failure(this.#options.codes, 'damaged', this.path, 'a newer version of Celerity has written it')
      }
      // One room writes into the tables of another in its own transactions, and the file may have been replaced by one without them.
      for (const schema of this.#commits.schemas.values()) migrate(statements, schema)
      this.#companions = companionsOf(this.path)
      if (identity(this.path) !== before) throw new BusyError('another file is being put in its place')
    } catch (error) {
      statements.close()
      throw error
    }
    this.#connections++
    this.#identity = before
    this.#wal = new WriteAheadLog(this.path, this.#options.log)
    return statements
  }

  /** Sleeps, but not past a commit of this process, an abort or a close. */
  async #nap(seconds: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    const wake = () => woken.abort()
    this.#commits.listeners.add(wake)
    signal.addEventListener('abort', wake, { once: true })
    try {
      await this.#options.clock.sleep(seconds, woken.signal)
    } finally {
      this.#commits.listeners.delete(wake)
      signal.removeEventListener('abort', wake)
    }
  }
}
