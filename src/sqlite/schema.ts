/** Tables brought up to date, by whichever of several processes comes first. */
import type { Statements } from './statements.js'

export interface Schema {
  /** Whose tables: two rooms may keep theirs in one file, each with a version of its own (`PRAGMA user_version` is only one number). */
  readonly room: string
  /**
   * SQL scripts; the n-th leads from version n-1 to n. Never changed once released, only added to. What they create is written with the
   * name of the file: `CREATE TABLE file.name (…)`.
   */
  readonly migrations: readonly string[]
}

const CREATE = 'CREATE TABLE IF NOT EXISTS file.celerity_schema (room TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID'
const EXISTS = "SELECT 1 FROM file.sqlite_schema WHERE name = 'celerity_schema'"
const VERSION = 'SELECT version FROM celerity_schema WHERE room = ?'
const SET_VERSION = 'INSERT OR REPLACE INTO celerity_schema (room, version) VALUES (?, ?)'

/**
 * Runs what is missing, in one transaction; throws SQLite's busy error when another process is at it just now.
 *
 * @returns false when the file is of a newer version, which this one must not touch
 */
export function migrate(statements: Statements, { room, migrations }: Schema): boolean {
  const known = versionOf(statements, room)
  if (known >= migrations.length) return known === migrations.length // the usual case takes no lock
  statements.run('BEGIN IMMEDIATE')
  try {
    statements.exec(CREATE)
    const version = versionOf(statements, room) // another process may have come first
    for (const script of migrations.slice(version)) statements.exec(script)
    if (version < migrations.length) statements.run(SET_VERSION, room, migrations.length)
    statements.run('COMMIT')
    return version <= migrations.length
  } catch (error) {
    statements.rollback()
    throw error
  }
}

function versionOf(statements: Statements, room: string): number {
  if (statements.get(EXISTS) === undefined) return 0
  return statements.get<{ version: number }>(VERSION, room)?.version ?? 0
}
