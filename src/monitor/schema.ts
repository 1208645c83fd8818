/**
 * The tables of the monitor, published in docs/monitor.md: the same in both databases but for how a few things are said. Moments are unix
 * seconds, spans seconds, texts as the events had them.
 */

/** What SQLite and PostgreSQL say differently. */
interface Words {
  /** Before the name of what is created. */
  readonly place: string
  /** A random text. */
  readonly random: string
  /** Whole minutes since 1970 of a moment. */
  readonly minute: (moment: string) => string
}

const SQLITE: Words = {
  place: 'file.',
  random: 'lower(hex(randomblob(16)))',
  minute: (moment) => `CAST(${moment} / 60 AS BIGINT)`,
}

const POSTGRES: Words = {
  place: '',
  random: "replace(gen_random_uuid()::text, '-', '')",
  minute: (moment) => `CAST(floor(${moment} / 60) AS BIGINT)`,
}

/** The n-th leads from version n-1 to n. Never changed once released, only added to. */
const MIGRATIONS: readonly ((words: Words) => string)[] = [version1]

export const ROOM = 'monitor'
export const SQLITE_MIGRATIONS: readonly string[] = MIGRATIONS.map((migration) => migration(SQLITE))
export const POSTGRES_MIGRATIONS: readonly string[] = MIGRATIONS.map((migration) => migration(POSTGRES))

function version1({ place, random, minute }: Words): string {
  return `
CREATE TABLE ${place}monitor_task (
  id TEXT NOT NULL PRIMARY KEY, name TEXT, state TEXT NOT NULL, worker TEXT, queue TEXT,
  args TEXT, kwargs TEXT, result TEXT, error TEXT, exception TEXT, traceback TEXT,
  runtime DOUBLE PRECISION, retries BIGINT NOT NULL, tries BIGINT NOT NULL,
  root_id TEXT, parent_id TEXT, sent_from TEXT, eta DOUBLE PRECISION, expires DOUBLE PRECISION,
  sent_at DOUBLE PRECISION, received_at DOUBLE PRECISION, started_at DOUBLE PRECISION, ended_at DOUBLE PRECISION,
  state_at DOUBLE PRECISION NOT NULL, clock BIGINT NOT NULL,
  stored_at DOUBLE PRECISION NOT NULL, checked_at DOUBLE PRECISION, basis TEXT
);
CREATE INDEX ${place}monitor_task_expiry ON monitor_task (state, stored_at);
CREATE INDEX ${place}monitor_task_latest ON monitor_task (state_at);
CREATE INDEX ${place}monitor_task_open ON monitor_task (stored_at) WHERE ended_at IS NULL;
CREATE INDEX ${place}monitor_task_children ON monitor_task (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE ${place}monitor_try (
  task_id TEXT NOT NULL, number BIGINT NOT NULL, at DOUBLE PRECISION NOT NULL, clock BIGINT NOT NULL, outcome TEXT NOT NULL, worker TEXT NOT NULL,
  runtime DOUBLE PRECISION, exception TEXT, traceback TEXT,
  PRIMARY KEY (task_id, number)
);

CREATE TABLE ${place}monitor_worker (
  node TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, heartbeat_at DOUBLE PRECISION NOT NULL, freq DOUBLE PRECISION NOT NULL,
  pid BIGINT, software TEXT, active BIGINT, processed BIGINT,
  load_1 DOUBLE PRECISION, load_5 DOUBLE PRECISION, load_15 DOUBLE PRECISION,
  clock BIGINT NOT NULL, missed BIGINT NOT NULL, basis TEXT, stored_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE ${place}monitor_cursor (
  journal TEXT NOT NULL PRIMARY KEY, server TEXT NOT NULL, position BIGINT NOT NULL, stored_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE ${place}monitor_gap (
  id TEXT NOT NULL PRIMARY KEY, at DOUBLE PRECISION NOT NULL, cause TEXT NOT NULL, events BIGINT, detail TEXT NOT NULL
);

CREATE TABLE ${place}monitor_identity (id TEXT NOT NULL PRIMARY KEY);
INSERT INTO monitor_identity (id) VALUES (${random});

CREATE VIEW ${place}monitor_failures AS
  SELECT name, error, COUNT(*) AS failures, MIN(ended_at) AS first_at, MAX(ended_at) AS last_at
  FROM monitor_task WHERE state = 'FAILURE' GROUP BY name, error;

CREATE VIEW ${place}monitor_slowest AS
  SELECT name, COUNT(*) AS runs, AVG(runtime) AS mean_runtime, MAX(runtime) AS longest_runtime, SUM(runtime) AS total_runtime,
    AVG(started_at - CASE WHEN eta > COALESCE(sent_at, received_at) THEN eta ELSE COALESCE(sent_at, received_at) END) AS mean_wait
  FROM monitor_task WHERE runtime IS NOT NULL GROUP BY name;

CREATE VIEW ${place}monitor_per_minute AS
  SELECT 60 * ${minute('ended_at')} AS minute, name,
    COUNT(CASE state WHEN 'SUCCESS' THEN 1 END) AS succeeded,
    COUNT(CASE state WHEN 'FAILURE' THEN 1 END) AS failed,
    COUNT(CASE state WHEN 'REVOKED' THEN 1 END) AS revoked,
    AVG(runtime) AS mean_runtime, MAX(runtime) AS longest_runtime
  FROM monitor_task WHERE ended_at IS NOT NULL GROUP BY ${minute('ended_at')}, name;
`
}
