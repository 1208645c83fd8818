/** Celery's own command against a worker of ours: a first look; test/interop has the whole of it. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { settingsOf } from '../../../src/config/load.js'
import { Celerity } from '../../../src/index.js'
import { createWorker } from '../../../src/worker/create.js'
import type { Worker } from '../../../src/worker/worker.js'
import { eventually } from '../../eventually.js'
import { python, redisUrl } from '../../setup/servers.js'
import { gate } from '../a-worker.js'

const run = promisify(execFile)

describe("Celery's command and our worker", function () {
  this.timeout(60_000)
  const done = gate()
  let app: Celerity
  let worker: Worker
  let ended: Promise<void>
  let celery: (...args: string[]) => Promise<string>

  before(async function () {
    const [program, url] = [python(this), await redisUrl(this)]
    celery = async (...args) =>
      (await run(program, ['-m', 'celery', '-b', url, ...args], { env: { ...process.env, LC_ALL: 'C.UTF-8' } })).stdout
    app = new Celerity('smoke')
    app.configure(settingsOf({ brokerUrl: url, resultBackend: url, workerHostname: 'w1@host1', workerAutoscale: null }))
    app.task('kuma.sleep', (_: number) => done.passed)
    app.task('kuma.limited', { rateLimit: '10/m' }, () => {})
    ;({ worker } = await createWorker(app))
    ended = worker.run()
    await eventually(() => worker.ready)
  })
  after(async () => {
    done.open()
    worker?.stopNow()
    await ended
    await app?.close()
  })

  /** What `celery inspect` or `celery control` prints as JSON, of the one worker. */
  async function asked(what: 'inspect' | 'control', ...args: string[]): Promise<unknown> {
    // Named, it is not waited for others.
    const printed: unknown = JSON.parse(await celery(what, '-t', '10', '-d', 'w1@host1', '-j', ...args))
    const values = Object.values((Array.isArray(printed) ? printed[0] : printed) as Record<string, unknown>)
    return values[0]
  }

  it('finds it, and what it runs and knows', async () => {
    await eventually(async () => (await celery('inspect', '-t', '0.5', 'ping').catch(() => '')).includes('w1@host1'))
    const { id } = await app.send('kuma.sleep', [25])
    await eventually(() => worker.active === 1)

    const [status, active, stats, registered, queues, conf, report, query] = await Promise.all([
      celery('status'),
      asked('inspect', 'active'),
      asked('inspect', 'stats'),
      asked('inspect', 'registered'),
      asked('inspect', 'active_queues'),
      asked('inspect', 'conf'),
      celery('inspect', 'report'),
      asked('inspect', 'query_task', id),
    ])

    expect(status).to.match(/w1@host1: *OK/)
    expect((active as object[])[0]).to.deep.include({ id, args: [25] })
    expect(stats).to.deep.nested.include({ 'pool.max-concurrency': 4, 'broker.transport': 'redis', 'total.kuma\\.sleep': 1 })
    expect(registered).to.deep.equal(['kuma.limited [rate_limit=10/m]', 'kuma.sleep'])
    expect(queues).to.have.nested.property('[0].name', 'celery')
    expect(conf)
      .to.have.property('broker_url')
      .that.matches(/^redis:/)
    expect(report).to.contain('software -> celerity:')
    expect(query).to.have.nested.property(`${id}[0]`, 'active')
  })

  it('steers it', async () => {
    const grown = await asked('control', 'pool_grow', '2')
    const answers = await Promise.all([
      asked('control', 'rate_limit', 'kuma.limited', '5/s'),
      asked('control', 'time_limit', 'kuma.sleep', '50', '60'),
      asked('control', 'add_consumer', 'newq'),
      asked('control', 'enable_events'),
      asked('control', 'revoke', 'gone'),
      asked('control', 'autoscale', '3', '1'),
    ])

    expect(grown).to.deep.equal({ ok: 'pool will grow' })
    expect(answers).to.deep.equal([
      { ok: 'new rate limit set successfully' },
      { ok: 'time limits set successfully' },
      { ok: 'add consumer newq' },
      { ok: 'task events enabled' },
      { ok: "tasks {'gone'} flagged as revoked" },
      { error: "ValueError('Autoscale not enabled')" },
    ])
    expect(worker.concurrency).to.equal(6)
    expect(await asked('inspect', 'revoked')).to.deep.equal(['gone'])
  })

  it('terminates what runs, and ends it', async () => {
    const [task] = (await asked('inspect', 'active')) as { readonly id: string }[]

    expect(await asked('control', 'terminate', 'SIGTERM', task?.id ?? '')).to.deep.equal({ ok: `terminate: ${task?.id}` })
    expect(await app.result(task?.id ?? '').state()).to.equal('REVOKED')
    await celery('control', '-t', '0.2', 'shutdown').catch(() => {}) // it has no answer, which Celery calls an error
    await ended
  })
})
