import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { type SourceWatch, watchSources } from '../../src/cli/source-files.js'
import { type AProject, aProject } from '../config/a-project.js'
import { eventually } from '../eventually.js'

describe('watching the sources of a project', () => {
  let project: AProject
  let watch: SourceWatch
  let heard: Set<string>
  beforeEach(() => {
    project = aProject({
      '.taskrc': '',
      'src/tasks.ts': '',
      'node_modules/x/index.js': '',
      'dist/a.js': '',
      '.tasks/a.js': '',
      'data.json': {},
    })
    heard = new Set()
    watch = watchSources(project.folder, (file) => heard.add(file))
  })
  afterEach(() => {
    watch.close()
    project.remove()
  })

  const hears = (file: string) => eventually(() => heard.has(file))

  it('hears of code and settings, and not of dependencies, builds, hidden folders and data', async () => {
    for (const quiet of ['node_modules/x/index.js', 'dist/a.js', '.tasks/a.js', 'data.json']) writeFileSync(project.path(quiet), '1')
    writeFileSync(project.path('src/tasks.ts'), '1')
    await hears('src/tasks.ts')
    writeFileSync(project.path('.taskrc'), '# 1')
    await hears('.taskrc')

    expect([...heard]).deep.equal(['src/tasks.ts', '.taskrc'])
  })

  it('hears of files in folders that came later, of files that were renamed, and of files that went', async () => {
    mkdirSync(project.path('src/mail'))
    await eventually(() => {
      writeFileSync(project.path('src/mail/send.ts'), String(Math.random())) // until its folder is watched
      return heard.has('src/mail/send.ts')
    })
    heard.clear()

    renameSync(project.path('src/mail/send.ts'), project.path('src/mail/sent.ts'))
    await hears('src/mail/sent.ts')
    rmSync(project.path('src/mail'), { recursive: true })
    writeFileSync(project.path('src/tasks.ts'), '2')
    await hears('src/tasks.ts')
  })
})
