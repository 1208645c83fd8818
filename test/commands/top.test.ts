/** `tasks top` as a person sees it: in a terminal, on which everything is read from the screen. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { aTaskProject, type TaskProject } from './a-project.js'
import { type ATerminal, aTerminal } from './a-terminal.js'
import { SomeEvents } from './some-events.js'

const HOSTILE = 'x\x1b[2J\x1b]0;title\x07\u202ey'

describe('tasks top', function () {
  this.timeout(60_000)

  let project: TaskProject
  let events: SomeEvents
  beforeEach(async () => {
    project = aTaskProject()
    await project.client.send('t.add', [1, 2])
    events = new SomeEvents(await project.client.broker())
  })
  afterEach(() => project.remove())

  describe('on a terminal', () => {
    let terminal: ATerminal
    beforeEach(function () {
      terminal = aTerminal(this, project.folder)
    })
    afterEach(() => terminal.close())

    /** It listens: events that come now are heard. */
    const open = async () => {
      terminal.tasks('top')
      await terminal.shows(/1 tasks \d+ .*\n.*AGE STATE/)
    }
    const left = () => terminal.shows(/exit code \d+\./)

    it('shows tasks, workers and queues in their columns, as events come', async () => {
      await open()
      await events.heartbeat(1, 7)
      const id = await events.start('t.slow')

      await terminal.shows(new RegExp(`^> +\\d+s STARTED +t\\.slow +${id.slice(0, 8)} w1@test +celery +\\d+s \\(1, 2\\)`, 'm'))
      await events.send({ type: 'task-succeeded', uuid: id, result: "'done'", runtime: 1.5 })
      await terminal.shows(/SUCCESS +t\.slow .* 1\.5s 'done'/)
      terminal.type('Tab')
      await terminal.shows(/WORKER▾ +STATUS +ACTIVE PROCESSED[\s\S]*^> w1@test +online +1 +7 /m)
      terminal.type('Tab')
      await terminal.shows(/QUEUE▾ +READY[\s\S]*^> celery +1 +0 +0 +0/m)
      terminal.type('q')
      expect(await left()).contain('exit code 0.')
    })

    it('filters as one types, opens a task with its error and traceback, and closes it', async () => {
      await open()
      const failed = await events.start('t.mail')
      await events.start('t.other')
      await events.send({
        type: 'task-failed',
        uuid: failed,
        exception: "SmtpError('away')",
        traceback: 'Traceback:\n  line 3\nSmtpError: away',
      })
      await terminal.shows(/t\.other[\s\S]*FAILURE +t\.mail/)

      terminal.type('/')
      await terminal.shows(/^\/▏/m)
      terminal.type('smtp')
      expect(await terminal.shows(/^\/smtp▏/m)).not.contain('t.other')
      terminal.type('Enter')
      await terminal.shows(/^\/smtp: 1 of 2/m)
      terminal.type('i')
      await terminal.shows(new RegExp(`^Id +${failed}[\\s\\S]*^Error +SmtpError\\('away'\\)[\\s\\S]*^ {2}line 3\\n`, 'm'))
      terminal.type('t')
      await terminal.shows(/^Task t\.mail .*\nTraceback:\n {2}line 3\nSmtpError: away\n/m)
      terminal.type('Escape')
      await terminal.shows(/1 of 2/)
      terminal.type('Escape')
      await terminal.shows(/t\.other/)
    })

    it('revokes the chosen task after a yes', async () => {
      await open()
      const id = await events.start('t.slow')
      await terminal.shows(/t\.slow/)

      terminal.type('c')
      await terminal.shows(new RegExp(`Revoke t\\.slow ${id}, so that it does not start\\? \\[y/N\\]`))
      terminal.type('n')
      await terminal.shows(/Nothing was changed\./)
      const broker = await project.client.broker()
      expect([...(await broker.revoked())]).deep.equal([])
      terminal.type('c')
      await terminal.shows(/\[y\/N\]/)
      terminal.type('y')
      await terminal.shows(/Revoked [\w-]{36}: it will not start\./)
      expect([...(await broker.revoked())]).deep.equal([id])
    })

    it('stops what runs on a worker, after a yes, and says which worker did', async () => {
      const worker = project.start('worker -E -Q slow -n real@test')
      await worker.said(/ready\./)
      await open()
      const { id } = await project.client.send('t.until', [project.path('never')], { queue: 'slow' })
      await terminal.shows(/STARTED +t\.until .* real@test/)

      terminal.type('C')
      await terminal.shows(/and stop it on real@test if it runs\? \[y\/N\]/)
      terminal.type('y')

      await terminal.shows(/REVOKED +t\.until/)
      await terminal.shows(new RegExp(`Revoked and terminated ${id}: done by real@test\\.`))
    })

    it('says when workers send no task events, and e makes them', async () => {
      const worker = project.start('worker -n quiet@test')
      await project.client.send('t.until', [project.path('never')], { queue: 'slow' })
      await worker.said(/ready\./)
      await open()

      await terminal.shows(/^A worker sends no task events: e makes them/m)
      terminal.type('e')
      await terminal.shows(/Task events: done by quiet@test\./)
      await project.client.send('t.add', [1, 2])
      await terminal.shows(/SUCCESS +t\.add .* 3$/m)
    })

    it('follows the size of the terminal, down to one in which nothing fits', async () => {
      await open()
      await events.start('t.slow')
      await terminal.shows(/t\.slow .*\(1, 2\)/)

      for (const [columns, lines] of [
        [60, 10],
        [20, 5],
        [5, 3],
        [1, 1],
      ] as const) {
        terminal.resize(columns, lines)
        await eventually(
          () =>
            terminal
              .screen()
              .split('\n')
              .every((line) => line.length <= columns),
          5,
        )
      }
      terminal.resize(100, 30)
      await terminal.shows(/^ 1 tasks 1 [\s\S]*t\.slow .*\(1, 2\)[\s\S]*q quit/m)
    })

    it('shows hostile names as they are, in plain characters', async () => {
      await open()
      await events.start(HOSTILE, { args: HOSTILE })

      await terminal.shows(/> .*x\\x1b\[2J\\x1b/)
      terminal.type('i')
      await terminal.shows(/Task +x\\x1b\[2J\\x1b\]0;title\\x07\\u202ey/)
    })

    it('has no colours with NO_COLOR, and shows what is chosen all the same', async () => {
      terminal.type('export NO_COLOR=1', 'Enter')
      await open()
      const failed = await events.start('t.mail')
      await events.send({ type: 'task-failed', uuid: failed, exception: 'E()' })
      await terminal.shows(/^> .*FAILURE/m)

      expect(terminal.colours()).deep.equal([])
    })

    it('goes to the shell with Ctrl-Z and comes back', async () => {
      await open()
      terminal.type('C-z')
      await terminal.shows(/Stopped|Suspended/)
      expect(terminal.state()).deep.equal({ isAlternate: false, hasCursor: true })

      terminal.type('fg', 'Enter')
      await terminal.shows(/AGE STATE/)
      terminal.type('q')
      await eventually(() => !terminal.state().isAlternate, 10)
    })

    for (const way of ['q', 'C-c', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
      it(`leaves the terminal as it was at ${way}`, async () => {
        terminal.type('echo before', 'Enter')
        terminal.type(
          `stty -a > modes-before; '${process.execPath}' '${terminal.bin}' top; echo "exit code $?."; stty -a > modes-after`,
          'Enter',
        )
        await terminal.shows(/AGE STATE/)
        expect(terminal.state()).deep.equal({ isAlternate: true, hasCursor: false })

        if (way.startsWith('SIG')) process.kill(terminal.foreground(), way as NodeJS.Signals)
        else terminal.type(way)

        const screen = await terminal.shows(/exit code 0\./)
        expect(screen)
          .match(/before$/m)
          .not.contain('AGE STATE')
        expect(terminal.state()).deep.equal({ isAlternate: false, hasCursor: true })
        await eventually(() => existsSync(project.path('modes-after')), 10)
        const modes = (file: string) => execFileSync('cat', [project.path(file)], { encoding: 'utf8' })
        await eventually(() => modes('modes-after') !== '', 10)
        expect(modes('modes-after')).equal(modes('modes-before'))
      })
    }
  })

  describe('elsewhere', () => {
    it('refuses an interval in which there would be no end of tables', async () => {
      expect(await project.tasks('top --no-ui --interval 0')).deep.include({ code: 2, stdout: '' })
    })

    it('prints a table every interval, until it is told to stop', async () => {
      const top = project.start('top --interval 100ms')
      await top.said(/0 workers · 0 running · 1 waiting/, 2)
      await events.heartbeat(1, 7)
      await events.start('t.slow')
      await top.said(/^w1@test +online +1 +7 +0\.50 1\.00 2\.00$/)
      await top.said(/^t\.slow +[\w-]{36} +w1@test/)

      const { code, stdout, stderr } = await top.stop('SIGINT')

      expect({ code, stderr }).deep.equal({ code: 0, stderr: '' })
      expect(stdout)
        .match(/^QUEUE +READY/m)
        .not.contain('\x1b')
    })

    it('is one document with --json, one table with --once', async () => {
      const [json, once] = await Promise.all([project.tasks('top --json'), project.tasks('top --once')])

      const document = JSON.parse(json.stdout) as { readonly queues: readonly { readonly queue: string; readonly ready: number }[] }
      expect(document.queues.find(({ queue }) => queue === 'celery')).include({ ready: 1 })
      expect(document).include.keys('at', 'workers', 'queues', 'running', 'states')
      expect(once.stdout.match(/QUEUE +READY/g)).length(1)
      expect([json.code, once.code]).deep.equal([0, 0])
    })

    it('shows the tasks that a worker of ours was running before anybody looked', async () => {
      const worker = project.start('worker -Q slow -n early@test')
      await project.client.send('t.until', [project.path('go')], { queue: 'slow' })
      await worker.said(/t\.until/)

      const top = project.start('top --interval 100ms')

      await top.said(/^t\.until +[\w-]{36} +early@test/)
      await top.stop()
    })
  })
})
