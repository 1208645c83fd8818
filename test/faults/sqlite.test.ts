/** A SQLite file that others damage, lock, take away or forbid, seen from the commands and workers that use it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { aTaskProject, type TaskProject } from '../commands/a-project.js'
import { BIN, type Ended } from '../commands/run-tasks.js'
import { eventually } from '../eventually.js'
import { endWithUs } from '../setup/guard.js'

const TASKS = 5
const HOLDER = fileURLToPath(new URL('sqlite-holder.ts', import.meta.url))

/** Who may write everywhere has nothing to be refused. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

describe('a SQLite file under fire', function () {
  this.timeout(60_000)

  let project: TaskProject
  let file: string
  let good: string
  const children: ChildProcess[] = []
  beforeEach(async () => {
    project = aTaskProject({ brokerDeadline: 2, taskPublishDeadline: 2, workerLease: 2 })
    file = project.path('.tasks/tasks.db')
    good = project.path('good.db')
    for (let at = 0; at < TASKS; at++) await project.client.send('t.add', [at, 1])
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await project.remove()
  })

  /** Nobody has it open, and all of it is in one file. */
  const closed = async () => {
    await project.client.close()
    copyFileSync(file, good)
  }
  const ready = async () => {
    const { stdout } = await project.tasks('queues --json')
    return (JSON.parse(stdout) as { queue: string; ready: number }[]).find(({ queue }) => queue === 'celery')?.ready
  }
  const done = (stderr: string) => stderr.match(/succeeded/g)?.length ?? 0

  describe('that is damaged', () => {
    const damages: readonly [what: string, harm: () => void, said: RegExp][] = [
      ['in its middle', () => overwrite(file, 3 * 4096, 4 * 4096), /malformed/],
      ['by being cut', () => truncateSync(file, 20_000), /malformed/],
      ['by being another file', () => writeFileSync(file, 'hello, I am a text\n'), /not a database/],
    ]
    for (const [what, harm, said] of damages) {
      it(`${what} is named by each command, and left to be mended: nothing is made anew`, async () => {
        await closed()
        harm()
        const before = readFileSync(file)

        const ends = await Promise.all(
          ['queues --json', 'dead list --json', 'call t.add --args [1,1] --json'].map((line) => project.tasks(line)),
        )

        for (const { code, stdout } of ends) {
          const { error } = JSON.parse(stdout) as { error: { code: string; message: string; hint: string } }
          expect(error.message, stdout).contain(file).match(said)
          expect(error.hint).contain('.recover')
          expect({ code, error: error.code }).deep.equal({ code: 1, error: 'E_BROKER_REFUSED' })
        }
        expect(readFileSync(file).equals(before), 'left as it is').equal(true)
        renameSync(good, file)
        expect(await ready()).equal(TASKS)
      })
    }

    it('is told by a worker, which stops in order; one that finds it mended works all of it off', async () => {
      await closed()
      overwrite(file, 3 * 4096, 4 * 4096)
      const worker = project.start('worker --log-format text')
      await worker.said(/nothing can be taken: .*malformed/)
      expect((await worker.stop()).code).equal(0)

      for (const name of ['', '-wal', '-shm']) rmSync(file + name, { force: true })
      renameSync(good, file)

      const next = await project.tasks('worker --once --log-format text')
      expect(done(next.stderr)).equal(TASKS)
      expect(await ready()).equal(0)
    })

    it('by a log that is empty or garbage loses nothing: what was committed is in the file', async () => {
      await closed()
      for (const log of [Buffer.alloc(0), Buffer.alloc(9_000, 0xa5)]) {
        writeFileSync(`${file}-wal`, log)
        expect(await ready()).equal(TASKS)
      }
    })
  })

  it('that is deleted under a worker ends it with a clear line, and is made anew by --restart', async () => {
    const worker = project.start('worker --restart --log-format text')
    await worker.said(/succeeded/, TASKS)
    await project.client.close()

    for (const name of ['', '-wal', '-shm']) rmSync(file + name, { force: true })

    await worker.said(/Error: .*tasks\.db was deleted, or another file put in its place/)
    await worker.said(/ended by itself with exit code 74/)
    await worker.said(/ ready\./, 2)
    await project.tasks('call t.add --args [1,2]')
    await worker.said(/succeeded/, TASKS + 1)
    expect((await worker.stop()).code).equal(0)
  })

  it('whose writer is killed in the middle of a transaction keeps what was there, and nothing of that', async () => {
    const holder = await hold('half')
    const worker = project.start('worker --log-format text')
    await new Promise((end) => setTimeout(end, 300))

    holder.kill('SIGKILL')

    await worker.said(/succeeded/, TASKS)
    expect((await worker.stop()).code).equal(0)
    expect(done(worker.stderr)).equal(TASKS)
    expect(await ready()).equal(0)
  })

  it('that another program locks past the deadline is an error of a send, and is waited for by a worker', async () => {
    const worker = project.start('worker --log-format text')
    await worker.said(/succeeded/, TASKS)
    const holder = await hold('lock')

    const send = await project.tasks('call t.add --args [7,1] --json')
    expect(send.code).equal(69)
    expect(JSON.parse(send.stdout))
      .nested.property('error.message')
      .match(/locked|2s/)
    await eventually(() => /locked/.test(worker.stderr))
    holder.kill('SIGKILL')

    await project.client.send('t.add', [8, 1])
    await worker.said(/succeeded/, TASKS + 1)
    expect((await worker.stop()).code).equal(0)
    expect(done(worker.stderr), 'the send that failed left nothing').equal(TASKS + 1)
  })

  it('that may only be read says so, and loses nothing', async function () {
    if (!isReadableFor(NOBODY)) this.skip()
    await closed()
    const folder = project.path('.tasks')
    chmodSync(project.folder, 0o755)
    chmodSync(folder, 0o555)
    chmodSync(file, 0o444)

    const send = await project.tasks('call t.add --args [1,1] --json', NOBODY)
    const worker = await project.tasks('worker --once', NOBODY)

    chmodSync(folder, 0o755)
    chmodSync(file, 0o644)
    expectReadonly(send)
    expect(worker.code).equal(1)
    expect(worker.stderr).match(/Error: .*tasks\.db/)
    expect(await ready()).equal(TASKS)
  })

  function expectReadonly({ code, stdout }: Ended): void {
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string; hint: string } }
    expect(error.message).contain(file)
    expect(error.hint).contain('must be writable')
    expect({ code, error: error.code }).deep.equal({ code: 1, error: 'E_BROKER_REFUSED' })
  }

  /** Another program with a transaction open on the file; `half`: it has changed much in it. */
  async function hold(how: 'half' | 'lock'): Promise<ChildProcess> {
    const child = spawn(process.execPath, ['--import', 'tsx', HOLDER, file, how], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    const guard = endWithUs(child.pid!)
    child.once('exit', () => guard.dismiss())
    await new Promise((resolve) => child.stdout.once('data', resolve))
    return child
  }
})

function overwrite(path: string, from: number, length: number): void {
  const bytes = readFileSync(path)
  expect(statSync(path).size).greaterThan(from + length)
  writeFileSync(path, bytes.fill(0xde, from, from + length))
}

/** Whether such a user may run what we test. */
function isReadableFor(user: typeof NOBODY): boolean {
  return spawnSync(process.execPath, [BIN, '--version'], { ...user, stdio: 'ignore' }).status === 0
}
