/** The database file: from URL to path, made private, told apart from another file of the same name. */
import { closeSync, constants, mkdirSync, openSync, realpathSync, statfsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

export type Synchronous = 'full' | 'normal'

export interface FileOptions {
  readonly path: string
  /** `full` (default): what was answered survives a power cut. `normal`: it survives a crash of the process only. */
  readonly synchronous: Synchronous
}

/**
 * `sqlite:relative.db`, `sqlite:/absolute.db`, `sqlite:///absolute.db`; relative to the current folder, which settings resolve before.
 * `?synchronous=normal` trades durability for speed.
 *
 * @returns undefined when the URL names no file
 */
export function parseSqliteUrl(url: string): FileOptions | undefined {
  const [, rest = '', query = ''] = /^sqlite:(?:\/\/)?([^?#]*)(?:\?([^#]*))?/i.exec(url) ?? []
  if (rest === '' || rest === '/' || rest === ':memory:') return undefined
  const synchronous = new URLSearchParams(query).get('synchronous') ?? 'full'
  if (synchronous !== 'full' && synchronous !== 'normal') return undefined
  return { path: resolve(decoded(rest)), synchronous }
}

/** Makes the file, readable for its user alone, if it is not there; returns its real path. SQLite gives `-wal` and `-shm` the same mode. */
export function ensureFile(path: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    // O_EXCL: never through a link that somebody left in the place of a file that is not there yet.
    closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return realpathSync(path)
}

/** Changes when the file is deleted or another one is put in its place. */
export function identity(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true })
  return stat === undefined ? 'gone' : `${stat.dev}:${stat.ino}`
}

/** Magic numbers of statfs(2) where locks and shared memory do not work between machines (sqlite.org/wal.html, "same host"). */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x517b, 'SMB'],
  [0x5346414f, 'AFS'],
])

/** The name of the network file system the file is on; undefined: a local one, as far as can be told. */
export function networkFileSystem(path: string): string | undefined {
  return NETWORK_FILE_SYSTEMS.get(statfsSync(path).type >>> 0)
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path // a lone % is part of the name
  }
}
