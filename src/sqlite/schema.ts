/** Tables brought up to date, by whichever of several processes comes first. */
import type { Handle } from './binding.js'
import { rollback } from './statements.js'

export interface Schema {
  /** Whose tables: two rooms may keep theirs in one file, each with a version of its own (`PRAGMA user_version` is only one number). */
  readonly room: string
  /** SQL scripts; the n-th leads from version n-1 to n. Never changed once released, only added to. */
  readonly migrations: readonly string[]
}

const CREATE = 'CREATE TABLE IF NOT EXISTS celerity_schema (room TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID'

/**
 * Runs what is missing, in one transaction; throws SQLite's busy error when another process is at it just now.
 *
 * @returns false when the file is of a newer version, which this one must not touch
 */
export function migrate(handle: Handle, { room, migrations }: Schema): boolean {
  if (versionOf(handle, room) === migrations.length) return true // the usual case takes no lock
  handle.exec('BEGIN IMMEDIATE')
  try {
    handle.exec(CREATE)
    const version = versionOf(handle, room)
    for (const script of migrations.slice(version)) handle.exec(script)
    if (version < migrations.length) {
      handle.prepare('INSERT OR REPLACE INTO celerity_schema (room, version) VALUES (?, ?)').run(room, migrations.length)
    }
    handle.exec('COMMIT')
    return version <= migrations.length
  } catch (error) {
    rollback(handle)
    throw error
  }
}

function versionOf(handle: Handle, room: string): number {
  const known = handle.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'celerity_schema'").get()
  if (known === undefined) return 0
  return handle.prepare('SELECT version FROM celerity_schema WHERE room = ?').get(room)?.version ?? 0
}
