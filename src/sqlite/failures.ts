/** What an error of SQLite, or of the file below it, means to us. */
import { CelerityError, type ErrorCode, reason } from '../errors.js'

export type FailureKind =
  /** The URL names no file. */
  | 'url'
  /** Another process holds the lock past the deadline. */
  | 'busy'
  /** No room on the disk: passes when there is. */
  | 'full'
  /** A value larger than SQLite holds. */
  | 'large'
  | 'readonly'
  /** Not a database, damaged, or of a newer version of ours. */
  | 'damaged'
  /** Where SQLite cannot keep its promises: a network file system, say. */
  | 'unsafe'
  /** Anything the operating system reported. */
  | 'io'
  /** Asked after `close`. */
  | 'closed'

/** Which code each kind has for the room that opened the database. */
export type FailureCodes = Readonly<Record<FailureKind, ErrorCode>>

const HINTS: Readonly<Record<FailureKind, string | undefined>> = {
  url: 'A file is meant: sqlite:.tasks/tasks.db, or sqlite:/var/lib/app/tasks.db.',
  busy: 'Another process holds a transaction open; `fuser` on the file names it.',
  full: 'Free space on the disk of the file; nothing was lost, and waiting workers go on by themselves.',
  large: undefined,
  readonly: 'The file and its directory must be writable for the user that runs this process.',
  damaged: 'Keep a copy of the file, and try `sqlite3 FILE ".recover"`.',
  unsafe:
    'Put the file on a local disk, or use Redis. Only where one machine alone uses it, and its locks hold: sqlite:FILE?filesystem=any.',
  io: undefined,
  closed: undefined,
}

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const KINDS: Readonly<Record<number, FailureKind>> = {
  5: 'busy',
  6: 'busy',
  8: 'readonly',
  11: 'damaged',
  13: 'full',
  18: 'large',
  26: 'damaged',
}

/** The same by SQLite's words (`sqlite3_errstr`), for errors that come without a number: the package's `all` leaves it out. */
const WORDS: ReadonlyMap<string, number> = new Map([
  ['database is locked', 5],
  ['database table is locked', 6],
  ['attempt to write a readonly database', 8],
  ['disk I/O error', 10],
  ['database disk image is malformed', 11],
  ['database or disk is full', 13],
  ['unable to open database file', 14],
  ['locking protocol', 15],
  ['string or blob too big', 18],
  ['file is not a database', 26],
])

export function failure(codes: FailureCodes, kind: FailureKind, path: string, what: string, cause?: unknown): CelerityError {
  return new CelerityError(codes[kind], { message: `${path}: ${what}`, hint: HINTS[kind], cause })
}

/** Errors of SQLite and of the file system as ours; others, such as a mistake in a step, as they are. */
export function translated(codes: FailureCodes, path: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (isSqlites(error)) return failure(codes, KINDS[primary(error)] ?? 'io', path, reason(error), error)
  return 'syscall' in error ? failure(codes, fileKind(error), path, reason(error), error) : error
}

/** What SQLite does not see, and what passes all the same: treated as its own busy error. */
export class BusyError extends Error {
  readonly errcode = 5
}

/** Somebody else holds a lock: worth another try. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && isSqlites(error) && KINDS[primary(error)] === 'busy'
}

function isSqlites(error: Error): boolean {
  return 'errcode' in error || ('code' in error && error.code === 'ERR_SQLITE_ERROR' && WORDS.has(error.message))
}

function primary(error: Error): number {
  const number = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : (WORDS.get(error.message) ?? 0)
  return number & 0xff
}

function fileKind(error: object): FailureKind {
  const code = 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'full'
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'readonly' : 'io'
}
