import { expect } from 'chai'
import { pythonFloat } from '../../../src/worker/panel/introspection.js'
import { eventually } from '../../eventually.js'
import { gate, Stage } from '../a-worker.js'
import { Asker } from '../keeper/an-asker.js'
import { captured, shapeOf } from './captured.js'

const NODE = 'w1@host1'

describe('a worker that is asked', () => {
  let stage: Stage
  let asker: Asker

  async function begin(settings: ConstructorParameters<typeof Stage>[0] = {}): Promise<void> {
    stage = new Stage({ workerHostname: NODE, ...settings })
    stage.app.task('proj.tasks.add', (x: number, y: number) => x + y)
    stage.app.task('proj.tasks.limited', { rateLimit: '10/m' }, () => {})
    const { worker } = await stage.work()
    asker = await Asker.open(await stage.app.broker())
    await eventually(() => worker.ready)
  }

  afterEach(async () => {
    await asker.close()
    await stage.end()
  })

  async function askAs(name: string): Promise<unknown> {
    const { method, args } = captured(name)
    return asker.ask(method, args)
  }

  const SAME = [
    ...['ping', 'inspect-ping', 'autoscale-not-enabled', 'bad-arguments', 'add_consumer', 'cancel_consumer', 'disable_events-again'],
    ...['heartbeat', 'pool_grow', 'pool_restart', 'query_task-single', 'rate_limit', 'rate_limit-bad', 'rate_limit-disable'],
    ...['rate_limit-int', 'rate_limit-unknown', 'revoke', 'revoke-list', 'revoke-reserved', 'revoke-terminate-unknown', 'revoked'],
    ...['revoke_by_stamped_headers', 'terminate-raw', 'time_limit-unknown', 'unknown-command', 'active_queues'],
  ]

  for (const name of SAME) {
    it(`answers ${name} as Celery's`, async () => {
      await begin()

      expect(await askAs(name)).to.deep.equal(captured(name).value)
    })
  }

  it("answers those that watch as Celery's started with -E", async () => {
    await begin({ workerSendTaskEvents: true })

    for (const name of ['enable_events', 'enable_events-again']) expect(await askAs(name)).to.deep.equal(captured(name).value)
    expect(await asker.ask('disable_events')).to.deep.equal({ ok: 'task events disabled' })
    expect(await asker.ask('disable_events')).to.deep.equal({ ok: 'task events already disabled' })
    expect(await asker.ask('enable_events')).to.deep.equal({ ok: 'task events enabled' })
  })

  it('takes no part in elections', async () => {
    await begin()

    expect(await askAs('election')).to.equal(null)
  })

  it('answers nothing to shutdown, and ends', async () => {
    await begin()

    await asker.send('shutdown')
    await eventually(async () => (await stage.counts()).consumers === 0)

    expect(asker.heard).to.deep.equal([])
  })

  it("tells what runs in the shape of Celery's, arguments as text when it is asked for what is safe", async () => {
    await begin()
    const done = gate()
    const sleeper = stage.app.task('proj.tasks.sleeper', (_: number) => done.passed)
    const { id } = await sleeper.delay(25)
    await eventually(async () => (await stage.counts()).leased === 1)

    const active = (await askAs('active-nonempty')) as { readonly time_start: number }[]
    const safe = await askAs('active-safe')
    const [expected] = captured('active-nonempty').value as object[]
    const began = active[0]?.time_start ?? 0
    const own = { id, hostname: NODE, args: [25], time_start: began, acknowledged: false, worker_pid: process.pid }

    expect(active).to.deep.equal([{ ...expected, ...own }])
    expect(began).to.be.closeTo(Date.now() / 1000, 5)
    expect(safe).to.deep.equal([{ ...expected, ...own, args: '(25,)', kwargs: '{}' }])
    expect(await asker.ask('query_task', { ids: [id, 'nope'] })).to.deep.equal({ [id]: ['active', active[0]] })
    done.open()
  })

  it("tells what it holds and has not started in the shape of Celery's", async () => {
    await begin({ workerConcurrency: 1, workerPrefetchMultiplier: 4 })
    const done = gate()
    const sleeper = stage.app.task('proj.tasks.sleeper', (_: number) => done.passed)
    await sleeper.delay(1)
    await eventually(async () => (await stage.counts()).leased === 1)
    const { id } = await sleeper.delay(1)
    await eventually(async () => (await stage.counts()).leased === 2)

    const reserved = await askAs('reserved-nonempty')
    const [expected] = captured('reserved-nonempty').value as object[]

    expect(reserved).to.deep.equal([{ ...expected, id }])
    expect(await asker.ask('query_task', { ids: id })).to.have.deep.nested.property(`${id}.0`, 'reserved')
    expect(await asker.ask('dump_reserved')).to.deep.equal(reserved)
    done.open()
  })

  it("tells what it has put aside until later in the shape of Celery's, until it is due", async () => {
    await begin()
    const later = stage.app.task('proj.tasks.later', (x: number, y: number) => x + y)
    const again = stage.app.task('proj.tasks.again', { bind: true }, (task, what: string) =>
      task.retry({ countdown: 60, args: [`${what}!`] }),
    )
    const { id } = await later.applyAsync([7, 8], { eta: new Date(Date.now() + 3_600_000) })
    const retried = await again.delay('x')

    const scheduled = await eventually(async () => {
      const found = (await askAs('scheduled')) as { readonly request: { readonly id: string } }[]
      return found.length === 2 && found
    })
    const [expected] = captured('scheduled').value as object[]

    expect(shapeOf(scheduled)).to.deep.equal(shapeOf([{ ...expected, request: scheduled[0]?.request }]))
    expect(shapeOf(scheduled[1])).to.deep.equal(shapeOf(expected)) // soonest first
    expect(scheduled[0]).to.deep.nested.include({
      'request.id': retried.id,
      'request.args[0]': 'x!',
      'request.hostname': NODE,
      priority: 6,
    })
    expect(scheduled[1]).to.deep.nested.include({ 'request.id': id, 'request.args[1]': 8 })
    expect(scheduled[0])
      .to.have.property('eta')
      .that.matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/)
  })

  it("tells its statistics in the shape of Celery's", async () => {
    await begin({ brokerTransportOptions: {} })
    const add = await stage.app.send('proj.tasks.add', [1, 2])
    await add.get({ timeout: 5 })

    const stats = (await askAs('stats')) as Record<string, Record<string, unknown>>
    const expected = captured('stats').value as Record<string, Record<string, unknown>>

    for (const part of ['pool', 'broker', 'rusage']) expect(Object.keys(stats[part] ?? {})).to.deep.equal(Object.keys(expected[part] ?? {}))
    expect(Object.keys(stats)).to.deep.equal([...Object.keys(expected), 'celerity'])
    expect(stats).to.deep.include({ total: { 'proj.tasks.add': 1 }, pid: process.pid })
    expect(stats['clock']).to.match(/^\d+$/)
    expect(stats['pool']).to.deep.include({ 'max-concurrency': 2, processes: [process.pid], implementation: 'celerity:async' })
    expect(shapeOf(stats['rusage'])).to.deep.equal(shapeOf(expected['rusage']))
  })

  it("tells the tasks it knows as Celery's does, with the attributes that are asked for", async () => {
    await begin()

    expect(await askAs('registered')).to.deep.equal(['proj.tasks.add', 'proj.tasks.limited [rate_limit=10/m]'])
    expect(await askAs('registered-items')).to.deep.equal([
      'proj.tasks.add [max_retries=3 acks_late=True]',
      'proj.tasks.limited [rate_limit=10/m max_retries=3 acks_late=True]',
    ])
  })

  it("tells its settings by Celery's names, without secrets", async () => {
    await begin({ resultBackend: 'redis://me:secret@127.0.0.1:6390/0', workerPrefetchMultiplier: 7, taskAcks: 'early' })

    const changed = (await askAs('conf')) as Record<string, unknown>
    const all = (await askAs('conf-defaults')) as Record<string, unknown>

    expect(changed).to.include({
      worker_prefetch_multiplier: 7,
      task_acks_late: false,
      result_backend: 'redis://me:********@127.0.0.1:6390/0',
    })
    expect(changed).not.to.have.any.keys('task_time_limit', 'worker_lease')
    expect(all).to.include({
      task_acks_late: false,
      worker_pool_restarts: false,
      task_default_queue: 'celery',
      worker_enable_remote_control: true,
    })
    expect(JSON.stringify({ changed, all, report: await asker.ask('report') })).not.to.contain('secret')
  })

  it("reports in the form of Celery's", async () => {
    await begin()

    const { ok } = (await askAs('report')) as { readonly ok: string }
    const expected = captured('report').value as { readonly ok: string }
    const words = (text: string) => text.match(/^\w+(?= +->)/gm)

    expect(words(ok)).to.deep.equal(words(expected.ok))
    expect(ok).to.match(/^\nsoftware -> celerity:.* node:20?/)
    expect(ok).to.match(/\nbroker_url: 'memory:/)
  })

  it('shares its clock and its revocations with a worker that starts, and learns its', async () => {
    await begin()
    await asker.ask('revoke', { task_id: 'mine' })

    const hello = await asker.ask('hello', { from_node: 'x@y', revoked: { theirs: [1, 'theirs'], 'no id': 1 } })

    expect(shapeOf(hello)).to.deep.equal({ revoked: { mine: ['number'], theirs: ['number'] }, clock: 'number' })
    expect(hello).to.have.deep.nested.property('revoked.mine[1]', 'mine')
    expect(await asker.ask('revoked')).to.have.members(['mine', 'theirs'])
    expect(await asker.ask('hello', { from_node: NODE })).to.equal(null)
  })

  it('tells a time to Python as a float, though the second may be full', () => {
    for (const seconds of [16_819, 16_819.61, 0]) expect(JSON.stringify(pythonFloat(seconds))).to.match(/^\d+\.\d+$/)
  })

  it('tells its memory, in text', async () => {
    await begin()

    expect(await asker.ask('memsample')).to.match(/^[\d.]+MB$/)
    expect(await asker.ask('memdump', { samples: 3 })).to.match(/^- rss \(sample\):\n- {4}> [\d.]+MB,\n- rss \(end\): [\d.]+MB\.\n$/)
    expect(await asker.ask('objgraph', {}))
      .to.have.property('error')
      .that.contains('NotImplementedError')
  })

  it('says in Python’s words what is wrong with arguments, and serves on', async () => {
    await begin()
    const wrong: readonly (readonly [string, Record<string, unknown>, string])[] = [
      ['revoke', {}, `TypeError("revoke() missing 1 required positional argument: 'task_id'")`],
      ['rate_limit', {}, `TypeError("rate_limit() missing 2 required positional arguments: 'task_name' and 'rate_limit'")`],
      ['revoke', { task_id: 5 }, "TypeError('task_id must be a str or a list of them')"],
      ['revoke', { task_id: ['a b'] }, "ValueError('a b is no id of a task')"],
      ['revoke', { task_id: 'x', signal: 'NOPE' }, `AttributeError("module 'signal' has no attribute 'NOPE'")`],
      ['revoke_by_stamped_headers', { headers: 7 }, "TypeError('headers must be a dict')"],
      ['rate_limit', { task_name: 'proj.tasks.add', rate_limit: 'x/s' }, `ValueError("could not convert string to float: 'x'")`],
      ['rate_limit', { task_name: 'proj.tasks.add', rate_limit: {} }, "TypeError('rate_limit must be a str or a number')"],
      ['time_limit', { task_name: 'proj.tasks.add', soft: [] }, "TypeError('soft must be a number of seconds')"],
      ['pool_grow', { n: 'many' }, "TypeError('n must be an int')"],
      ['pool_grow', { n: 1e6 }, `ValueError("Can't grow pool beyond 10000.")`],
      ['pool_shrink', { n: 99 }, `ValueError("Can't shrink pool. One task at least must be able to run.")`],
      ['add_consumer', { queue: ' ' }, "ValueError('  is no name of a queue')"],
      [
        'add_consumer',
        { queue: 'a.dead' },
        "ValueError('a.dead is no name of a queue: it is where the dead letters of the queue a would be')",
      ],
      ['add_consumer', { queue: null }, "TypeError('queue must be a str')"],
      ['query_task', { ids: [{}] }, "TypeError('ids must be a str or a list of them')"],
      ['autoscale', { max: 1, extra: 1 }, `TypeError("autoscale() got an unexpected keyword argument 'extra'")`],
    ]

    for (const [method, args, error] of wrong) expect(await asker.ask(method, args), method).to.deep.equal({ error })
    expect(await asker.ask('ping', { whatever: 1 })).to.deep.equal({ ok: 'pong' })
  })

  it('does not take from a queue by another exchange than its own, which it could not bind', async () => {
    await begin()

    expect(await askAs('add_consumer-full'))
      .to.have.property('error')
      .that.contains('topic exchange tex2 with key a.#')
    expect(await asker.ask('active_queues')).to.have.length(1)
  })
})
