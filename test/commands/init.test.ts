import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type AProject, aProject } from '../config/a-project.js'
import { RunningTasks, runTasks } from './run-tasks.js'

describe('tasks init', () => {
  let project: AProject
  afterEach(() => project.remove())

  it('makes a first task and its settings, and says what to run next', async () => {
    project = aProject({ 'package.json': { name: 'kuma', type: 'module' } })

    const { code, stdout } = await runTasks('init', { cwd: project.folder })
    const checked = await runTasks('config app', { cwd: project.folder })

    expect(code).equal(0)
    expect(stdout).contain("npx tasks call kuma.add --args '[2, 3]' --wait")
    expect(readFileSync(project.path('tasks.js'), 'utf8')).contain("app.task('kuma.add'")
    expect(checked.stdout).contain('tasks.js')
  })

  it('makes what runs: in two commands from nothing to a result', async () => {
    project = aProject({ 'package.json': { name: 'kuma', devDependencies: { typescript: '*' } } })
    mkdirSync(project.path('node_modules'))
    symlinkSync(fileURLToPath(new URL('../..', import.meta.url)), project.path('node_modules/celerity'))

    await runTasks('init -q', { cwd: project.folder })
    const worker = new RunningTasks('worker -q', { cwd: project.folder })
    const { code, stdout } = await runTasks(['call', 'kuma.add', '--args', '[2, 3]', '--wait'], { cwd: project.folder })

    expect({ code, stdout }).deep.equal({ code: 0, stdout: '5\n' })
    expect(existsSync(project.path('tasks.ts'))).equal(true)
    expect((await worker.stop()).code).equal(0)
  })

  it('changes nothing the second time', async () => {
    project = aProject({ 'package.json': { name: 'kuma', type: 'module' }, 'tasks.js': '// mine' })

    const { stdout } = await runTasks('init --json', { cwd: project.folder })

    expect(JSON.parse(stdout)).deep.include({ created: ['.taskrc', 'Procfile'], kept: ['tasks.js'] })
    expect(readFileSync(project.path('tasks.js'), 'utf8')).equal('// mine')
  })

  it('only says what it would make with --dry-run', async () => {
    project = aProject({ 'package.json': {} })

    const { stdout } = await runTasks('init --dry-run', { cwd: project.folder })

    expect(stdout).contain('would create  .taskrc')
    expect(existsSync(project.path('.taskrc'))).equal(false)
  })
})

describe('tasks report', () => {
  let project: AProject
  afterEach(() => project.remove())

  it('tells versions and settings without secrets, also when the broker is away', async () => {
    project = aProject({ 'package.json': {} })

    const { code, stdout } = await runTasks('report --json -b redis://:hunter2@127.0.0.1:1', {
      cwd: project.folder,
      env: { TASKS_BROKER_DEADLINE: '100ms' },
    })

    const report = JSON.parse(stdout) as Record<string, unknown>
    expect(code).equal(0)
    expect(report).include({ node: process.version, file: null })
    expect(report).nested.include({ 'broker.url': 'redis://:********@127.0.0.1:1', 'broker.reachable': false })
    expect(report['libraries'])
      .property('ioredis')
      .match(/^\d+\./)
    expect(stdout).not.contain('hunter2')
  })
})

describe('tasks completion', () => {
  let project: AProject
  afterEach(() => project.remove())

  for (const shell of ['bash', 'zsh', 'fish']) {
    it(`knows the commands and flags there are, for ${shell}`, async () => {
      project = aProject({})

      const { code, stdout } = await runTasks(`completion ${shell}`, { cwd: project.folder })

      expect(code).equal(0)
      expect(stdout).contain('config check').contain('result-backend')
    })
  }

  it('names the shells it knows', async () => {
    project = aProject({})

    const { code, stderr } = await runTasks('completion csh', { cwd: project.folder })

    expect(code).equal(2)
    expect(stderr).contain('bash, zsh, fish')
  })
})
