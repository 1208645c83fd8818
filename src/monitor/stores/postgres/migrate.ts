/** Tables brought up to date, by whichever of several cameras comes first. */
import type { Client } from 'pg'
import { CelerityError } from '../../../errors.js'
import { POSTGRES_MIGRATIONS, ROOM } from '../../schema.js'

const VERSION = 'SELECT version FROM celerity_schema WHERE room = $1'
const EXISTS = "SELECT to_regclass('celerity_schema') IS NOT NULL AS exists"
const CREATE = 'CREATE TABLE IF NOT EXISTS celerity_schema (room TEXT PRIMARY KEY, version INTEGER NOT NULL)'
const SET_VERSION =
  'INSERT INTO celerity_schema (room, version) VALUES ($1, $2) ON CONFLICT (room) DO UPDATE SET version = excluded.version'
/** Any number, as long as nobody else takes the same: one above the one of commits. */
const ALONE = 'SELECT pg_advisory_xact_lock(499968568180)'

/** @throws E_MONITOR_REFUSED when a newer version of ours has written there */
export async function migrate(client: Client, place: string): Promise<void> {
  const known = await versionOf(client)
  if (known < POSTGRES_MIGRATIONS.length) await client.query('BEGIN').then(() => bringUpToDate(client))
  else if (known > POSTGRES_MIGRATIONS.length) throw newer(place)
}

async function bringUpToDate(client: Client): Promise<void> {
  await client.query(ALONE)
  await client.query(CREATE)
  const version = await versionOf(client) // another camera may have come first
  for (const script of POSTGRES_MIGRATIONS.slice(version)) await client.query(script)
  if (version < POSTGRES_MIGRATIONS.length) await client.query(SET_VERSION, [ROOM, POSTGRES_MIGRATIONS.length])
  await client.query('COMMIT')
}

async function versionOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ exists: boolean }>(EXISTS)
  if (rows[0]?.exists !== true) return 0
  const found = await client.query<{ version: number }>(VERSION, [ROOM])
  return found.rows[0]?.version ?? 0
}

function newer(place: string): CelerityError {
  return new CelerityError('E_MONITOR_REFUSED', {
    message: `${place}: a newer version of Celerity has written it`,
    hint: 'Update celerity here, or give this one a database of its own.',
  })
}
