/** Ourselves without any server: broker and results in one file. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadBinding } from '../../src/sqlite/binding.js'
import { VERSION } from '../../src/version.js'
import { Program } from '../program.js'
import { producer, worker } from './celerity.js'
import type { Peer } from './peer.js'

export function celerityOnSqlite(): Peer {
  return {
    name: `Celerity ${VERSION}, SQLite`,
    async open() {
      const open = await loadBinding()
      const folder = mkdtempSync(join(tmpdir(), 'celerity-sqlite-'))
      const file = join(folder, 'tasks.db')
      const env = { TASKS_BROKER_URL: `sqlite:${file}` }
      const programs: Program[] = []
      const start = (program: Program) => {
        programs.push(program)
        return program
      }
      return {
        send: (how, count) => start(new Program(producer(env, how, count))).result('took'),
        startWorker: (concurrency) => start(new Program(worker(env, concurrency))),
        async progress() {
          const database = open(file, { timeout: 1_000 })
          try {
            // Every result has the next number: the highest is their count, found without counting.
            const row = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'result'").get()
            return { at: performance.now(), done: Number((row as { seq?: unknown } | undefined)?.seq ?? 0) }
          } finally {
            database.close()
          }
        },
        serverCpu: async () => 0, // there is none: the worker does the work
        async close() {
          await Promise.all(programs.map((program) => program.stop()))
          rmSync(folder, { recursive: true, force: true })
        },
      }
    },
  }
}
