import { expect } from 'chai'
import { findFile, packageRoot, readNamedFile } from '../../src/config/file.js'
import { SettingsError } from '../../src/config/problem.js'
import { type AProject, aProject } from './a-project.js'

describe('the settings file', () => {
  let project: AProject
  const home = process.env['HOME']
  afterEach(() => {
    project?.remove()
    process.env['HOME'] = home
  })

  const forms: [path: string, content: string | object][] = [
    ['.taskrc', 'workerConcurrency: 7'],
    ['.taskrc', '{ "workerConcurrency": 7 }'],
    ['.taskrc.json', { workerConcurrency: 7 }],
    ['.taskrc.yaml', 'workerConcurrency: 7'],
    ['.taskrc.yml', 'workerConcurrency: 7'],
    ['.taskrc.mjs', 'export default { workerConcurrency: 7 }'],
    ['.taskrc.cjs', 'module.exports = { workerConcurrency: 7 }'],
    ['.taskrc.ts', 'const workerConcurrency: number = 7\nexport default { workerConcurrency }'],
    ['tasks.config.mts', 'export default { workerConcurrency: 7 as number }'],
    ['tasks.config.js', 'export default { workerConcurrency: 7 }'],
    ['tasks.config.yaml', 'workerConcurrency: 7'],
    ['package.json', { name: 'x', type: 'module', tasks: { workerConcurrency: 7 } }],
  ]
  for (const [path, content] of forms) {
    it(`may be ${path}${path === '.taskrc' ? ` in ${String(content).startsWith('{') ? 'JSON' : 'YAML'}` : ''}`, async () => {
      project = aProject({ 'package.json': { type: 'module' }, [path]: content })

      const file = await findFile(project.folder)

      expect(file?.path).equal(project.path(path))
      expect(file?.contents).deep.equal({ workerConcurrency: 7 })
    })
  }

  it('is the nearest one, up to the outermost package of the project', async () => {
    project = aProject({ 'package.json': {}, '.taskrc': 'logLevel: debug', 'packages/web/package.json': {}, 'packages/web/src/x': '' })

    const file = await findFile(project.path('packages/web/src'))

    expect(file?.path).equal(project.path('.taskrc'))
  })

  it('is never looked for above the project', async () => {
    project = aProject({ '.taskrc': 'logLevel: debug', 'web/package.json': {} })

    expect(await findFile(project.path('web'))).equal(null)
  })

  it('is not the .taskrc of Taskwarrior in the home folder', async () => {
    project = aProject({ '.taskrc': 'data.location=~/.task', '.git/HEAD': '', 'web/x': '' })
    process.env['HOME'] = project.folder

    expect(await findFile(project.path('web'))).equal(null)
  })

  it('counts when it is empty, since its folder is where relative paths start', async () => {
    project = aProject({ '.taskrc': '# nothing yet\n' })

    expect((await findFile(project.folder))?.path).equal(project.path('.taskrc'))
  })

  it('is refused with the place of the mistake, and without the lines around it', async () => {
    project = aProject({ '.taskrc': 'brokerUrl: redis://:hunter2@h\n  x: [1\n' })

    const error = await findFile(project.folder).catch((one: unknown) => one)

    expect(error).instanceOf(SettingsError)
    expect((error as Error).message).match(/^Cannot read the settings in \.taskrc \(.*\): .+ \(\d+:\d+\)$/)
    expect((error as Error).message).not.contain('hunter2')
  })

  it('is refused when its code throws', async () => {
    project = aProject({ '.taskrc.mjs': 'throw new Error("no database")' })

    const error = await findFile(project.folder).catch((one: unknown) => one)

    expect(error).instanceOf(SettingsError)
    expect((error as Error).message).contain('no database')
  })

  it('may be named, and has to exist then', async () => {
    project = aProject({ 'deploy/tasks.yaml': 'logLevel: debug' })

    const file = await readNamedFile(project.folder, 'deploy/tasks.yaml')
    const error = await readNamedFile(project.folder, 'deploy/task.yaml').catch((one: unknown) => one)

    expect(file).deep.equal({ path: project.path('deploy/tasks.yaml'), contents: { logLevel: 'debug' } })
    expect((error as Error).message).match(/task\.yaml\): no such file$/)
  })

  it('has a package root, the nearest package.json', () => {
    project = aProject({ 'package.json': {}, 'web/package.json': {}, 'web/src/x': '' })

    expect(packageRoot(project.path('web/src'))).equal(project.path('web'))
  })
})
