/** `npm run tasks`: the sources as they are, whatever the last build knew. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type AProject, aProject } from '../config/a-project.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Manifest {
  commands: Record<string, { summary?: string; flags: Record<string, unknown> }>
}

describe('bin/dev.js', function () {
  this.timeout(30_000)

  let clone: AProject
  before(() => {
    clone = aProject({})
    mkdirSync(clone.path('bin'))
    for (const name of ['dev.js', 'prepare.js']) copyFileSync(join(root, 'bin', name), clone.path('bin', name))
    copyFileSync(join(root, 'package.json'), clone.path('package.json'))
    for (const name of ['src', 'commands', 'node_modules']) symlinkSync(join(root, name), clone.path(name))
    const stale = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as Manifest
    delete stale.commands['purge']
    stale.commands['ghost'] = { ...stale.commands['list']!, summary: 'Of the last build' }
    delete stale.commands['worker']!.flags['once']
    writeFileSync(clone.path('oclif.manifest.json'), JSON.stringify(stale))
  })
  after(() => clone.remove())

  const dev = (...words: string[]) =>
    spawnSync(process.execPath, [clone.path('bin/dev.js'), ...words], { encoding: 'utf8', cwd: clone.folder })

  it('knows the commands and flags there are, and none of an older manifest', () => {
    const [help, purge, worker, ghost] = [dev('--help'), dev('purge', '--help'), dev('worker', '--help'), dev('ghost')]

    expect(help.stdout)
      .match(/^ {2}purge +Remove waiting messages/m)
      .not.contain('ghost')
    expect([purge.status, worker.status, ghost.status]).deep.equal([0, 0, 2])
    expect(worker.stdout).match(/^ +--once +end when/m)
    expect(ghost.stderr).contain('There is no command ghost.')
  })
})
