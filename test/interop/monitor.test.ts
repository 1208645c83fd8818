import { join } from 'node:path'
import { expect } from 'chai'
import { openSnapshots } from '../../src/monitor/open.js'
import type { SnapshotStore } from '../../src/monitor/store.js'
import { eventually } from '../eventually.js'
import type { Process } from './process.js'
import { Scene } from './scene.js'

describe('tasks monitor, of a Python worker', function () {
  this.timeout(90_000)
  let scene: Scene
  let url: string
  let store: SnapshotStore

  before(async function () {
    scene = await Scene.open(this)
    url = `sqlite:${join(scene.folder, 'monitor.db')}`
    store = await openSnapshots(url)
  })
  after(async () => {
    await store?.close()
    await scene?.close()
  })

  async function startMonitor(): Promise<Process> {
    const monitor = scene.tasks(['monitor', '--freq', '0.2', '--store', url, '--log-format', 'json', '--health-port', '0'])
    await monitor.said(/"port":/)
    await eventually(async () => (await health(monitor)).workers === 1, 20) // heard it, so it listens
    return monitor
  }

  async function run(count: number): Promise<void> {
    const sent = await Promise.all(Array.from({ length: count }, (_, index) => scene.app.send('py.add', [index, 1], { queue: 'py' })))
    await Promise.all(sent.map((result) => result.get({ timeout: 20 })))
  }

  it('stores what it tells, and says about how much it told while no monitor ran', async () => {
    const flags = ['-P', 'solo', '-Q', 'py', '-n', 'py@interop', '-E', '--heartbeat-interval', '1', '--without-gossip', '--without-mingle']
    await scene.celery(['worker', '-l', 'INFO', ...flags]).said(/ ready\./)
    const first = await startMonitor()
    await eventually(async () => (await workers())[0]?.processed === 0, 20)
    await run(5)
    await eventually(async () => (await tasks()).filter(({ state }) => state === 'SUCCESS').length === 5, 20)
    await first.stop()

    await run(7)
    const second = await startMonitor()
    await run(3)

    await eventually(async () => (await health(second)).unseen === 7, 20)
    await second.stop()
    expect((await tasks()).map(({ name, state, worker }) => `${name} ${state} ${worker}`)).to.deep.equal(
      Array(8).fill('py.add SUCCESS py@interop'),
    )
    expect((await workers())[0]?.software).to.match(/^py-celery /)
    expect(second.lines.join('\n')).to.include('about 7 tasks unseen')
  })

  const tasks = () => store.query((tables) => tables.selectFrom('monitor_task').select(['name', 'state', 'worker']))
  const workers = async () => await store.query((tables) => tables.selectFrom('monitor_worker').select(['software', 'processed']))

  async function health(monitor: Process) {
    const port = /"port":(\d+)/.exec(monitor.lines.join('\n'))?.[1]
    return (await (await fetch(`http://127.0.0.1:${port}/ready`)).json()) as { readonly unseen: number; readonly workers: number }
  }
})
