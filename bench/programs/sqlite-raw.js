/**
 * What the SQLite binding itself can do: claim 20 rows, then delete those 20 rows, each in one transaction, without leases, priorities,
 * results or tasks. `node sqlite-raw.js FILE COUNT`; prints the seconds it took.
 */
import { now } from './start-line.js'

const [file, total] = [process.argv[2], Number(process.argv[3])]
const { DatabaseSync } = process.getBuiltinModule('node:sqlite') ?? (await import('@photostructure/sqlite'))
const database = new DatabaseSync(file)
// As our broker has it: what was acknowledged survives a power cut, what was merely claimed need not.
database.exec('PRAGMA journal_mode = WAL; CREATE TABLE message (id INTEGER PRIMARY KEY, owner INTEGER, raw BLOB NOT NULL)')
const insert = database.prepare('INSERT INTO message (raw) VALUES (?)')
const claim = database.prepare(
  'UPDATE message SET owner = 1 WHERE id IN (SELECT id FROM message WHERE owner IS NULL ORDER BY id LIMIT 20) RETURNING id, raw',
)
const remove = database.prepare('DELETE FROM message WHERE id = ?')

database.exec('BEGIN')
for (let count = 0; count < total; count++) insert.run(Buffer.alloc(920, 'x'))
database.exec('COMMIT')

const began = now()
for (;;) {
  database.exec('PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE')
  const rows = claim.all()
  database.exec('COMMIT')
  if (rows.length === 0) break
  database.exec('PRAGMA synchronous = FULL; BEGIN IMMEDIATE')
  for (const { id } of rows) remove.run(id)
  database.exec('COMMIT')
}
process.stdout.write(`took ${(now() - began) / 1e9}\n`)
database.close()
