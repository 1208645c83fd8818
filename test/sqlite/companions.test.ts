import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { companionsOf, putAside, strangersAt } from '../../src/sqlite/companions.js'

describe('the files beside a SQLite file', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'celerity-companions-'))
    file = join(folder, 'tasks.db')
    for (const end of ['', '-wal', '-shm']) writeFileSync(file + end, `old${end}`)
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('are put aside when another file has come: the log is kept, its index goes', () => {
    const kept = putAside(file, companionsOf(file))

    expect(readdirSync(folder)).to.have.members(['tasks.db', (kept ?? '').replace(`${folder}/`, '')])
    expect(readFileSync(kept ?? '', 'utf8')).to.equal('old-wal')
  })

  it('are put aside once, by whoever comes first', () => {
    const ours = companionsOf(file)
    const kept = putAside(file, ours)

    expect(putAside(file, ours)).to.equal(undefined)
    expect(readFileSync(kept ?? '', 'utf8')).to.equal('old-wal')
  })

  it('are not kept when there is nothing in the log', () => {
    writeFileSync(`${file}-wal`, '')

    expect(putAside(file, companionsOf(file))).to.equal(undefined)
    expect(readdirSync(folder)).to.deep.equal(['tasks.db'])
  })

  it('stay when they belong to the file that is there now', () => {
    const ours = companionsOf(file)
    for (const end of ['-wal', '-shm']) {
      linkSync(file + end, `${file}${end}.in-use`) // as who has it open keeps its number from being given to another
      rmSync(file + end)
      writeFileSync(file + end, `new${end}`)
    }

    expect(putAside(file, ours)).to.equal(undefined)
    for (const end of ['-wal', '-shm']) expect(readFileSync(file + end, 'utf8')).to.equal(`new${end}`)
  })

  it('are known to be of another file by the locks of whoever uses them and not the file', () => {
    const device = statSync(file, { bigint: true }).dev
    const [major, minor] = [((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn), (device & 0xffn) | ((device >> 12n) & ~0xffn)]
    const line = (pid: number, path: string, range: string) =>
      `1: POSIX  ADVISORY  READ  ${pid} ${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}:${statSync(path).ino} ${range}\n`
    const user = line(11, file, '1073741826 1073742335') + line(11, `${file}-shm`, '128 128')
    const stranger = line(12, `${file}-shm`, '128 128') + line(12, join(folder), '0 EOF')
    const waiting = `2: -> POSIX  ADVISORY  WRITE 13 08:01:${statSync(`${file}-shm`).ino} 128 128\n`

    expect(strangersAt(file, user)).to.deep.equal([])
    expect(strangersAt(file, user + stranger + waiting)).to.deep.equal([12])
    expect(strangersAt(join(folder, 'none.db'), user + stranger)).to.deep.equal([])
    expect(strangersAt(file, '')).to.deep.equal([])
  })
})
