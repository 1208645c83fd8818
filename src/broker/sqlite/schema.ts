/**
 * The tables of the broker. A message is one row of `broker_message`, written once and deleted at its end; where it is says exactly one
 * row of a thin table: ready, delayed, held or dead. So a claim moves a few bytes, however large the payload.
 *
 * `place` orders a queue at one step: for what was published the number of the message, for what waited for its time a negative number
 * that grows with the time (see places.ts), so that it stands in front. What goes back to the front gets its old place. Suspects are ready
 * too, at a step of their own: that of their priority, and 4 more.
 */
import type { Schema } from '../../sqlite/schema.js'

const VERSION_1 = `
CREATE TABLE file.broker_counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO broker_counter (name, value) VALUES ('place', 0), ('revocation', 0);

CREATE TABLE file.broker_queue (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

CREATE TABLE file.broker_message (id INTEGER PRIMARY KEY, raw BLOB NOT NULL);

CREATE TABLE file.broker_ready (
  queue INTEGER NOT NULL, step INTEGER NOT NULL, place INTEGER NOT NULL, message INTEGER NOT NULL,
  PRIMARY KEY (queue, step, place, message)
) WITHOUT ROWID;

CREATE TABLE file.broker_delayed (
  due INTEGER NOT NULL, message INTEGER NOT NULL, queue INTEGER NOT NULL, step INTEGER NOT NULL,
  PRIMARY KEY (due, message)
) WITHOUT ROWID;
CREATE INDEX file.broker_delayed_queue ON broker_delayed (queue, due);

-- One incarnation. Its lease ends at lease_end, on the monotonic clock of the boot named by boot; renewals counts them.
CREATE TABLE file.broker_worker (
  id INTEGER PRIMARY KEY, incarnation TEXT NOT NULL UNIQUE, node TEXT NOT NULL, queues TEXT NOT NULL, lease_ms INTEGER NOT NULL,
  boot TEXT NOT NULL, lease_end INTEGER NOT NULL, renewals INTEGER NOT NULL DEFAULT 0,
  last_seq INTEGER NOT NULL DEFAULT 0, closed_seq INTEGER NOT NULL DEFAULT 0, fenced INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE file.broker_lane (
  id INTEGER PRIMARY KEY AUTOINCREMENT, worker INTEGER NOT NULL, seq INTEGER NOT NULL,
  queue INTEGER NOT NULL, step INTEGER NOT NULL, size INTEGER NOT NULL
);
CREATE INDEX file.broker_lane_worker ON broker_lane (worker, seq);
CREATE TABLE file.broker_held (
  lane INTEGER NOT NULL, position INTEGER NOT NULL, message INTEGER NOT NULL, place INTEGER NOT NULL,
  started INTEGER NOT NULL DEFAULT 0, early INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (lane, position)
) WITHOUT ROWID;

CREATE TABLE file.broker_dead (
  id INTEGER PRIMARY KEY AUTOINCREMENT, message INTEGER NOT NULL, queue INTEGER NOT NULL, step INTEGER NOT NULL,
  reason TEXT NOT NULL, detail TEXT NOT NULL, at INTEGER NOT NULL, node TEXT NOT NULL, deliveries INTEGER NOT NULL
);
CREATE INDEX file.broker_dead_queue ON broker_dead (queue, id);

-- How often a message was found with a dead worker, and the wall-clock millisecond at which that is forgotten.
CREATE TABLE file.broker_delivery (message_key TEXT PRIMARY KEY, count INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE file.broker_limit (name TEXT PRIMARY KEY, boot TEXT NOT NULL, next REAL NOT NULL) WITHOUT ROWID;

CREATE TABLE file.broker_revoked (id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE file.broker_broadcast (
  id INTEGER PRIMARY KEY AUTOINCREMENT, exchange TEXT NOT NULL, routing_key TEXT NOT NULL, raw BLOB NOT NULL
);
-- Who listens: without anybody, a broadcast writes nothing.
CREATE TABLE file.broker_subscriber (id TEXT NOT NULL, exchange TEXT NOT NULL, boot TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (exchange, id)) WITHOUT ROWID;
`

const VERSION_2 = `
-- schedule_version: of the last edit; schedule_forgotten: of the last removal that is not remembered any more.
INSERT INTO broker_counter (name, value) VALUES ('schedule_version', 0), ('schedule_forgotten', 0);

CREATE TABLE file.broker_entry (
  name TEXT PRIMARY KEY, json TEXT NOT NULL, source TEXT NOT NULL, version INTEGER NOT NULL, enabled INTEGER NOT NULL DEFAULT 1,
  planned INTEGER, over INTEGER NOT NULL DEFAULT 0, last_due INTEGER, last_sent INTEGER, runs INTEGER NOT NULL DEFAULT 0, node TEXT
);
CREATE INDEX file.broker_entry_version ON broker_entry (version);
CREATE TABLE file.broker_entry_removed (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX file.broker_entry_removed_version ON broker_entry_removed (version);

CREATE TABLE file.broker_occurrence (
  id INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL, due INTEGER NOT NULL, at INTEGER NOT NULL,
  outcome TEXT NOT NULL, tasks TEXT NOT NULL, node TEXT NOT NULL, epoch INTEGER
);
CREATE INDEX file.broker_occurrence_entry ON broker_occurrence (entry, id);

-- A task that holds its entry open for as long as its message is there; until: or at the latest.
CREATE TABLE file.broker_hold (entry TEXT NOT NULL, task TEXT NOT NULL, message INTEGER NOT NULL, until INTEGER, PRIMARY KEY (entry, task)) WITHOUT ROWID;
CREATE INDEX file.broker_hold_message ON broker_hold (message);

-- Who led; the one that is not over leads. began and until are wall-clock times to be shown; the lease is as in broker_worker.
CREATE TABLE file.broker_reign (
  epoch INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, node TEXT NOT NULL, began INTEGER NOT NULL, until INTEGER NOT NULL,
  lease_ms INTEGER NOT NULL, boot TEXT NOT NULL, lease_end INTEGER NOT NULL, over INTEGER NOT NULL DEFAULT 0
);

-- One row: the wall clock of the schedules, see schedule-clock.ts.
CREATE TABLE file.broker_schedule_clock (
  id INTEGER PRIMARY KEY CHECK (id = 1), boot TEXT NOT NULL, at INTEGER NOT NULL, wall INTEGER NOT NULL, doubt INTEGER, since INTEGER
);
`

const VERSION_3 = `
-- The journal: one row while it has readers. newest: events written so far, the position of the last batch.
CREATE TABLE file.broker_journal (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, newest INTEGER NOT NULL);
CREATE TABLE file.broker_journal_batch (position INTEGER PRIMARY KEY, events INTEGER NOT NULL, raw BLOB NOT NULL);
-- until: wall-clock millisecond, since a reader may be away for longer than a boot lasts.
CREATE TABLE file.broker_journal_reader (name TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;

-- The last word of an incarnation, left at millisecond "at" of the boot; with what is needed to show one that is not registered any more.
CREATE TABLE file.broker_note (
  incarnation TEXT PRIMARY KEY, boot TEXT NOT NULL, at INTEGER NOT NULL, node TEXT NOT NULL, queues TEXT NOT NULL, state TEXT NOT NULL
);
`

const VERSION_4 = `
-- Names the process of a worker, for whoever judges what it held.
ALTER TABLE file.broker_worker ADD COLUMN process TEXT;
`

export const SCHEMA: Schema = { room: 'broker', migrations: [VERSION_1, VERSION_2, VERSION_3, VERSION_4] }
