import { expect } from 'chai'
import { Redis } from 'ioredis'
import { settingsOf } from '../../src/config/load.js'
import { Celerity } from '../../src/index.js'
import { createLog } from '../../src/log.js'
import { createWorker } from '../../src/worker/create.js'
import type { Worker } from '../../src/worker/worker.js'
import { eventually } from '../eventually.js'
import { type RedisServer, startRedis } from '../setup/servers.js'
import { type RedisProxy, startRedisProxy } from './redis-proxy.js'

/** As the server says them. */
const NOT_YET = [
  'LOADING Redis is loading the dataset in memory',
  'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
  'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
  "READONLY You can't write against a read only replica.",
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  'CLUSTERDOWN The cluster is down',
]

describe('a worker whose Redis is in trouble', function () {
  this.timeout(60_000)
  let server: RedisServer
  let proxy: RedisProxy
  let direct: Redis
  let app: Celerity
  let worker: Worker
  let ended: Promise<void>
  let lines: { readonly level: string; readonly text: string }[]
  let runs: number[]
  let sent = 0

  before(async function () {
    server = await startRedis(this, { durable: true })
    proxy = await startRedisProxy(server.port)
    direct = new Redis(server.url)
    direct.on('error', () => {})
    lines = []
    runs = []
    app = new Celerity('kuma')
    app.configure(
      settingsOf({ brokerUrl: proxy.url, resultBackend: proxy.url, brokerDeadline: 1, workerLease: 3, workerConcurrency: 4 }),
      createLog('info', (level, text) => lines.push({ level, text })),
    )
    app.task('kuma.slow', async (number: number) => {
      runs.push(number)
      await new Promise((resolve) => setTimeout(resolve, 100))
      return number
    })
    ;({ worker } = await createWorker(app))
    ended = worker.run()
    await eventually(() => worker.ready)
  })
  after(async () => {
    worker?.stopNow()
    await ended
    await app?.close()
    direct?.disconnect()
    await proxy?.close()
    await server?.stop()
  })

  /** While tasks run and wait: the trouble, and how long after its end all is done. */
  async function through(trouble: () => Promise<void>): Promise<number> {
    runs.length = 0
    const numbers = Array.from({ length: 12 }, () => ++sent)
    const results = await app.sendMany(numbers.map((number) => app.signature('kuma.slow', [number])))
    await eventually(() => runs.length > 0)
    await trouble()
    const began = performance.now()
    expect(await Promise.all(results.map((result) => result.get({ timeout: 20 })))).to.deep.equal(numbers)
    const took = performance.now() - began
    await eventually(async () => {
      const [counts] = await (await app.broker()).queues.counts(['celery'])
      return counts !== undefined && counts.leased + counts.ready + counts.delayed === 0
    })
    expect([...runs].sort((a, b) => a - b)).to.deep.equal(numbers)
    expect(await (await app.broker()).queues.dead('celery', 0, 9)).to.deep.equal([])
    return took
  }

  const hush = (silent: boolean) => {
    proxy.isSilent = silent
  }
  const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

  for (const error of NOT_YET)
    it(`that answers ${error.split(' ')[0]} waits: nothing fails, is condemned, or runs twice`, async () => {
      const took = await through(async () => {
        proxy.judge = ({ name }) => (/^(EVAL|BLMOVE)/.test(name) ? { error } : 'pass')
        await pause(2_000)
        proxy.judge = () => 'pass'
      })
      expect(took).to.be.below(5_000)
    })

  it('that forgets its scripts notices nothing', async () => {
    const before = lines.length
    const flushes = setInterval(() => direct.script('FLUSH'), 5)
    await through(() => pause(300))
    clearInterval(flushes)
    expect(lines.slice(before).filter(({ level }) => level !== 'info')).to.deep.equal([])
  })

  for (const type of ['normal', 'pubsub'] as const)
    it(`that kills its ${type} connections again and again goes on`, async () => {
      const took = await through(async () => {
        for (let kills = 0; kills < 10; kills++) {
          await direct.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
          await pause(50)
        }
      })
      expect(took).to.be.below(5_000)
    })

  for (const [what, begin, end] of [
    ['refuses connections', () => proxy.refuse(), () => proxy.listen()],
    ['is silent', async () => hush(true), async () => hush(false)],
    ['is killed, and started again', () => server.kill(), () => server.restart()],
  ] as const)
    it(`that ${what} for longer than a lease: it is back within five seconds, and nothing runs twice`, async () => {
      const before = lines.length
      const took = await through(async () => {
        await begin()
        await pause(4_000)
        await end()
      })
      const said = lines.slice(before).filter(({ text }) => text.includes('does not serve'))

      expect(took).to.be.below(7_000) // with the tasks that were still to be run
      expect(said.length, JSON.stringify(said)).to.be.at.most(1)
    })
})
