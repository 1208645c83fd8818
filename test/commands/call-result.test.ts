import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync } from 'node:fs'
import { expect } from 'chai'
import { redisUrl } from '../setup/servers.js'
import { aTaskProject, type TaskProject } from './a-project.js'
import type { RunningTasks } from './run-tasks.js'

for (const server of ['SQLite', 'Redis'] as const) {
  describe(`tasks call and result, on ${server}`, function () {
    this.timeout(30_000)

    let project: TaskProject
    let worker: RunningTasks
    before(async function () {
      project = aTaskProject(server === 'Redis' ? { brokerUrl: await redisUrl(this) } : {})
      worker = project.start('worker -q')
      await worker.said(/ ready\./)
    })
    after(async () => {
      expect((await worker.stop()).code).equal(0)
      await project.remove()
    })

    const call = (name: string, args: unknown[], ...more: string[]) =>
      project.tasks(['call', name, '--args', JSON.stringify(args), ...more])

    it('call prints the id, and result the value when it is there', async () => {
      const { code, stdout } = await call('t.add', [2, 3], '--expires', '5m', '--priority', '3')
      const id = stdout.trim()
      const result = await project.tasks(`result ${id} --wait --timeout 10`)

      expect(code).equal(0)
      expect(id).match(/^[\da-f-]{36}$/)
      expect(result).include({ code: 0, stdout: 'SUCCESS 5\n', stderr: '' })
    })

    it('call --wait prints the value, with --json beside its id', async () => {
      const taskId = randomUUID()

      const [text, json] = await Promise.all([
        call('t.add', ['a', 'b'], '--wait'),
        call('t.values', [], '--wait', '--json', '--task-id', taskId, '-q'),
      ])

      expect(text).include({ code: 0, stdout: 'ab\n' })
      expect(json).include({ code: 0, stderr: '' })
      expect(JSON.parse(json.stdout)).deep.equal({
        id: taskId,
        task: 't.values',
        result: { bytes: 'YWJj', when: '1970-01-01T00:00:00.000Z', big: '1152921504606846976', none: null },
      })
    })

    it('result tells a failure with its type, its stack when asked, and exit code 1', async () => {
      const failed = await project.client.send('t.fail', ['no'])
      await failed.wait()

      const [text, traceback, json] = await Promise.all(
        ['', ' --traceback', ' --json'].map((more) => project.tasks(`result ${failed.id}${more}`)),
      )

      expect(text).include({ code: 1, stdout: 'FAILURE RangeError: no\n', stderr: '' })
      expect(traceback!.stdout).match(/^FAILURE RangeError: no\nRangeError: no\n {4}at .*app\.mjs:/)
      expect(json!.code).equal(1)
      expect(JSON.parse(json!.stdout)).deep.include({ id: failed.id, state: 'FAILURE', value: null }).nested.include({
        'error.type': 'RangeError',
        'error.message': 'no',
      })
    })

    it('result --follow prints every state as it comes, with --json one document a line', async () => {
      const taskId = randomUUID()
      const [text, json] = [project.start(`result ${taskId} --follow`), project.start(`result ${taskId} --follow --json`)]
      await Promise.all([text.said(/^PENDING$/), json.said(/"PENDING"/)])

      await project.client.send('t.steps', [3], { queue: 'slow', taskId })
      const [lines, documents] = await Promise.all([text.ended, json.ended])

      const states = documents.stdout.split('\n').filter(Boolean)
      const parsed = states.map((line) => JSON.parse(line) as { id: string; state: string; value: unknown })
      expect([lines.code, documents.code]).deep.equal([0, 0])
      expect(lines.stdout).match(/^PENDING\n(?:PROGRESS \{"done":\d,"total":3\}\n)+SUCCESS done\n$/)
      expect(parsed.at(-1)).deep.include({ id: taskId, state: 'SUCCESS', value: 'done' })
      expect(parsed.slice(1, -1).every(({ state }) => state === 'PROGRESS')).equal(true)
    })

    // What does not depend on the server is shown on one of them.
    if (server !== 'SQLite') return

    it('a task that fails ends call --wait with 1, its type and its message', async () => {
      const [text, json] = await Promise.all([
        call('t.fail', ['no mailbox', 'SmtpError'], '--wait'),
        call('t.fail', ['no mailbox', 'SmtpError'], '--wait', '--json', '-q'),
      ])

      expect(text).include({ code: 1, stdout: '' })
      expect(text.stderr).match(/^`tasks result \S+ --traceback` shows where it failed\.\nError: SmtpError: no mailbox\n$/m)
      expect(json).include({ code: 1, stderr: '' })
      expect(JSON.parse(json.stdout)).nested.include({
        'error.code': 'E_TASK_FAILED',
        'error.message': 'SmtpError: no mailbox',
        'error.failure.type': 'SmtpError',
      })
    })

    it('who waits too long ends with 124, who asks for what nobody knows with 3', async () => {
      const [call124, result124, follow124, unknown, unknownJson] = await Promise.all([
        call('t.add', [1, 1], '--countdown', '1h', '--wait', '--timeout', '100ms'),
        project.tasks('result nobody-knows --wait --timeout 100ms'),
        project.tasks('result nobody-knows --follow --timeout 100ms'),
        project.tasks('result nobody-knows'),
        project.tasks('result nobody-knows --json -q'),
      ])

      expect([call124.code, result124.code, follow124.code]).deep.equal([124, 124, 124])
      expect(result124.stderr).match(/^Error: task nobody-knows was not done within 0\.1 s\nHint: {2}/)
      expect(unknown).include({ code: 3, stdout: 'PENDING\n' })
      expect(unknown.stderr).contain('Nothing is known of it')
      expect(unknownJson).include({ code: 3, stderr: '' })
      expect(JSON.parse(unknownJson.stdout)).include({ state: 'PENDING', value: null })
    })
  })
}

