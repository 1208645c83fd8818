/**
 * The table of results. Every write makes a new row, so `change` grows with each and is all that a watcher needs to read on: what is
 * above the last number it saw.
 */
import type { Schema } from '../../sqlite/schema.js'

const VERSION_1 = `
CREATE TABLE file.result (
  change INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, state TEXT NOT NULL,
  -- wall-clock milliseconds; NULL: for ever
  until INTEGER,
  json TEXT NOT NULL
);
CREATE UNIQUE INDEX file.result_id ON result (id);
CREATE INDEX file.result_until ON result (until) WHERE until IS NOT NULL;
`

export const SCHEMA: Schema = { room: 'results', migrations: [VERSION_1] }

/**
 * One write. A SUCCESS that has not run out stays as it is.
 * Parameters: id, state, until or null, JSON, now.
 */
export const WRITE = `INSERT OR REPLACE INTO result (id, state, until, json) SELECT ?1, ?2, ?3, ?4
  WHERE NOT EXISTS (SELECT 1 FROM result WHERE id = ?1 AND state = 'SUCCESS' AND (until IS NULL OR until > ?5))`
