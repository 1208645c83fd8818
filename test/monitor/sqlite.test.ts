import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { openSnapshots } from '../../src/monitor/open.js'
import { describeSnapshots } from '../conformance/monitor.js'

describeSnapshots('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'celerity-monitor-'))
  const file = join(folder, 'monitor.db')
  return {
    open: () => openSnapshots(`sqlite:${file}`),
    async run(sql) {
      const database = new DatabaseSync(file, { timeout: 5_000 })
      database.exec(sql)
      database.close()
    },
    async remove() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
})
