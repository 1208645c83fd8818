import { expect } from 'chai'
import { type AProject, aProject } from '../config/a-project.js'
import { type RunOptions, runTasks } from './run-tasks.js'

describe('tasks config', () => {
  let project: AProject
  before(() => {
    project = aProject({
      'package.json': {},
      '.taskrc': 'brokerUrl: redis://kuma:hunter2@h/0\nworkerConcurrency: 3\n',
      'wrong.yaml': 'workerConcurency: 3',
    })
  })
  after(() => project.remove())

  const run = (line: string, options: Partial<RunOptions> = {}) => runTasks(line, { cwd: project.folder, ...options })

  it('shows every setting with its origin, and no secret', async () => {
    const { stdout, code } = await run('config', { env: { CELERYD_CONCURRENCY: '5' } })

    expect(code).equal(0)
    expect(stdout).match(/^brokerUrl +redis:\/\/kuma:\*{8}@h\/0 +brokerUrl in .*\.taskrc$/m)
    expect(stdout).match(/^workerConcurrency +5 +CELERYD_CONCURRENCY in the environment; overrides workerConcurrency in .*\.taskrc$/m)
    expect(stdout).match(/^workerGrace +30s +default$/m)
    expect(stdout).not.contain('hunter2')
  })

  it('gives scripts one document', async () => {
    const { stdout } = await run('config workerConcurrency --json -b redis://:hunter3@h')

    expect(JSON.parse(stdout)).deep.equal({
      file: project.path('.taskrc'),
      settings: [
        {
          name: 'workerConcurrency',
          value: 3,
          unit: null,
          layer: 'file',
          origin: `workerConcurrency in ${project.path('.taskrc')}`,
          overridden: [],
        },
      ],
    })
  })

  it('shows only what was changed when asked', async () => {
    const { stdout, stderr } = await run('config --changed --quiet')

    expect(stdout.split('\n').map((line) => line.split(' ')[0])).deep.equal(['SETTING', 'brokerUrl', 'workerConcurrency', ''])
    expect(stderr).equal('')
  })

  it('names the setting that was meant, with exit code 3', async () => {
    const { code, stdout, stderr } = await run('config brokerUlr')

    expect({ code, stdout }).deep.equal({ code: 3, stdout: '' })
    expect(stderr).contain('Error: There is no setting brokerUlr\nHint:  Did you mean brokerUrl?\n')
  })

  it('takes flags before the command, as Celery does', async () => {
    const { stdout } = await run('-b redis://other config brokerUrl')

    expect(stdout).match(/^brokerUrl +redis:\/\/other +--broker; overrides/m)
  })

  describe('check', () => {
    it('is content with right settings', async () => {
      const { code, stdout } = await run('config check')

      expect({ code, stdout }).deep.equal({ code: 0, stdout: `Settings are right (${project.path('.taskrc')}).\n` })
    })

    it('ends with 2 and says what is wrong, in words and as a document', async () => {
      const [text, json] = await Promise.all([run('config check --config wrong.yaml'), run('config check --config wrong.yaml --json')])

      expect([text.code, json.code]).deep.equal([2, 2])
      expect(text.stdout).equal('')
      expect(text.stderr).contain('workerConcurency: no such setting, did you mean workerConcurrency?')
      expect(JSON.parse(json.stdout)).nested.include({ 'error.code': 'E_SETTINGS' })
      expect(json.stderr).equal('')
    })

    it('knows which servers there are', async () => {
      const { code, stderr } = await run('config check -b amqp://u:hunter2@h')

      expect(code).equal(2)
      expect(stderr).contain('brokerUrl: nothing is known for amqp://u:********@h')
    })

    it('loads the application, and says what is wrong with it', async () => {
      const { code, stderr } = await run('config check -A nowhere.ts')

      expect(code).equal(2)
      expect(stderr).match(/There is no module .*nowhere\.ts/)
    })
  })
})

describe('a command line', () => {
  let project: AProject
  before(() => {
    project = aProject({ 'package.json': {} })
  })
  after(() => project.remove())

  const run = (line: string, env: Record<string, string> = {}) => runTasks(line, { cwd: project.folder, env })

  it('with a command that does not exist ends with 2 and names the nearest', async () => {
    const { code, stdout, stderr } = await run('confg check')

    expect({ code, stdout }).deep.equal({ code: 2, stdout: '' })
    expect(stderr).match(/^Error: There is no command confg check\.\nHint: {2}Did you mean `tasks config check`\?/)
  })

  it('with a flag that does not exist ends with 2 and names the nearest', async () => {
    const { code, stderr } = await run('config --chagned')

    expect(code).equal(2)
    expect(stderr).contain('There is no flag --chagned.').contain('Did you mean `--changed`?')
  })

  it('shows a stack at log level debug only', async () => {
    const [quiet, debug] = await Promise.all([run('config check -A nowhere.ts'), run('config check -A nowhere.ts --loglevel DEBUG')])

    expect(quiet.stderr).not.match(/\n {4}at /)
    expect(debug.stderr).match(/\n {4}at /)
  })

  it('has no colour off a terminal, and colour where it is forced', async () => {
    const [plain, forced, refused] = await Promise.all([
      run('config nothing'),
      run('config nothing', { FORCE_COLOR: '1' }),
      run('config nothing --no-color', { FORCE_COLOR: '1' }),
    ])

    expect([plain, forced, refused].map(({ stderr }) => stderr.includes('\x1b['))).deep.equal([false, true, false])
  })
})
