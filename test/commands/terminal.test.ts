import { mkdirSync, readdirSync } from 'node:fs'
import { expect } from 'chai'
import { aTaskProject, type TaskProject } from './a-project.js'
import { type ATerminal, aTerminal } from './a-terminal.js'

describe('on a terminal', function () {
  this.timeout(60_000)

  let project: TaskProject
  let terminal: ATerminal
  beforeEach(async function () {
    project = aTaskProject()
    mkdirSync(project.path('tmp'))
    terminal = aTerminal(this, project.folder, { TMPDIR: project.path('tmp') })
    await project.client.send('t.add', [1, 2])
  })
  afterEach(async () => {
    terminal?.close()
    await project.remove()
  })

  const ready = async () => (await project.counts('celery')).ready

  it('purge shows what would go and asks; a no changes nothing, a yes removes', async () => {
    terminal.tasks('purge')
    const asked = await terminal.shows(/Remove 1 waiting message from celery\? \[y\/N\]/)
    expect(asked).match(/^celery +1 +0 +0 +0$/m)
    terminal.type('Enter')
    await terminal.shows(/Nothing was changed\.\s+exit code 1\./)
    expect(await ready()).equal(1)

    terminal.tasks('purge')
    await terminal.shows(/\[y\/N\] *$/m)
    terminal.type('y', 'Enter')
    await terminal.shows(/^celery +1 +0 +0 +0\nslow .*\nexit code 0\./m)
    expect(await ready()).equal(0)
  })

  it('control shutdown of every worker names them and asks; of one it does not', async () => {
    const workers = ['one@here', 'two@here'].map((name) => project.start(`worker -n ${name} --log-format text`))
    for (const worker of workers) await worker.said(/ ready\./)

    terminal.tasks('control shutdown')
    await terminal.shows(/Shut down every worker: (one@here, two@here|two@here, one@here)\? \[y\/N\]/)
    terminal.type('n', 'Enter')
    await terminal.shows(/Nothing was changed\.\s+exit code 1\./)
    terminal.tasks('control shutdown -d one@here')
    await terminal.shows(/told to shut down\s+exit code 0\./)
    expect((await workers[0]!.ended).code).equal(0)

    terminal.tasks('control shutdown --yes')
    await terminal.shows(/two@here: OK\s+told to shut down\s+exit code 0\./)
    expect((await workers[1]!.ended).code).equal(0)
  })

  it('a question is a no at Ctrl-D, and at Ctrl-C the end', async () => {
    terminal.tasks('purge')
    await terminal.shows(/\[y\/N\] *$/m)
    terminal.type('C-d')
    await terminal.shows(/Nothing was changed\.\s+exit code 1\./)

    terminal.tasks('purge')
    await terminal.shows(/\[y\/N\] *$/m)
    terminal.type('C-c')
    await terminal.shows(/^[$#] *$/m) // a shell that is interrupted runs nothing more of its line
    terminal.type('echo "exit code $?."', 'Enter')
    await terminal.shows(/^exit code 130\./m)
    expect(await ready()).equal(1)
  })

  it('a worker greets with its banner, logs as Celery does, and stops in order at Ctrl-C, with --watch as well', async () => {
    for (const flag of ['', ' --watch']) {
      terminal.tasks(`worker -Q celery${flag}`)
      const greeting = await terminal.shows(/: INFO\/MainProcess\] \S+ ready\./)
      expect(greeting).contain('[config]').contain('  . t.add')
      terminal.type('C-c')
      const end = await terminal.shows(/exit code 0\./)
      expect(end.match(/SIGINT: stopping; once more to stop now/g)).length(1)
      expect(end).not.contain('stopping now')
    }
  })

  it('demo shows how far it is on one line, and at Ctrl-C leaves nothing', async () => {
    terminal.tasks('demo')
    await terminal.shows(/\d+ of \d+ done.* spam dashboard \[=*>? *\] +\d+%/)
    terminal.type('C-c')
    const end = await terminal.shows(/exit code 130\./)

    expect(end).contain('Interrupted. The worker has stopped.').not.contain(' done')
    expect(readdirSync(project.path('tmp'))).deep.equal([])
  })
})
