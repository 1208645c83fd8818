import { expect } from 'chai'
import { findModules } from '../../src/cli/find-modules.js'
import { appMissing, loadApp, loadImports } from '../../src/cli/load-app.js'
import { CelerityError } from '../../src/errors.js'
import { type AProject, aProject } from '../config/a-project.js'

/** An application, as another copy of the package makes it: known by its mark. */
const APP = "{ [Symbol.for('celerity.app')]: true, name: 'kuma' }"

describe('loading the application', () => {
  let project: AProject
  afterEach(() => project?.remove())

  const load = (files: Record<string, string>, path: string) => {
    project = aProject(files)
    return loadApp(project.path(path))
  }
  const refusal = async (files: Record<string, string>, path: string): Promise<CelerityError> => {
    const error: unknown = await load(files, path).catch((one: unknown) => one)
    expect(error).instanceOf(CelerityError)
    return error as CelerityError
  }

  const forms: [path: string, source: string][] = [
    ['tasks.mjs', `export default ${APP}`],
    ['tasks.mjs', `export const app = ${APP}`],
    ['tasks.cjs', `module.exports = ${APP}`],
    ['tasks.cjs', `module.exports = { app: ${APP} }`],
    ['tasks.ts', `const app: object = ${APP}\nexport default app`],
    ['tasks.mts', `const name: string = 'x'\nexport const app = ${APP}`],
    ['tasks.tsx', `export default ${APP} as object`],
  ]
  for (const [path, source] of forms) {
    it(`takes \`${source.split('\n').at(-1)!.replace(APP, 'app')}\` of ${path}`, async () => {
      expect((await load({ [path]: source }, path)).name).equal('kuma')
    })
  }

  it('finds the file without its extension, and the index of a folder', async () => {
    expect((await load({ 'src/tasks.ts': `export default ${APP}` }, 'src/tasks')).name).equal('kuma')
    project.remove()
    expect((await load({ 'src/tasks/index.mjs': `export default ${APP}` }, 'src/tasks')).name).equal('kuma')
  })

  it('loads no code from a URL', async () => {
    const error: unknown = await loadApp('https://example.com/tasks.js').catch((one: unknown) => one)

    expect(error).include({ code: 'E_APP_LOAD', message: 'https://example.com/tasks.js is a URL; the application is a file' })
  })

  it('says what a module exports when that is no application, and how to export one', async () => {
    const none = await refusal({ 'tasks.mjs': 'export const add = 1, sub = 2' }, 'tasks.mjs')
    project.remove()
    const elsewhere = await refusal({ 'tasks.mjs': `export const celery = ${APP}` }, 'tasks.mjs')

    expect(none.message).match(/exports no application as default or `app`; it exports add, sub$/)
    expect(elsewhere.hint).contain('`celery` is one: `export default celery`')
  })

  it('says what a module threw, with the error as cause', async () => {
    const error = await refusal({ 'tasks.mjs': "throw new TypeError('no database\\nmore')" }, 'tasks.mjs')

    expect(error).include({ code: 'E_APP_LOAD', message: `Cannot load ${project.path('tasks.mjs')}: no database` })
    expect(error.cause).instanceOf(TypeError)
  })

  it('says so when there is no such file, and which was meant', async () => {
    const near = await refusal({ 'tasks.ts': '' }, 'taks.ts')
    project.remove()
    const python = await refusal({ 'x.txt': '' }, 'proj.celery')

    expect(near.code).equal('E_APP_MISSING')
    expect(near.hint).match(/^Did you mean .*\/tasks\.ts\?$/)
    expect(python.hint).contain('not as a Python module')
  })

  it('takes a settings file for no module', async () => {
    expect((await refusal({ 'tasks.yaml': 'a: 1' }, 'tasks.yaml')).message).match(/is no module$/)
  })

  it('says where it looked when nobody named one, and what may be meant', () => {
    project = aProject({ 'src/tasks.ts': '' })

    const error = appMissing(project.folder, '/x/.taskrc')

    expect(error).include({ code: 'E_APP_MISSING', exit: 2 })
    expect(error.message).equal('Which module is the application? Looked for --app, TASKS_APP, and `app` in /x/.taskrc')
    expect(error.hint).equal('Is it src/tasks.ts? Then: -A src/tasks.ts')
  })
})

describe('modules of the setting imports', () => {
  let project: AProject
  afterEach(() => project.remove())

  it('are found by glob, sorted, without declarations and packages', () => {
    project = aProject({
      'src/mail.tasks.ts': '',
      'src/a/wiki.tasks.mjs': '',
      'src/a/types.d.ts': '',
      'src/a/readme.md': '',
      'src/node_modules/x/index.js': '',
    })
    const found = (pattern: string) => findModules(project.path(pattern)).map((path) => path.slice(project.folder.length + 1))

    expect(found('src/*.ts')).deep.equal(['src/mail.tasks.ts'])
    expect(found('src/**/*.tasks.{ts,mjs}')).deep.equal(['src/a/wiki.tasks.mjs', 'src/mail.tasks.ts'])
    expect(found('src/**')).deep.equal(['src/a/wiki.tasks.mjs', 'src/mail.tasks.ts'])
    expect(found('src/a/wiki?tasks.mjs')).deep.equal(['src/a/wiki.tasks.mjs'])
    expect(found('nowhere/*.ts')).deep.equal([])
    expect(found('src/plain.ts')).deep.equal(['src/plain.ts'])
  })

  it('are loaded, and have to be there', async () => {
    project = aProject({ 'one.mjs': 'globalThis.loadedForTest = (globalThis.loadedForTest ?? 0) + 1' })

    await loadImports([project.path('*.mjs')])
    const error: unknown = await loadImports([project.path('*.ts')]).catch((one: unknown) => one)

    expect(Reflect.get(globalThis, 'loadedForTest')).equal(1)
    expect(error).include({ code: 'E_APP_LOAD' })
    Reflect.deleteProperty(globalThis, 'loadedForTest')
  })
})
