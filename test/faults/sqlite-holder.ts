/** Another program that has a transaction open on a SQLite file, until it is killed: `sqlite-holder.ts FILE half|lock`. */
import { loadBinding } from '../../src/sqlite/binding.js'

const [file = '', how = ''] = process.argv.slice(2)
const open = await loadBinding()
const database = open(file, { timeout: 5_000 })
database.exec('BEGIN IMMEDIATE')
if (how === 'half') {
  // More than fits into its cache, so that some of it is in the log when it is killed.
  database.exec('PRAGMA cache_size = 10')
  database.exec('CREATE TABLE filler (text TEXT)')
  const insert = database.prepare('INSERT INTO filler VALUES (?)')
  for (let row = 0; row < 2_000; row++) insert.run('x'.repeat(1_000))
  database.exec('DELETE FROM broker_ready')
}
process.stdout.write('ready\n')
setInterval(() => {}, 1_000)
