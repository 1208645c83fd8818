import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { openResults } from '../../src/results/open.js'
import type { ResultStore } from '../../src/results/store.js'
import { eventually, names } from '../conformance/broker/stage.js'

const CHILD = fileURLToPath(new URL('./sqlite-child.ts', import.meta.url))
const PRODUCED = 150

describe('several processes on one SQLite file', function () {
  this.timeout(60_000)
  let folder: string
  let url: string
  let children: ChildProcess[]
  let broker: Broker
  let results: ResultStore

  function start(...args: string[]): ChildProcess {
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
    children.push(child)
    return child
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'celerity-processes-'))
    url = `sqlite:${join(folder, 'tasks.db')}`
    children = []
  })
  afterEach(async () => {
    for (const child of children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await Promise.all([broker.close(), results.close()])
    await rm(folder, { recursive: true })
  })

  it('lose nothing when one of two workers is killed; the last to leave leaves one file', async () => {
    // All at once on a file that does not exist yet.
    const producers = [start('produce', url, 'a', String(PRODUCED)), start('produce', url, 'b', String(PRODUCED))]
    const [killed, survivor] = [start('work', url), start('work', url)]
    broker = await openBroker(url)
    results = await openResults(url)
    const ids = [...names('a', PRODUCED), ...names('b', PRODUCED)]
    const pids = async () => (await results.get(ids)).filter((json) => json !== null).map((json) => JSON.parse(json) as { pid: number })

    await eventually(async () => new Set((await pids()).map(({ pid }) => pid)).size === 2, 40)
    killed?.kill('SIGKILL')
    await eventually(async () => (await pids()).length === ids.length, 40)

    for (const producer of producers) expect(await exitOf(producer)).to.equal(0)
    survivor?.kill('SIGTERM')
    expect(await exitOf(survivor!)).to.equal(0)
    // The killed worker may have held nothing: then it is only its registration that is reaped, by whoever looks.
    await eventually(
      async () => (await broker.tend(() => ({ fate: { kind: 'ack' } }))) && (await broker.queues.counts(['kuma']))[0]?.consumers === 0,
    )
    expect((await broker.queues.counts(['kuma']))[0]).to.include({ ready: 0, leased: 0, dead: 0 })
    await Promise.all([broker.close(), results.close()])
    expect(await readdir(folder)).to.deep.equal(['tasks.db'])
  })
})

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}