describe('tasks call', function () {
  this.timeout(30_000)

  let project: TaskProject
  before(() => {
    project = aTaskProject()
  })
  after(() => project.remove())

  it('warns of a name that looks like a slip, and sends it all the same: it may be a task of Python', async () => {
    const { code, stderr } = await project.tasks('call t.ad')

    expect(code).equal(0)
    expect(stderr).equal('Warning: t.ad is not registered in this application; did you mean t.add?\n')
    expect((await project.counts('celery')).ready).equal(1)
  })

  it('refuses what it cannot read with exit code 2, and sends nothing', async () => {
    const cases: [words: string[], text: RegExp][] = [
      [['--args', '2'], /--args is 2\nHint: {2}Give a list such as '\[2, 3\]'/],
      [['--args', '{'], /--args is not JSON: /],
      [['--kwargs', '[]'], /--kwargs is \[\]\nHint: {2}Give an object/],
      [['--countdown', 'soon'], /--countdown soon is no span of time\nHint: {2}Give seconds, or such as '90s'/],
      [['--eta', 'tomorrow'], /--eta tomorrow is no moment\nHint: {2}Give ISO 8601/],
      [['--expires', 'later'], /--expires later is neither a span of time nor a moment/],
      [['--wait', '--timeout', 'x'], /--timeout x is no span of time/],
      [['--timeout', '3'], /--wait must be provided when using --timeout|--timeout: --wait/],
      [['--queue', ''], /--queue "" is no name of a queue/],
      [['--task-id', 'a b'], /--task-id "a b" is no task id/],
      [['--priority', '-1'], /--priority: expected an integer/],
      [['--countdown', '1', '--eta', '2030-01-01'], /--eta.*--countdown|--countdown.*--eta/],
    ]
    const before = (await project.counts('celery')).ready

    const ends = await Promise.all(cases.map(([words]) => project.tasks(['call', 't.add', ...words])))

    for (const [at, { code, stdout, stderr }] of ends.entries()) {
      expect({ words: cases[at]![0], code, stdout }).deep.equal({ words: cases[at]![0], code: 2, stdout: '' })
      expect(stderr)
        .match(/^Error: .+\nHint: {2}.+\n$/)
        .match(cases[at]![1])
    }
    expect((await project.counts('celery')).ready).equal(before)
  })
})

describe('tasks list', function () {
  this.timeout(30_000)

  let project: TaskProject
  afterEach(() => project.remove())

  it('shows each task with the queue it goes to and where it is defined', async () => {
    project = aTaskProject({ taskRoutes: { 't.f*': { queue: 'failing' } } })

    const [text, json] = await Promise.all([project.tasks('list'), project.tasks('list --json')])

    const listed = JSON.parse(json.stdout) as { name: string; queue: string; rateLimit: string | null }[]
    expect([text.code, json.code]).deep.equal([0, 0])
    expect(text.stdout).match(/^t\.add +celery .*app\.mjs:\d+$/m)
    expect(listed.map(({ name, queue }) => [name, queue])).deep.equal([
      ['t.add', 'celery'],
      ['t.fail', 'failing'],
      ['t.steps', 'slow'],
      ['t.until', 'slow'],
      ['t.values', 'celery'],
    ])
    expect(listed.at(-1)).include({ rateLimit: '10/s' })
  })

  it('compiles TypeScript into no folder that others can write to: what lies there would be run', async () => {
    const library = JSON.stringify(new URL('../../dist/src/index.js', import.meta.url).pathname)
    const source = `import { Celerity } from ${library}\nconst app: Celerity = new Celerity('ts')\nexport default app\napp.task('ts.task', async (x: number) => x)`
    project = aTaskProject({}, { 'src/tasks.ts': source, 'node_modules/none/package.json': {} })
    mkdirSync(project.path('tmp'))

    const { stdout } = await project.tasks('list -A src/tasks.ts', { env: { TMPDIR: project.path('tmp') } })

    expect(stdout).contain('ts.task')
    expect(readdirSync(project.path('tmp'))).deep.equal([])
    expect(readdirSync(project.path('node_modules/.cache/celerity'))).not.deep.equal([])
  })
})
