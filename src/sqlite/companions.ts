/**
 * The two files beside a database, its log (`-wal`) and the index of that (`-shm`). SQLite finds them by the name of the database alone: when
 * another file is put in its place, whoever opens that one reads the old one's log into it. So whoever notices puts them out of the way, and
 * who opens a file looks whether its companions belong to somebody else.
 */
import { linkSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { identity } from './file.js'

export interface Companions {
  /** See `identity`. */
  readonly log: string
  readonly index: string
}

export function companionsOf(path: string): Companions {
  return { log: identity(`${path}-wal`), index: identity(`${path}-shm`) }
}

/**
 * The database that had these companions is at `path` no more: what it leaves there is moved away. Its log is kept, for there may be tasks in
 * it that the old file lacks, wherever that is now. Companions of whatever is there now stay.
 *
 * @returns where the log is kept; undefined: there was none any more, or nothing in it
 */
export function putAside(path: string, { log, index }: Companions): string | undefined {
  const kept = `${path}-wal.old-${log.replace(/^.*:/, '')}`
  const isOurs = claim(`${path}-wal`, log, kept)
  const aside = `${path}-shm.old-${index.replace(/^.*:/, '')}`
  if (claim(`${path}-shm`, index, aside)) rmSync(aside, { force: true })
  if (!isOurs) return undefined
  if ((statSync(kept, { throwIfNoEntry: false })?.size ?? 0) > 0) return kept
  rmSync(kept, { force: true })
  return undefined
}

/** Moves a file, if it is the one that is meant: others may do the same, and a new one take its place, at any moment. */
function claim(from: string, meant: string, to: string): boolean {
  if (identity(from) !== meant) return false
  try {
    renameSync(from, to)
  } catch (error) {
    if (isMissing(error)) return false // another was faster
    throw error
  }
  if (identity(to) === meant) return true
  linkSync(to, from)
  rmSync(to)
  return false
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/**
 * Processes that have the index beside a database open, and not the database: they use the one that was there before, and have not noticed yet.
 * SQLite holds a lock on both for as long as a connection is open.
 *
 * @param locks the text of `/proc/locks`
 */
export function strangersAt(path: string, locks: string): readonly number[] {
  const holders = (name: string) => holdersOf(name, locks)
  const users = holders(path)
  return [...holders(`${path}-shm`)].filter((pid) => !users.has(pid))
}

/** Empty where the system has no such list. */
export function systemLocks(): string {
  try {
    return readFileSync('/proc/locks', 'utf8')
  } catch {
    return ''
  }
}

/** `1: POSIX  ADVISORY  READ 4711 08:01:131 128 128`: the numbers of the device are hexadecimal. */
const LOCK = /^\d+: POSIX +ADVISORY +\w+ +(\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) /gm

function holdersOf(path: string, locks: string): ReadonlySet<number> {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true })
  const holders = new Set<number>()
  if (stat === undefined) return holders
  for (const [, pid, major, minor, inode] of locks.matchAll(LOCK)) {
    if (inode === String(stat.ino) && deviceOf(major ?? '', minor ?? '') === stat.dev) holders.add(Number(pid))
  }
  return holders
}

/** As the C library packs the two numbers into `st_dev`. */
function deviceOf(major: string, minor: string): bigint {
  const [high, low] = [BigInt(`0x${major}`), BigInt(`0x${minor}`)]
  return ((high & 0xfffn) << 8n) | ((high & ~0xfffn) << 32n) | (low & 0xffn) | ((low & ~0xffn) << 12n)
}
