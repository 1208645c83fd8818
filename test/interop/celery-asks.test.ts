/** Debian's `celery inspect`, `celery status` and `celery control` against a worker of ours: the shapes of the captured answers. */
import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { captured } from '../worker/panel/captured.js'
import type { CeleryCommand } from './celery-command.js'
import type { Process } from './process.js'
import { Scene } from './scene.js'
import { expectShape } from './shape.js'

const NODE = 'ours@interop'

interface Info {
  readonly id: string
  readonly name: string
  readonly hostname: string
}

describe("Celery's commands and a worker of ours", function () {
  this.timeout(60_000)
  let scene: Scene
  let celery: CeleryCommand
  let worker: Process
  /** Runs until its gate opens. */
  let active: string
  /** Is put aside until later. */
  let scheduled: string

  before(async function () {
    scene = await Scene.open(this)
    const options = { queues: ['node'], concurrency: 1, prefetchMultiplier: 4, name: NODE }
    ;[celery, worker] = await Promise.all([scene.celeryCommand(), scene.nodeWorker(options)])
    // It says that it is ready when it takes tasks; its keeper listens a moment later.
    await eventually(async () => (await celery.run('inspect', '-t', '0.3', '-d', NODE, 'ping')).code === 0, 20)
    ;({ id: active } = await send('kuma.hold', ['gate']))
    await scene.noted('node gate begins')
    ;({ id: scheduled } = await send('kuma.add', [1, 2], 600))
    await eventually(async () => (await inspect<readonly unknown[]>('scheduled')).length === 1, 20)
  })
  after(() => scene?.close())

  const send = (task: string, args: readonly unknown[], countdown = 0) => scene.app.send(task, args, { queue: 'node', countdown })

  /** Named, it is not waited for others. */
  const audience = ['-t', '10', '-d', NODE]

  async function inspect<T>(...words: readonly string[]): Promise<T> {
    return (await celery.json('inspect', ...audience, ...words))[NODE] as T
  }

  async function control(...words: readonly string[]): Promise<unknown> {
    return (await celery.json('control', ...audience, ...words))[NODE]
  }

  for (const [question, fixture, ...ours] of [
    ['ping', 'inspect-ping'],
    ['active', 'active-nonempty'],
    ['scheduled', 'scheduled'],
    ['registered', 'registered'],
    ['active_queues', 'active_queues'],
    ['stats', 'stats', 'celerity'],
    ['clock', 'clock'],
    ['report', 'report'],
  ] as const) {
    it(`inspect ${question} has an answer of the captured shape`, async () => {
      expectShape(await inspect(question), fixture, ours)
    })
  }

  it('inspect active and scheduled tell of the tasks that are there', async () => {
    const [running, later] = await Promise.all([inspect<Info[]>('active'), inspect<{ request: Info }[]>('scheduled')])

    expect(running).to.have.length(1)
    expect(running[0]).to.include({ id: active, name: 'kuma.hold', hostname: NODE })
    expect(later).to.have.length(1)
    expect(later[0]?.request).to.include({ id: scheduled, name: 'kuma.add', hostname: NODE })
  })

  it('inspect reserved and query_task tell of a task that waits in the worker', async () => {
    const { id } = await send('kuma.add', [3, 4]) // it goes back after a second, for another worker to take
    const [reserved, found] = await eventually(async () => {
      const answers = await Promise.all([inspect<Info[]>('reserved'), inspect<object>('query_task', active, id, 'unknown')])
      return answers[0].length === 1 && id in answers[1] && answers
    })

    expectShape(reserved, 'reserved-nonempty')
    expect(reserved[0]).to.include({ id, name: 'kuma.add' })
    expect(found).to.have.all.keys(active, id)
    expect(found).to.have.nested.property(`${active}[0]`, 'active')
    expect(found).to.have.nested.property(`${id}[0]`, 'reserved')
    const [info] = captured('active-nonempty').value as object[]
    expect(found)
      .to.have.nested.property(`${active}[1]`)
      .that.has.all.keys(Object.keys(info ?? {}))
  })

  it("inspect conf tells settings by Celery's names, of their kinds", async () => {
    const [changed, all] = await Promise.all([inspect<object>('conf'), inspect<Record<string, unknown>>('conf', 'true')])
    const theirs = captured('conf-defaults').value as Record<string, unknown>
    const shared = Object.keys(all).filter((name) => name in theirs && name !== 'result_expires')

    expect(changed).to.deep.include({ broker_url: scene.url })
    expect(all).to.include({ result_expires: 86_400 }) // a timedelta, which Celery tells as text
    expect(shared.length).to.be.greaterThan(20)
    for (const name of shared) {
      if (all[name] !== null && theirs[name] !== null) expect(typeof all[name], name).to.equal(typeof theirs[name])
    }
  })

  it('status and inspect print what they print of any worker', async () => {
    const [status, ping, report] = await Promise.all([
      celery.run('status', '-t', '10', '-d', NODE),
      celery.run('inspect', ...audience, 'ping'),
      celery.run('inspect', ...audience, 'report'),
    ])

    expect(status).to.include({ code: 0, stdout: `->  ${NODE}: OK\n\n1 node online.\n` })
    expect(ping).to.include({ code: 0, stdout: `->  ${NODE}: OK\n        pong\n\n1 node online.\n` })
    expect(report.stdout).to.match(/^-> {2}ours@interop: OK\n.*software -> celerity:/s)
  })

  it('control changes limits, the pool and queues, with the captured answers', async () => {
    expect(await control('rate_limit', 'kuma.add', '10/m')).to.deep.equal(captured('rate_limit').value)
    expect(await control('rate_limit', 'no.such', '10/m')).to.deep.equal(captured('rate_limit-unknown').value)
    expect(await control('time_limit', 'kuma.add', '50', '60')).to.deep.equal(captured('time_limit').value)
    expect(await control('pool_grow', '2')).to.deep.equal(captured('pool_grow').value)
    expect(await inspect('stats')).to.have.nested.property('pool.max-concurrency', 3)
    expect(await control('pool_shrink', '1')).to.deep.equal({ ok: 'pool will shrink' })
    expect(await control('pool_shrink', '2'))
      .to.have.property('error')
      .that.contains("Can't shrink pool")
    expect(await inspect('stats')).to.have.nested.property('pool.max-concurrency', 2)
    expect(await control('add_consumer', 'newq')).to.deep.equal(captured('add_consumer').value)
    expectShape(await inspect('active_queues'), 'active_queues-after-add')
    expect(await inspect('registered')).to.include('kuma.add [rate_limit=10/m]')
    expect(await control('cancel_consumer', 'newq')).to.deep.equal(captured('cancel_consumer').value)
    expect(await inspect('active_queues')).to.have.length(1)
    expect(await control('rate_limit', 'kuma.add', '0')).to.deep.equal({ ok: 'new rate limit set successfully' })
    expect(await control('autoscale', '3', '1')).to.deep.equal(captured('autoscale-not-enabled').value)
    expect(await control('pool_restart')).to.deep.equal(captured('pool_restart').value)
    expect(await control('heartbeat')).to.equal(null)
  })

  it('control enables events, which celery events --dump then shows, and disables them', async () => {
    const dump = scene.celery(['events', '--dump'])
    await dump.said(/ heartbeat: /) // it says that it begins before it hears
    expect(await control('enable_events')).to.deep.equal({ ok: 'task events enabled' })
    expect(await control('enable_events')).to.deep.equal(captured('enable_events-again').value)

    const results = await Promise.all([send('kuma.add', [20, 22]), send('kuma.fail', ['ValueError', 'no'])])
    await control('heartbeat')

    for (const type of ['task received', 'task started', 'task succeeded', 'task failed', 'heartbeat']) {
      await dump.said(new RegExp(`^${NODE} \\[[^\\]]+\\] ${type}:`))
    }
    const { lines } = dump
    for (const { id } of results) expect(lines.filter((line) => line.includes(id)).length).to.be.at.least(3)
    expect(lines.find((line) => line.includes('task succeeded'))).to.match(
      /kuma\.add\([0-9a-f-]{36}\) args=\(20, 22\) kwargs=\{\}.* result=42/,
    )
    expect(await control('disable_events')).to.deep.equal({ ok: 'task events disabled' })
    expect(await control('disable_events')).to.deep.equal(captured('disable_events-again').value)
  })

  it('control revokes what waits, which inspect revoked then lists', async () => {
    expectShape(await control('revoke', scheduled), 'revoke')
    expectShape(await inspect('revoked'), 'revoked-after')
    expect(await inspect('revoked')).to.deep.equal([scheduled])
  })

  it('control terminates what runs', async () => {
    expect(await control('terminate', 'SIGTERM', active)).to.deep.equal({ ok: `terminate: ${active}` })
    expect(await scene.app.result(active).wait({ timeout: 10 })).to.equal('REVOKED')
    expect(await inspect('active')).to.deep.equal([])
  })

  it('a command that Celery has and we do not is answered as an error, and nobody answers for another', async () => {
    expect(await inspect('objgraph')).to.have.property('error')
    const nobody = await celery.run('inspect', '-t', '0.2', '-d', 'nobody@interop', 'ping')

    expect(nobody.code).to.equal(69)
  })

  it('control shutdown ends it in order; its silence is an error to Celery, as of its own workers', async () => {
    const { code } = await celery.run('control', '-t', '0.5', '-d', NODE, 'shutdown')

    expect(code).to.equal(69)
    expect(await worker.closed, worker.lines.join('\n')).to.equal(0)
  })
})
