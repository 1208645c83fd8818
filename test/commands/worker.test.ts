import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { type AProject, aProject } from '../config/a-project.js'
import { eventually } from '../eventually.js'
import { type RedisServer, startRedis } from '../setup/servers.js'
import { aTaskProject, type TaskProject } from './a-project.js'

describe('tasks worker', function () {
  this.timeout(30_000)

  let project: TaskProject
  beforeEach(() => {
    project = aTaskProject()
  })
  afterEach(() => project.remove())

  const ready = async (queue: string) => (await project.counts(queue)).ready

  it('works off what waits with --once, and ends with 0 and nothing on stdout', async () => {
    const added = await project.client.send('t.add', [2, 3])
    const failed = await project.client.send('t.fail', ['no'])

    const worker = await project.tasks('worker --once')

    expect(worker).include({ code: 0, stdout: '' })
    expect([await added.state(), await added.info(), await failed.state()]).deep.equal(['SUCCESS', 5, 'FAILURE'])
  })

  it('writes lines of JSON and nothing else where nobody looks', async () => {
    const { stderr } = await project.tasks('worker --once')

    const lines = stderr.trim().split('\n')
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(parsed[0]).include({ level: 'info', broker: `sqlite:${project.path('.tasks/tasks.db')}`, concurrency: 4 })
    expect(parsed[0]).deep.include({ queues: ['celery', 'slow'] })
    expect(parsed.map(({ msg }) => String(msg)).filter((text) => / ready\./.test(text))).length(1)
  })

  it('greets people with what took effect, and where each value came from', async () => {
    const env = { CELERYD_CONCURRENCY: '7' }

    const [{ stderr }, quiet] = await Promise.all([
      project.tasks('worker --once --log-format text --grace 1m', { env }),
      project.tasks('worker --once --log-format text -q'),
    ])

    expect(stderr).match(/^ {2}concurrency: +7 \(async\) {2}\(CELERYD_CONCURRENCY in the environment\)$/m)
    expect(stderr).match(/^ {2}grace: +1m {2}\(--grace\)$/m)
    expect(stderr).match(/^ {2}lease: +30s$/m)
    expect(stderr).contain('[queues]\n  . celery\n  . slow\n').contain('  . t.add\n')
    expect(quiet.stderr).not.contain('[config]')
  })

  it('takes from the queues of -Q but not of -X, and says which of them nobody else knows', async () => {
    await project.client.send('t.add', [1, 1])
    await project.client.send('t.steps', [1], { queue: 'slow' })

    const [only, none] = await Promise.all([
      project.tasks('worker --once -Q slow,celry -X clery --log-format text -q'),
      project.tasks('worker --once -X celery,slow'),
    ])

    expect(only.code).equal(0)
    expect(only.stderr).contain('the application does not know the queue celry; did you mean celery?')
    expect(only.stderr).contain('the application does not know the queue clery; did you mean celery?')
    expect(none.code).equal(2)
    expect(none.stderr).match(/^Error: No queue is left to take from\nHint: {2}--exclude-queues/m)
    expect([await ready('celery'), await ready('slow')]).deep.equal([1, 0])
  })

  for (const flag of ['--purge', '--discard']) {
    it(`removes what waits in its queues first, with ${flag}`, async () => {
      await project.client.send('t.fail', ['no'])
      await project.client.send('t.steps', [1], { queue: 'slow' })

      const { code, stderr } = await project.tasks(`worker --once ${flag} -Q celery --log-format text`)

      expect(code).equal(0)
      expect(stderr).contain('purged celery').not.contain('t.fail[')
      expect([await ready('celery'), await ready('slow')]).deep.equal([0, 1])
    })
  }

  it('stops in order at TERM, lets what runs finish, and leaves no pidfile', async () => {
    const worker = project.start('worker --log-format text -l debug --pidfile worker.pid')
    await worker.said(/ ready\./)
    const pidfile = project.path('worker.pid')
    expect(readFileSync(pidfile, 'utf8')).equal(`${worker.pid}\n`)
    expect(statSync(pidfile).mode & 0o777).equal(0o600)
    const result = await project.client.send('t.until', [project.path('go')], { queue: 'slow' })
    await worker.said(/t\.until.* started/)

    worker.child.kill('SIGTERM')
    await worker.said(/SIGTERM: stopping; once more to stop now/)
    writeFileSync(project.path('go'), '')
    const { code } = await worker.ended

    expect(code).equal(0)
    expect(existsSync(pidfile)).equal(false)
    expect(await result.state()).equal('SUCCESS')
  })

  it('gives back what runs when it is told twice, and says so with its exit code', async () => {
    const worker = project.start('worker --log-format text -l debug')
    const result = await project.client.send('t.until', ['never'], { queue: 'slow' })
    await worker.said(/t\.until.* started/)

    worker.child.kill('SIGINT')
    await worker.said(/SIGINT: stopping/)
    const { code } = await worker.stop('SIGINT')

    expect(code).equal(130)
    expect(await ready('slow')).equal(1)
    expect(await result.state()).equal('PENDING')
  })

  describe('its pidfile', () => {
    it('is replaced when its process is gone', async () => {
      writeFileSync(project.path('worker.pid'), '999999999\n')

      expect((await project.tasks('worker --once --pidfile worker.pid')).code).equal(0)
    })

    it('stops a second worker, with exit code 2', async () => {
      writeFileSync(project.path('worker.pid'), `${process.pid}\n`)

      const { code, stderr } = await project.tasks('worker --once --pidfile worker.pid')

      expect(code).equal(2)
      expect(stderr).contain(`names process ${process.pid}, which is running`)
      expect(readFileSync(project.path('worker.pid'), 'utf8')).equal(`${process.pid}\n`)
    })

    it('never writes through a link, nor over what is no pidfile', async () => {
      writeFileSync(project.path('precious'), 'text')
      symlinkSync(project.path('precious'), project.path('link.pid'))

      const ends = await Promise.all(
        ['link.pid', 'precious', 'no/such/folder'].map((path) => project.tasks(`worker --once --pidfile ${path}`)),
      )

      expect(ends.map(({ code }) => code)).deep.equal([2, 2, 2])
      expect(ends[0]!.stderr).contain('is there already, and is no pidfile')
      expect(ends[2]!.stderr).contain('Is its folder there')
      expect(readFileSync(project.path('precious'), 'utf8')).equal('text')
    })
  })

  describe('refuses with exit code 2', () => {
    const cases: [line: string, text: RegExp][] = [
      ['worker -b amqp://u:hunter2@h', /No broker is known for the URL amqp:\/\/u:\*+@h\nHint: {2}Known schemes: /],
      ['worker -b localhost', /brokerUrl: expected a URL such as .*, got "localhost" \(--broker\)/],
      ['worker -b redis://h:x/1', /The broker URL redis:\/\/h:x\/1 can't be used/],
      ['worker -A nowhere.mjs', /There is no module .*nowhere\.mjs/],
      ['worker -c 0', /workerConcurrency: expected a whole number from 1/],
      ['worker --loglevel loud', /logLevel: expected debug, info, .*, got "loud" \(--log-level\)/],
      ['worker -D', /There is no flag -D\./],
      ['worker --autoscale 1,3', /workerAutoscale: expected /],
      ['worker --conurrency 3', /There is no flag --conurrency\.\nHint: {2}Did you mean `--concurrency`\?/],
      ['worker --loglevle debug', /There is no flag --loglevle\.\nHint: {2}Did you mean `--log-level`\?/],
      ['worker --json', /There is no flag --json\./],
      ['worker --health-port x', /--health-port: expected an integer, got x\n/],
    ]
    it('what it cannot work with, each in a line what is wrong and a line what to do', async () => {
      const ends = await Promise.all(cases.map(([line]) => project.tasks(line)))

      for (const [at, { code, stdout, stderr }] of ends.entries()) {
        const [line, text] = cases[at]!
        expect({ line, code, stdout }).deep.equal({ line, code: 2, stdout: '' })
        expect(stderr)
          .match(/^Error: .+\nHint: {2}.+\n$/m)
          .match(text)
      }
    })

    it('a second one on the same port, and leaves no pidfile', async () => {
      const worker = project.start('worker --health-port 0 --log-format text')
      await worker.said(/health at port \d+/)
      const port = /health at port (\d+)/.exec(worker.stderr)![1]!

      const { code, stderr } = await project.tasks(`worker --once --health-port ${port} --pidfile worker.pid`)

      expect(code).equal(2)
      expect(stderr).contain(`--health-port ${port} can't be used`)
      expect(existsSync(project.path('worker.pid'))).equal(false)
    })
  })

  describe('with a broker that is away', () => {
    let redis: RedisServer
    before(async function () {
      redis = await startRedis(this)
    })
    after(() => redis?.stop())

    const status = async (port: string, path: string) => (await fetch(`http://127.0.0.1:${port}/${path}`)).status

    it('waits and says so once, is live but not ready, and works when it comes', async () => {
      await redis.kill()
      const env = { TASKS_BROKER_URL: redis.url, TASKS_BROKER_DEADLINE: '200ms', TASKS_WORKER_LEASE: '1s' }
      const worker = project.start('worker --purge --health-port 0 --log-format text -q', { env })
      await worker.said(/health at port \d+/)
      const port = /health at port (\d+)/.exec(worker.stderr)![1]!
      await worker.said(/waiting for the broker/)
      expect([await status(port, 'live'), await status(port, 'ready'), await status(port, 'nothing')]).deep.equal([200, 503, 404])

      await redis.restart()
      await worker.said(/ ready\./)
      expect(await status(port, 'ready')).equal(200)
      expect((await project.tasks(['call', 't.add', '-a', '[2, 3]', '--wait'], { env })).stdout).equal('5\n')

      await redis.kill()
      await eventually(async () => (await status(port, 'ready')) === 503)
      expect(await status(port, 'live')).equal(200)

      await redis.restart()
      await eventually(async () => (await status(port, 'ready')) === 200)
      expect((await worker.stop()).code).equal(0)
      expect(worker.stderr.match(/waiting for the broker/g)).length(1)
    })

    it('ends at TERM all the same, soon and with 0', async () => {
      const worker = project.start('worker --log-format text -b redis://127.0.0.1:1', { env: { TASKS_BROKER_DEADLINE: '200ms' } })
      await worker.said(/does not serve|waiting for the broker/)

      expect((await worker.stop()).code).equal(0)
    })
  })

  describe('--watch', () => {
    const library = JSON.stringify(pathToFileURL(new URL('../../dist/src/index.js', import.meta.url).pathname).href)
    const appThatSays = (word: string) => `
      import { Celerity } from ${library}
      const app = new Celerity('w')
      export default app
      app.task('w.word', async () => ${JSON.stringify(word)})`
    let watched: AProject
    afterEach(() => watched.remove())

    it('starts again when a source changes, outlives a broken one, and takes its worker along when it ends', async () => {
      watched = aProject({ 'package.json': {}, '.taskrc': 'app: src/tasks.mjs', 'src/tasks.mjs': appThatSays('one') })
      const worker = project.start('worker --watch --log-format text --pidfile worker.pid', { cwd: watched.folder })
      const word = async () => (await project.tasks('call w.word --wait', { cwd: watched.folder })).stdout
      await worker.said(/ ready\./)
      expect(await word()).equal('one\n')

      writeFileSync(watched.path('src/tasks.mjs'), appThatSays('two'))
      await worker.said(/^src\/tasks\.mjs changed: starting again/)
      await worker.said(/ ready\./, 2)
      expect(await word()).equal('two\n')

      writeFileSync(watched.path('src/tasks.mjs'), 'not JavaScript')
      await worker.said(/The worker has ended with exit code 2: waiting for a change/)

      writeFileSync(watched.path('src/tasks.mjs'), appThatSays('three'))
      await worker.said(/ ready\./, 3)
      const pid = Number(readFileSync(watched.path('worker.pid'), 'utf8'))
      const { code } = await worker.stop('SIGINT')

      expect(code).equal(0)
      expect(worker.stderr.match(/SIGINT: stopping; once more/g)).length(1)
      expect(() => process.kill(pid, 0)).throw('ESRCH')
      expect(existsSync(watched.path('worker.pid'))).equal(false)
    })
  })
})
