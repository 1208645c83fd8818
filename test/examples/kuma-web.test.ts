/** The example as it is deployed: its web process, a worker as built, a real Redis, and Python beside them. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { python, redisUrl } from '../setup/servers.js'

const kuma = fileURLToPath(new URL('../../examples/kuma', import.meta.url))
const tasks = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))

describe('examples/kuma with its worker', function () {
  this.timeout(60_000)

  const folder = mkdtempSync(join(tmpdir(), 'celerity-kuma-web-'))
  let env: NodeJS.ProcessEnv
  let web: ChildProcess
  let worker: ChildProcess
  let url: string

  before(async function () {
    const broker = await redisUrl(this)
    env = { ...process.env, NODE_ENV: 'production', KUMA_DATA: folder, TASKS_BROKER_URL: broker, PORT: '0' }
    web = spawn(process.execPath, ['--import', 'tsx', 'web.ts'], { cwd: kuma, env, stdio: ['ignore', 'pipe', 'inherit'] })
    worker = spawn(process.execPath, [tasks, 'worker', '-c', '4', '--log-level', 'warning'], { cwd: kuma, env, stdio: 'ignore' })
    url = await urlOf(web)
  })

  after(() => {
    web?.kill('SIGKILL')
    worker?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  const text = async (path: string) => (await fetch(url + path)).text()

  it('answers an edit at once and brings the page, the bar and the mails after it', async () => {
    const saved = await fetch(`${url}/docs/Web/CSS`, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams({ content: '# Cascade', by: 'florian' }),
    })
    const answer = (await saved.json()) as { revision: number; tasks: readonly string[] }

    expect(saved.status).to.equal(202)
    expect(answer.tasks).to.have.lengthOf(3)
    await eventually(async () => (await text('/docs/Web/CSS')).includes('<h2>Cascade</h2>'), 20)
    await eventually(async () => (await text('/docs/Web/CSS')).includes('Written by'), 20)
    const [, notify] = answer.tasks
    const told = await eventually(async () => {
      const { state, info } = JSON.parse(await text(`/tasks/${notify}`)) as { state: string; info: unknown }
      return state === 'SUCCESS' && info
    }, 20)
    expect(told).to.equal(25)
  })

  it('keeps its pages fast while a long calculation runs, and shows how far that is', async () => {
    await fetch(`${url}/spam`, { method: 'POST', redirect: 'manual' })
    await eventually(async () => (await text('/spam')).includes('<progress'), 20)

    const times: number[] = []
    for (let visit = 0; visit < 50; visit++) {
      const begun = performance.now()
      await text('/docs/Web/CSS')
      times.push(performance.now() - begun)
    }

    // One step of the calculation takes 150 ms: a page that waited for the tasks would show it.
    expect(times.sort((a, b) => a - b)[25]).to.be.below(100)
  })

  it('runs what Python sends by name, and Python gets the values and the errors', async function () {
    const { stdout } = await promisify(execFile)(python(this), [join(kuma, 'producer.py')], { env })

    expect(stdout.trim().split('\n')).to.deep.equal(['2 + 3 = 5', 'rendered revision 2', 'PageMoveError there is no page No/Such/Page'])
  })

  it('ends in order when it is told to', async () => {
    web.kill('SIGTERM')
    worker.kill('SIGTERM')

    expect(await Promise.all([exitOf(web), exitOf(worker)])).to.deep.equal([0, 0])
  })
})

async function urlOf(web: ChildProcess): Promise<string> {
  if (web.stdout === null) throw new Error('nobody listens to what it says')
  for await (const line of createInterface(web.stdout)) {
    const found = /http:\S+/.exec(line)?.[0]
    if (found !== undefined) return found.replace('localhost', '127.0.0.1')
  }
  throw new Error('the web process ended before it listened')
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}
