import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { CelerityError } from '../../src/errors.js'
import { loadBinding } from '../../src/sqlite/binding.js'
import { systemLocks } from '../../src/sqlite/companions.js'
import { type Database, type DatabaseOptions, openDatabase } from '../../src/sqlite/database.js'
import { eventually } from '../eventually.js'
import { endWithUs } from '../setup/guard.js'
import { OPTIONS } from './a-database.js'

const HOLDER = fileURLToPath(new URL('../faults/sqlite-holder.ts', import.meta.url))

describe('a SQLite file in whose place another one is put', function () {
  this.timeout(60_000)
  let folder: string
  let file: string
  let another: string
  let opened: Database[]

  async function open(path = file, options: Partial<DatabaseOptions> = {}): Promise<Database> {
    const database = await openDatabase(`sqlite:${path}`, { ...OPTIONS, ...options })
    opened.push(database)
    return database
  }
  const write = (database: Database, text: string) =>
    database.write((transaction) => transaction.run('INSERT INTO line (text) VALUES (?)', text))
  const lines = (database: Database) =>
    database.read((transaction) => transaction.all<{ text: string }>('SELECT text FROM line ORDER BY rowid').map(({ text }) => text))
  const beside = () => readdirSync(folder).filter((name) => name !== 'tasks.db')
  const integrity = async (path: string) => {
    const handle = (await loadBinding())(path, { timeout: 1_000 })
    try {
      return handle.prepare('PRAGMA integrity_check').get()
    } finally {
      handle.close()
    }
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'celerity-replaced-'))
    file = join(folder, 'tasks.db')
    another = join(folder, 'another.db')
    opened = []
    const other = await openDatabase(`sqlite:${another}`, OPTIONS)
    await write(other, 'another')
    other.close()
  })
  afterEach(() => {
    for (const database of opened) database.close()
    rmSync(folder, { recursive: true })
  })

  it('is opened without what was in the log of the old one, which is kept for whoever wants it', async () => {
    const [first, second] = [await open(), await open()]
    for (let at = 0; at < 50; at++) await write(first, `old ${'x'.repeat(2_000)}`)
    renameSync(file, join(folder, 'old.db'))
    renameSync(another, file)

    await eventually(async () => (await lines(first)).join() === 'another', 5)
    await write(first, 'new')
    expect(await lines(second)).to.deep.equal(['another', 'new'])
    for (const database of opened) database.close()

    const [kept] = beside().filter((name) => name !== 'old.db')
    expect(beside(), 'nothing else is left').to.have.members(['old.db', kept])
    expect(await integrity(file)).to.deep.equal({ integrity_check: 'ok' })
    renameSync(join(folder, kept ?? ''), join(folder, 'old.db-wal'))
    expect(await lines(await open(join(folder, 'old.db')))).to.have.length(50)
  })

  it('is the end for those who asked to be told: neither file is written any more, by none of their connections', async () => {
    const [first, second] = [await open(), await open()]
    const told: CelerityError[] = []
    first.onReplaced((error) => told.push(error))
    await write(first, 'old')
    const before = readFileSync(another)
    renameSync(another, file)

    await eventually(() => told.length > 0, 5)
    for (const database of [first, second]) {
      for (const call of [write(database, 'lost'), lines(database)]) expect(await rejection(call)).to.include({ code: 'E_FILE_REPLACED' })
    }
    expect(told).to.have.length(1)
    expect(told[0]).to.include({ exit: 74 }).and.have.property('message').that.contains(file)
    for (const database of opened) database.close()
    expect(readFileSync(file).equals(before), 'the new file is as it was').to.equal(true)
    expect(beside().filter((name) => !name.includes('.old-'))).to.deep.equal([])
    expect(await lines(await open())).to.deep.equal(['another'])
  })

  it('is the end for those who asked to be told when it is only deleted too, and they make no other', async () => {
    const database = await open()
    database.onReplaced(() => {})
    await write(database, 'old')
    for (const end of ['', '-wal', '-shm']) rmSync(file + end)

    expect(await rejection(write(database, 'lost'))).to.include({ code: 'E_FILE_REPLACED' })
    expect(await rejection(lines(database))).to.include({ code: 'E_FILE_REPLACED' })
    expect(existsSync(file)).to.equal(false)
  })

  it('is noticed before the next write, however soon that comes', async () => {
    const database = await open()
    await write(database, 'old')
    database.onReplaced(() => {})
    renameSync(another, file)
    const late = database.write((transaction) => transaction.run("INSERT INTO line VALUES ('late')"), 'soon')

    expect(await rejection(late)).to.include({ code: 'E_FILE_REPLACED' })
  })

  it('is not opened while another process uses the old one, whose log it would be given', async function () {
    await write(await open(), 'old')
    copyFileSync(file, join(folder, 'old.db'))
    const holder = spawn(process.execPath, ['--import', 'tsx', HOLDER, file, 'lock'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const guard = endWithUs(holder.pid ?? 0)
    const ended = new Promise((resolve) => holder.once('exit', resolve)).then(() => guard.dismiss())
    try {
      await new Promise((resolve) => holder.stdout.once('data', resolve))
      for (const database of opened.splice(0)) database.close()
      if (!systemLocks().includes(` ${holder.pid} `)) this.skip() // no Linux, or one that does not tell
      renameSync(another, file)

      const refused = await rejection(openDatabase(`sqlite:${file}`, { ...OPTIONS, deadlineMs: 100 }))
      expect(refused).to.include({ code: 'E_BROKER_UNREACHABLE' }).and.have.property('message').that.contains(`process ${holder.pid}`)
    } finally {
      holder.kill('SIGKILL')
      await ended
    }
    for (const end of ['-wal', '-shm']) if (existsSync(file + end)) rmSync(file + end) // killed it left them: to nobody's knowledge of ours
    expect(await lines(await open())).to.deep.equal(['another'])
  })
})

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('expected a rejection')
}
