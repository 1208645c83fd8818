import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Clock, systemClock } from '../../src/clock.js'
import { createLog } from '../../src/log.js'
import type { Handle } from '../../src/sqlite/binding.js'
import { loadBinding } from '../../src/sqlite/binding.js'
import { type Database, openDatabase } from '../../src/sqlite/database.js'
import { OPTIONS } from './a-database.js'

const MEGABYTE = 2 ** 20

describe('the log of a SQLite file', function () {
  this.timeout(30_000)
  let folder: string
  let file: string
  let database: Database
  let reader: Handle
  let said: string[]
  let ahead: number

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'celerity-long-log-'))
    file = join(folder, 'tasks.db')
    said = []
    ahead = 0
    const clock: Clock = {
      ...systemClock,
      monotonic: () => systemClock.monotonic() + ahead,
      now: systemClock.now,
      sleep: systemClock.sleep,
    }
    database = await openDatabase(`sqlite:${file}?synchronous=normal`, {
      ...OPTIONS,
      schema: { room: 'test', migrations: ['CREATE TABLE file.line (text BLOB)'] },
      clock,
      log: createLog('info', (level, text) => said.push(`${level}: ${text}`)),
    })
    reader = (await loadBinding())(file, { timeout: 0 })
  })
  afterEach(() => {
    reader.close()
    database.close()
    rmSync(folder, { recursive: true })
  })

  const length = () => statSync(`${file}-wal`).size / MEGABYTE
  /** So long after the last one that the length of the log is looked at. */
  const write = async () => {
    ahead += 10_000
    await database.write((transaction) => {
      transaction.run('DELETE FROM line')
      transaction.run('INSERT INTO line VALUES (zeroblob(?))', 5 * MEGABYTE)
    }, 'soon')
  }

  it('grows while somebody reads on, which is said when it is long, and at each doubling; it is cut off after that', async () => {
    await write()
    reader.exec('BEGIN; SELECT count(*) FROM line')
    while (length() < 150) await write()
    expect(said).to.have.length(2)
    for (const line of said) expect(line).to.match(/^warning: the log of the SQLite file has grown to \d+ MB: somebody keeps a read/)

    reader.exec('COMMIT')
    await write()

    expect(length()).to.equal(0)
    expect(said[2]).to.equal('info: the log of the SQLite file is short again')
  })

  it('stays short, and nothing is said, where nobody reads for long', async () => {
    for (let at = 0; at < 10; at++) await write()
    expect(length()).to.be.below(20)
    expect(said).to.deep.equal([])
  })
})
