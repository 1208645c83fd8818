import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { lookAt, type Project, scaffold, writeScaffold } from '../../src/cli/scaffold.js'
import { type AProject, aProject } from '../config/a-project.js'

const bare: Project = { name: null, isModule: false, usesTypeScript: false, hasSrc: false, settingsFile: null, has: () => false }
const paths = (project: Partial<Project>, language?: 'ts' | 'js') =>
  scaffold({ ...bare, ...project }, language).files.map(({ path }) => path)

describe('what `tasks init` makes', () => {
  let project: AProject | undefined
  afterEach(() => project?.remove())

  it('is a task, a settings file and a Procfile, as the project is written', () => {
    expect(paths({})).deep.equal(['tasks.mjs', '.taskrc', 'Procfile'])
    expect(paths({ isModule: true, hasSrc: true })).deep.equal(['src/tasks.js', '.taskrc', 'Procfile'])
    expect(paths({ usesTypeScript: true, hasSrc: true })).deep.equal(['src/tasks.ts', '.taskrc', 'Procfile'])
    expect(paths({ usesTypeScript: true }, 'js')).deep.equal(['tasks.mjs', '.taskrc', 'Procfile'])
  })

  it('has no second settings file', () => {
    const { files, advice } = scaffold({ ...bare, settingsFile: '/x/package.json' }, undefined)

    expect(files.map(({ path }) => path)).deep.equal(['tasks.mjs', 'Procfile'])
    expect(advice).contain('/x/package.json: make sure it says `app: tasks.mjs`')
  })

  it('is named after the package', () => {
    const name = (packageName: string | null) => scaffold({ ...bare, name: packageName }, undefined).task

    expect([name('@mdn/kuma-web'), name('kuma'), name('1st'), name(null)]).deep.equal(['kuma_web.add', 'kuma.add', 'app.add', 'app.add'])
  })

  it('never replaces a file', () => {
    project = aProject({ 'package.json': { name: 'kuma', type: 'module' }, Procfile: 'web: node web.js\n' })
    const looked = lookAt(project.folder, null)

    const { created, kept } = writeScaffold(project.folder, scaffold(looked, undefined).files)

    expect(looked).include({ name: 'kuma', isModule: true, usesTypeScript: false, hasSrc: false })
    expect({ created, kept }).deep.equal({ created: ['tasks.js', '.taskrc'], kept: ['Procfile'] })
    expect(readFileSync(project.path('Procfile'), 'utf8')).equal('web: node web.js\n')
  })
})
