/** The embedded broker, beside what the binding itself can do. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Figure } from '../figure.js'
import { program } from '../peers/celerity.js'
import { Program } from '../program.js'
import { drain } from './drain.js'

export const sqlite: Figure = {
  name: 'sqlite',
  title: 'drain on SQLite, results kept, concurrency 10',
  note: 'raw: claim 20 rows, delete 20 rows, nothing else, on the same binding and with the same durability',
  columns: [
    { key: 'rate', head: 'tasks/s' },
    { key: 'worker', head: 'worker CPU µs/task', digits: 1 },
  ],
  goals: [{ column: 'rate', to: 'raw', atLeast: 1 / 4 }],
  contenders: ({ onSqlite }, { tasks }) => [
    { name: onSqlite.name, measure: () => drain(onSqlite, tasks, 10) },
    { name: 'raw', measure: () => raw(tasks) },
  ],
}

async function raw(tasks: number) {
  const folder = mkdtempSync(join(tmpdir(), 'celerity-raw-'))
  try {
    const args = [program('sqlite-raw.js'), join(folder, 'raw.db'), `${tasks}`]
    return { rate: tasks / (await new Program({ file: process.execPath, args }).result('took')) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
