import fs from 'node:fs'
import { mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { type Clock, systemClock } from '../../src/clock.js'
import { loadBinding } from '../../src/sqlite/binding.js'
import { type Database, type DatabaseOptions, openDatabase } from '../../src/sqlite/database.js'
import { parseSqliteUrl } from '../../src/sqlite/file.js'
import { Statements, type Transaction } from '../../src/sqlite/statements.js'
import { eventually } from '../conformance/broker/stage.js'
import { OPTIONS } from './a-database.js'

describe('a SQLite database', () => {
  let folder: string
  let file: string
  let opened: Database[]

  async function open(options: Partial<DatabaseOptions> = {}): Promise<Database> {
    const database = await openDatabase(`sqlite:${file}`, { ...OPTIONS, ...options })
    opened.push(database)
    return database
  }
  const write = (database: Database, text: string) =>
    database.write((transaction) => transaction.run('INSERT INTO line (text) VALUES (?)', text))
  const lines = (database: Database) =>
    database.read((transaction) => transaction.all<{ text: string }>('SELECT text FROM line ORDER BY rowid').map(({ text }) => text))

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'celerity-sqlite-'))
    file = join(folder, 'deep/er/tasks.db')
    opened = []
  })
  afterEach(async () => {
    for (const database of opened) database.close()
    await rm(folder, { recursive: true })
  })

  it('is made private: the file for its user alone, and the folders made for it', async () => {
    await write(await open(), 'x')

    expect((await stat(file)).mode & 0o777).to.equal(0o600)
    expect((await stat(`${file}-wal`)).mode & 0o777).to.equal(0o600)
    expect((await stat(join(folder, 'deep'))).mode & 0o777).to.equal(0o700)
    expect((await stat(join(folder, 'deep/er'))).mode & 0o777).to.equal(0o700)
  })

  it('leaves one file behind when the last connection is closed', async () => {
    const first = await open()
    const second = await open()
    await write(first, 'x')
    await write(second, 'y')

    for (const database of opened) database.close()

    expect(await readdir(join(folder, 'deep/er'))).to.deep.equal(['tasks.db'])
  })

  it('keeps what was written, and nothing of a step that throws', async () => {
    const database = await open()
    await write(database, 'kept')

    const failed = database.write((transaction) => {
      transaction.run("INSERT INTO line (text) VALUES ('lost')")
      throw new RangeError('a mistake')
    })

    expect(await rejection(failed)).to.be.instanceOf(RangeError)
    expect(await lines(await open())).to.deep.equal(['kept'])
  })

  describe('whose disk is slow', () => {
    const { fdatasyncSync } = fs
    let flushes: (() => void)[]
    beforeEach(() => {
      flushes = []
      fs.fdatasyncSync = (file) => {
        fdatasyncSync(file)
        for (const seen of flushes) seen()
      }
      syncBuiltinESMExports()
    })
    afterEach(() => {
      fs.fdatasyncSync = fdatasyncSync
      syncBuiltinESMExports()
    })

    it('flushes a durable write before it answers, and others see it, and may write, before that', async () => {
      const database = await open()
      const handle = (await loadBinding())(file, { timeout: 0 })
      const seen: unknown[] = []
      flushes.push(() => {
        seen.push(handle.prepare('SELECT count(*) AS count FROM line').get())
        handle.exec('BEGIN IMMEDIATE; ROLLBACK')
      })
      await write(database, 'x')
      handle.close()
      expect(seen).to.deep.equal([{ count: 1 }])
    })

    it('flushes nothing by itself for what may wait, or where less was asked for', async () => {
      let count = 0
      flushes.push(() => count++)
      const step = (transaction: Transaction) => transaction.run("INSERT INTO line VALUES ('x')")
      const database = await open()
      await database.write(step, 'soon')
      const lax = await openDatabase(`sqlite:${file}?synchronous=normal`, OPTIONS)
      opened.push(lax)
      await lax.write(step)
      expect(count).to.equal(0)
    })
  })

  describe('on a file system that several machines share', () => {
    const { statfsSync } = fs
    const NFS = 0x6969
    const setType = (type: number) => {
      fs.statfsSync = ((path: string) => ({ ...statfsSync(path), type })) as typeof statfsSync
      syncBuiltinESMExports()
    }
    afterEach(() => {
      fs.statfsSync = statfsSync
      syncBuiltinESMExports()
    })

    for (const [type, name] of [
      [NFS, 'NFS'],
      [-0xacb2be, 'CIFS'], // 0xff534d42, as a signed number
      [0x01021997, '9P'],
      [0x65735546, 'FUSE'],
    ] as const) {
      it(`is refused, with the reason: ${name}`, async () => {
        setType(type)
        const error = await rejection(open())
        expect(error).to.include({ code: 'E_BROKER_UNSAFE' })
        expect(error).to.have.property('message').that.contains(file).and.contains(name)
        expect(error).to.have.property('hint').that.contains('?filesystem=any')
      })
    }

    it('serves where its owner knows better', async () => {
      setType(NFS)
      const database = await openDatabase(`sqlite:${file}?filesystem=any`, OPTIONS)
      opened.push(database)
      await write(database, 'x')
      expect(await lines(database)).to.deep.equal(['x'])
    })
  })

  it('is the same by a link to it', async () => {
    const database = await open()
    const link = join(folder, 'link.db')
    await symlink(file, link)

    const other = await openDatabase(`sqlite:${link}`, OPTIONS)
    opened.push(other)

    expect(other.path).to.equal(database.path)
  })

  describe('busy', () => {
    let blocker: Statements
    beforeEach(async () => {
      await open()
      blocker = new Statements((await loadBinding())(':memory:', { timeout: 0 }), file)
      blocker.run('BEGIN IMMEDIATE')
    })
    afterEach(() => blocker.close())

    it('is tried again until the lock is free, without blocking the event loop', async () => {
      const database = await open()
      let turns = 0
      const ticker = setInterval(() => turns++, 1)

      const written = write(database, 'x')
      setTimeout(() => blocker.run('COMMIT'), 300)
      await written
      clearInterval(ticker)

      expect(await lines(database)).to.deep.equal(['x'])
      expect(turns).to.be.greaterThan(3)
    })

    it('is tried more often by who has waited for longer', async () => {
      const pauses: { readonly elapsed: number; readonly ms: number }[] = []
      let elapsed = 0
      const clock: Clock = {
        now: () => systemClock.now(),
        monotonic: () => elapsed,
        sleep: async (seconds) => {
          pauses.push({ elapsed, ms: seconds * 1000 })
          elapsed += seconds * 1000
        },
      }
      const waiting = await open({ clock, deadlineMs: 1_000 })
      pauses.length = 0
      elapsed = 0
      expect(await rejection(write(waiting, 'x'))).to.include({ code: 'E_BROKER_UNREACHABLE' })
      const longest = (from: number, to: number) =>
        Math.max(...pauses.flatMap((pause) => (pause.elapsed >= from && pause.elapsed < to ? [pause.ms] : [])))
      expect(longest(0, 500)).to.be.within(8, 20)
      expect(longest(800, 1_000)).to.be.below(4.1)
    })

    it('past the deadline is an error that says so', async () => {
      const database = await open({ deadlineMs: 200 })

      const error = await rejection(write(database, 'x'))

      expect(error).to.include({ code: 'E_BROKER_UNREACHABLE' })
      expect(error.message).to.contain(file).and.contain('locked')
      blocker.rollback()
      await write(database, 'y')
      expect(await lines(database)).to.deep.equal(['y'])
    })

    it('is read all the same', async () => {
      expect(await lines(await open())).to.deep.equal([])
    })
  })

  it('deleted under us is made anew, tables included', async () => {
    const database = await open()
    await write(database, 'old')
    for (const name of await readdir(join(folder, 'deep/er'))) await rm(join(folder, 'deep/er', name))

    await eventually(async () => (await lines(database)).length === 0)
    await write(database, 'new')

    expect(await lines(await open())).to.deep.equal(['new'])
  })

  it('replaced under us is opened anew', async () => {
    const database = await open()
    await write(database, 'old')
    const other = await openDatabase(`sqlite:${join(folder, 'other.db')}`, OPTIONS)
    await write(other, 'other')
    other.close()
    for (const end of ['-wal', '-shm']) await rm(`${file}${end}`)
    await rename(join(folder, 'other.db'), file)

    await eventually(async () => (await lines(database))[0] === 'other')
  })

  it('replaced by one that lacks the tables of another room has them at once, for whoever writes into them', async () => {
    const database = await open()
    await open({ schema: { room: 'other', migrations: ['CREATE TABLE file.other_line (text TEXT)'] } })
    const other = await openDatabase(`sqlite:${join(folder, 'other.db')}`, OPTIONS)
    other.close()
    for (const end of ['-wal', '-shm']) await rm(`${file}${end}`)
    await rename(join(folder, 'other.db'), file)

    await database.write((transaction) => transaction.run("INSERT INTO other_line (text) VALUES ('x')"))

    expect(await database.read((transaction) => transaction.all('SELECT text FROM other_line'))).to.have.length(1)
  })

  it('that is damaged is named as that by every kind of statement', async () => {
    const database = await open()
    for (let at = 0; at < 50; at++) await write(database, 'x'.repeat(1_000))
    database.close()
    const bytes = await readFile(file)
    await writeFile(file, bytes.fill(0xde, 4 * 4096, 8 * 4096))

    const damaged = await open()
    const some = await rejection(damaged.read((transaction) => transaction.all('SELECT text FROM line')))
    const one = await rejection(damaged.read((transaction) => transaction.get('SELECT count(text) FROM line')))

    for (const error of [some, one]) expect(error).to.include({ code: 'E_BROKER_REFUSED' })
  })

  it('that is no database is refused and left as it is', async () => {
    const database = await open()
    database.close()
    const garbage = Buffer.alloc(8_192, 'no database at all ')
    await writeFile(file, garbage)

    const error = await rejection(open())

    expect(error).to.include({ code: 'E_BROKER_REFUSED' })
    expect(error).to.have.property('hint').that.contains('.recover')
    expect(await readFile(file)).to.deep.equal(garbage)
  })

  it('of a newer version is refused and left as it is', async () => {
    const newer = await open({ schema: { room: 'test', migrations: ['CREATE TABLE file.line (text TEXT)', 'CREATE TABLE file.more (x)'] } })
    newer.close()

    const error = await rejection(open())

    expect(error).to.include({ code: 'E_BROKER_REFUSED' })
    expect(error.message).to.contain('newer version')
  })

  it('of an older version is brought up to date, once, however many open it', async () => {
    await write(await open(), 'old')
    const migrations = [...OPTIONS.schema.migrations, "INSERT INTO line (text) VALUES ('migrated')"]

    const all = await Promise.all(Array.from({ length: 5 }, () => open({ schema: { room: 'test', migrations } })))

    expect(await lines(all[4]!)).to.deep.equal(['old', 'migrated'])
  })

  it('holds the tables of several rooms, each with its own version', async () => {
    await write(await open(), 'x')
    const other = await open({ schema: { room: 'other', migrations: ['CREATE TABLE file.another (x)', 'CREATE TABLE file.third (x)'] } })

    expect(await lines(other)).to.deep.equal(['x'])
  })

  it('tells who waits of a commit on another connection, and on its own', async () => {
    const [here, there] = [await open(), await open()]
    const never = new AbortController().signal

    const byOther = here.changed(here.mark(), 8, never)
    await write(there, 'x')
    expect(await byOther).to.equal(true)

    const byOwn = here.changed(here.mark(), 8, never)
    await write(here, 'y')
    expect(await byOwn).to.equal(true)
  })

  it('tells of no change when there was none: after the time, at an abort, at the end', async () => {
    const database = await open()
    const stop = new AbortController()
    const mark = database.mark()

    expect(await database.changed(mark, 0.06, stop.signal)).to.equal(false)
    const aborted = database.changed(mark, 8, stop.signal)
    stop.abort()
    expect(await aborted).to.equal(false)
    const closed = database.changed(mark, 8, new AbortController().signal)
    database.close()
    expect(await closed).to.equal(false)
    expect(await rejection(lines(database))).to.include({ code: 'E_BROKER_UNREACHABLE' })
  })
})

