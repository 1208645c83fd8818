/** A full disk under what a worker writes beside its work: its log, its pidfile, what handlers print (S3). The broker is elsewhere. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { SmallDisk } from '../chaos/faults/small-disk.js'
import { aTaskProject, type TaskProject } from '../commands/a-project.js'
import { BIN } from '../commands/run-tasks.js'
import { eventually } from '../eventually.js'
import { endWithUs } from '../setup/guard.js'

const TASKS = 10
/** Every write to it fails with ENOSPC. */
const FULL = '/dev/full'

const APP = fileURLToPath(new URL('loud-app.mjs', import.meta.url))

describe('a full disk under logs', function () {
  this.timeout(60_000)
  let project: TaskProject
  let disk: SmallDisk | null
  let child: ChildProcess | undefined
  let ended: Promise<number | null>
  beforeEach(() => {
    project = aTaskProject({ app: APP, workerLease: 2 })
    disk = null
    child = undefined
  })
  afterEach(async () => {
    child?.kill('SIGKILL')
    if (child !== undefined) await ended
    await disk?.close()
    await project.remove()
  })

  /** With both its streams in that file, or with nobody at the other end of them. */
  function start(words: readonly string[], output: string | 'nobody'): void {
    const { PATH, HOME } = process.env
    const file = output === 'nobody' ? null : openSync(output, 'a')
    const stream = file ?? 'pipe'
    const one = spawn(process.execPath, [BIN, ...words], { cwd: project.folder, env: { PATH, HOME }, stdio: ['ignore', stream, stream] })
    if (file !== null) closeSync(file)
    const guard = endWithUs(one.pid ?? 0)
    ended = new Promise((resolve) =>
      one.once('exit', (code) => {
        guard.dismiss()
        resolve(code)
      }),
    )
    for (const each of [one.stdout, one.stderr]) each?.destroy()
    child = one
  }

  async function work(): Promise<void> {
    const results = await Promise.all(Array.from({ length: TASKS }, (_, at) => project.client.send('loud.add', [at, 1])))
    expect(await Promise.all(results.map((result) => result.get({ timeout: 20 })))).to.have.members(results.map((_, at) => at + 1))
  }

  async function stop(): Promise<number | null> {
    child?.kill('SIGTERM')
    return ended
  }

  for (const format of ['text', 'json']) {
    it(`is no reason for a worker not to work (${format})`, async function () {
      if (!existsSync(FULL)) this.skip()
      start(['worker', '--log-format', format], FULL)
      await work()
      expect(await stop()).to.equal(0)
    })
  }

  it('nor is a reader of them that is gone', async () => {
    start(['worker', '--log-format', 'text'], 'nobody')
    await work()
    expect(await stop()).to.equal(0)
  })

  it('ends: the log goes on; a pidfile that could not be written is not left half made, and no reason not to work either', async function () {
    disk = SmallDisk.mount(project.folder, 1)
    if (disk === null) this.skip()
    const log = join(disk.folder, 'log')
    const pidfile = join(disk.folder, 'pid')
    closeSync(openSync(log, 'a'))
    disk.fill()
    start(['worker', '--log-format', 'text', '--pidfile', pidfile], log)
    await work()
    expect(statSync(log).size).to.equal(0)
    expect(existsSync(pidfile)).to.equal(false)

    disk.free()
    await work()
    await eventually(() => (readFileSync(log, 'utf8').match(/succeeded/g)?.length ?? 0) >= TASKS, 5)
    expect(await stop()).to.equal(0)
  })

  it('under the output of a command is an error, and no success without the data', async function () {
    if (!existsSync(FULL)) this.skip()
    start(['queues', '--json'], FULL)
    expect(await ended).to.equal(74)
  })
})
