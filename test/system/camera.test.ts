/**
 * What a camera stores while it is killed, and while its database is away: a row for each task, with its final state. `CAMERA_TASKS` and
 * `CAMERA_OUTAGE` (seconds) say how many and how long; by default the outage is short, for CI.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { sql } from 'kysely'
import { Celerity } from '../../src/index.js'
import { openSnapshots } from '../../src/monitor/open.js'
import type { SnapshotStore } from '../../src/monitor/store.js'
import { GroupProcess } from '../chaos/stage/processes.js'
import { eventually } from '../eventually.js'
import { redisUrl, startPostgres } from '../setup/servers.js'
import { tell } from '../tell.js'

const BIN = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))
const APP = fileURLToPath(new URL('camera-app.ts', import.meta.url))

const OUTAGE = Number(process.env['CAMERA_OUTAGE'] ?? 3)
/** One of so many fails. */
const FAILING = 20

describe('the monitor, under load', function () {
  this.timeout(180_000)
  let folder: string
  let brokerUrl: string
  let app: Celerity
  let processes: GroupProcess[]

  beforeEach(async function () {
    folder = mkdtempSync(join(tmpdir(), 'celerity-camera-'))
    brokerUrl = await redisUrl(this)
    app = new Celerity('camera', { brokerUrl, resultBackend: null })
    processes = []
  })
  afterEach(async () => {
    await Promise.all(processes.map((one) => one.end()))
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function start(name: string, ...words: string[]): GroupProcess {
    const env = { PATH: process.env['PATH'], HOME: folder, TASKS_BROKER_URL: brokerUrl, TASKS_RESULT_BACKEND: 'disabled' }
    const started = new GroupProcess(name, process.execPath, [BIN, ...words], {
      cwd: folder,
      env: { ...env, TASKS_WORKER_LOG_FORMAT: 'json' },
    })
    processes.push(started)
    return started
  }

  /** Not waited for: what is sent waits in the queue. A line for each task would be most of its work. */
  function startWorker(): void {
    start('worker', 'worker', '-A', APP, '-c', '10', '--log-level', 'critical')
  }

  async function startCamera(store: string): Promise<GroupProcess> {
    const camera = start('camera', 'monitor', '--freq', '0.1', '--store', store)
    await camera.said(/writes to/)
    return camera
  }

  /** Sends tasks `from` … `to`, not including it. */
  async function send(from: number, to: number): Promise<void> {
    const numbers = Array.from({ length: to - from }, (_, index) => from + index)
    await Promise.all(numbers.map((number) => app.send(number % FAILING === 0 ? 'camera.failed' : 'camera.done', [number])))
  }

  async function expectAll(store: SnapshotStore, count: number): Promise<void> {
    await eventually(async () => (await ended(store)) === count, 60).catch(async (error: unknown) => {
      const said = processes.map(({ name, output }) => `${name}: ${output.slice(-1500)}`).join('\n')
      throw new Error(
        `${await ended(store)} of ${count} tasks have an end: ${String(error)}\n${JSON.stringify(await states(store))}\n${said}`,
      )
    })
    expect(await states(store)).to.deep.equal([
      { name: 'camera.done', state: 'SUCCESS', count: count - count / FAILING },
      { name: 'camera.failed', state: 'FAILURE', count: count / FAILING },
    ])
    expect(await store.query((tables) => tables.selectFrom('monitor_gap').selectAll())).to.deep.equal([])
  }

  it('has a row for each of 20,000 tasks, with its final state, after it was killed five times', async () => {
    const count = Number(process.env['CAMERA_TASKS'] ?? 20_000)
    const url = `sqlite:${join(folder, 'monitor.db')}`
    const kills = 5
    const wave = count / (kills + 1)
    let camera = await startCamera(url)
    startWorker()
    const store = await openSnapshots(url)
    const began = performance.now()
    try {
      const stored: number[] = []
      for (let number = 0; number <= kills; number++) {
        await send(Math.ceil(number * wave), Math.ceil((number + 1) * wave))
        if (number === kills) break
        // In the midst of a wave: some of it stored, some written by the worker and not read, some not run.
        await eventually(async () => (await rows(store)) >= (number + 0.3) * wave, 60)
        camera.signal('SIGKILL')
        await camera.ended
        stored.push(await ended(store))
        camera = await startCamera(url)
      }
      await expectAll(store, count)
      camera.signal('SIGTERM')
      expect((await camera.ended).code).to.equal(0)
      tell(`${count} tasks, killed after ${stored.join(', ')} ends; ${((performance.now() - began) / 1000).toFixed(0)} s`)
    } finally {
      await store.close()
    }
  })

  it('has a row for each task when its database was away for a while', async function () {
    const count = Number(process.env['CAMERA_TASKS'] ?? 6_000)
    const [first, second] = [Math.floor(count / 3), Math.floor((2 * count) / 3)]
    const server = await startPostgres(this)
    try {
      const camera = await startCamera(server.url)
      startWorker()
      await send(0, first)
      await camera.said(/./) // it runs
      await server.kill()
      const began = performance.now()
      await send(first, second)
      await sleep(OUTAGE * 1000)
      expect(camera.isAlive).to.equal(true)
      await server.restart()
      await send(second, count)

      const store = await openSnapshots(server.url)
      try {
        await expectAll(store, count)
      } finally {
        await store.close()
      }
      expect(camera.output)
        .to.match(/cannot be used, waiting for it/)
        .and.to.match(/is back after/)
      tell(
        `${count} tasks, the database away for ${OUTAGE} s, all there ${((performance.now() - began) / 1000 - OUTAGE).toFixed(1)} s later`,
      )
    } finally {
      await server.stop()
    }
  })
})

async function rows(store: SnapshotStore): Promise<number> {
  const [row] = await store.query((tables) => tables.selectFrom('monitor_task').select(sql<number>`COUNT(*)`.as('count')))
  return row?.count ?? 0
}

async function ended(store: SnapshotStore): Promise<number> {
  const [row] = await store.query((tables) =>
    tables.selectFrom('monitor_task').select(sql<number>`COUNT(*)`.as('count')).where('ended_at', 'is not', null),
  )
  return row?.count ?? 0
}

function states(store: SnapshotStore) {
  return store.query((tables) =>
    tables
      .selectFrom('monitor_task')
      .select(['name', 'state', sql<number>`COUNT(*)`.as('count')])
      .groupBy(['name', 'state'])
      .orderBy('name'),
  )
}