describe('a SQLite URL', () => {
  const cases: readonly (readonly [url: string, path: string])[] = [
    ['sqlite:tasks.db', resolve('tasks.db')],
    ['sqlite:.tasks/tasks.db', resolve('.tasks/tasks.db')],
    ['sqlite:/var/lib/tasks.db', '/var/lib/tasks.db'],
    ['sqlite:///var/lib/tasks.db', '/var/lib/tasks.db'],
    ['sqlite:with%20space.db', resolve('with space.db')],
    ['sqlite:100%.db', resolve('100%.db')],
    ['SQLITE:a.db?synchronous=normal', resolve('a.db')],
  ]
  for (const [url, path] of cases) it(`${url} names ${path}`, () => expect(parseSqliteUrl(url)?.path).to.equal(path))
  for (const url of [
    'sqlite:',
    'sqlite://',
    'sqlite:/',
    'sqlite::memory:',
    'sqlite:a.db?synchronous=off',
    'sqlite:a.db?filesystem=nfs',
    'redis://x',
  ]) {
    it(`${url} names no file`, () => expect(parseSqliteUrl(url)).to.equal(undefined))
  }
  it('asks for less durability only where it says so', () => {
    expect(parseSqliteUrl('sqlite:a.db')?.synchronous).to.equal('full')
    expect(parseSqliteUrl('sqlite:a.db?synchronous=normal')?.synchronous).to.equal('normal')
  })
})

async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail('should have been refused'),
    (error: unknown) => error as Error,
  )
}
