import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const PROGRAM = fileURLToPath(new URL('still-program.ts', import.meta.url))

describe('a process that ends while a thread of it calls SQLite', function () {
  this.timeout(60_000)
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'celerity-still-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function play(role: string) {
    const { status, signal, stdout } = spawnSync(process.execPath, ['--import', 'tsx', PROGRAM, role, join(folder, 'a.db')])
    return { status, signal, said: String(stdout) }
  }

  it('keeps its exit code when the thread was asked to stand still', () => {
    expect(play('thread')).to.deep.equal({ status: 3, signal: null, said: '' })
  })

  it("waits until the keeper's thread stands still, also when a handler ends it", () => {
    expect(play('keeper'))
      .to.deep.include({ status: 3, signal: null })
      .and.to.have.property('said')
      .that.matches(/^(ok|not-equal)$/)
  })
})
