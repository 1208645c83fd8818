/**
 * Another program with its own SQLite at the broker's file, as a person with a shell would have it. `lock`: says "locked" and holds the
 * lock until it ends. `try`: says whether it could be had. `count`: one line for each table that is not empty.
 */
import { DatabaseSync } from '@photostructure/sqlite'

/** Without those whose rows run out by themselves: a worker that was killed is taken for a listener for half a minute more. */
const TABLES = ['message', 'ready', 'delayed', 'held', 'lane', 'worker', 'dead'] as const

const [command, path = ''] = process.argv.slice(2)
const file = new DatabaseSync(path, { timeout: command === 'try' ? 500 : 10_000 })

switch (command) {
  case 'lock':
    file.exec('BEGIN IMMEDIATE')
    console.log('locked')
    setInterval(() => file, 60_000)
    break
  case 'try':
    console.log(mayWrite() ? 'free' : 'busy')
    break
  case 'count':
    for (const table of TABLES) {
      const { count } = file.prepare(`SELECT count(*) AS count FROM broker_${table}`).get() as { count: number }
      if (count > 0) console.log(`${count} rows in broker_${table}`)
    }
}

function mayWrite(): boolean {
  try {
    file.exec('BEGIN IMMEDIATE; ROLLBACK')
    return true
  } catch {
    return false // busy
  }
}
