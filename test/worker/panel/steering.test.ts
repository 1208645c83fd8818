import { expect } from 'chai'
import { systemClock } from '../../../src/clock.js'
import type { SettingsInput } from '../../../src/config/schema.js'
import { failureOf } from '../../app/an-app.js'
import { eventually } from '../../eventually.js'
import { aDelivery } from '../a-request.js'
import { gate, type Meddling, Stage } from '../a-worker.js'
import { Asker } from '../keeper/an-asker.js'
import { captured } from './captured.js'

const NODE = 'w1@host1'

let stage: Stage
let asker: Asker

async function begin(settings: SettingsInput = {}, meddling: Meddling = {}): ReturnType<Stage['work']> {
  stage = new Stage({ workerHostname: NODE, ...settings })
  asker = await Asker.open(await stage.app.broker())
  const working = await stage.work(meddling)
  await eventually(() => working.worker.ready)
  return working
}

async function end(): Promise<void> {
  await asker.close()
  await stage.end()
}

/** A task that runs until its gate is opened, and what its signal said. */
function aSleeper(name = 'kuma.sleep') {
  const done = gate()
  const reasons: unknown[] = []
  const task = stage.app.task(name, { bind: true }, async (context) => {
    context.signal.addEventListener('abort', () => reasons.push(context.signal.reason))
    await done.passed
    return 'late'
  })
  return { task, done, reasons }
}

const running = (count: number) => eventually(async () => ((await asker.ask('active')) as unknown[]).length === count)

describe('a task that is revoked', () => {
  afterEach(end)

  it('does not run, here or in a worker that starts later', async () => {
    const { worker, ended } = await begin()
    await asker.ask('revoke', { task_id: ['one', 'two'] })
    let runs = 0
    const note = stage.app.task('kuma.note', () => ++runs)

    const one = await note.applyAsync([], { taskId: 'one' })
    await one.wait({ timeout: 5 })
    worker.stop()
    await ended
    await stage.work()
    const two = await note.applyAsync([], { taskId: 'two' })
    await two.wait({ timeout: 5 })

    expect(String(await failureOf(two.get({ timeout: 1 })))).to.contain('revoked')
    expect([await one.state(), await two.state()]).to.deep.equal(['REVOKED', 'REVOKED'])
    expect(runs).to.equal(0)
  })

  it('does not start where it waits for a slot', async () => {
    await begin({ workerConcurrency: 1, workerPrefetchMultiplier: 2 })
    const { task, done } = aSleeper()
    await task.delay()
    await eventually(async () => (await stage.counts()).leased === 1)
    const waiting = await task.delay()
    await eventually(async () => (await stage.counts()).leased === 2)

    await asker.ask('revoke', { task_id: waiting.id })
    done.open()
    await waiting.wait({ timeout: 5 })

    expect(await waiting.state()).to.equal('REVOKED')
  })

  it('holds here also when the broker can’t be told, who is asked of', async () => {
    await begin(
      {},
      {
        before: (step) => {
          if (step === 'revoke') throw new Error('out of memory')
        },
      },
    )
    let runs = 0
    const note = stage.app.task('kuma.note', () => ++runs)

    const answer = await asker.ask('revoke', { task_id: 'mine' })
    await (await note.applyAsync([], { taskId: 'mine' })).wait({ timeout: 5 })

    expect(answer).to.deep.equal({ error: "RuntimeError('out of memory')" })
    expect(runs).to.equal(0)
  })

  it('goes on when it runs already, and keeps its outcome', async () => {
    await begin()
    const { task, done, reasons } = aSleeper()
    const result = await task.delay()
    await running(1)

    await asker.ask('revoke', { task_id: result.id })
    done.open()

    expect(await result.get({ timeout: 5 })).to.equal('late')
    expect(reasons).to.deep.equal([])
  })
})

describe('a task that is terminated', () => {
  afterEach(end)

  it('is REVOKED at once: its signal fires, its slot is free, and what it still returns is refused', async () => {
    await begin({ workerConcurrency: 1 })
    const { task, done, reasons } = aSleeper()
    const note = stage.app.task('kuma.note', () => 'done')
    const result = await task.delay()
    await running(1)

    const answer = await asker.ask('revoke', { task_id: result.id, terminate: true, signal: 'KILL' })
    const error = await failureOf(result.get({ timeout: 5 }))
    expect(await (await note.delay()).get({ timeout: 5 })).to.equal('done')
    await eventually(() => stage.said('goes on after it was terminated').length === 1)
    done.open()
    await eventually(() => stage.said('ended after it was terminated').length === 1)

    expect(answer).to.deep.equal({ ok: `terminate: ${result.id}` })
    expect(reasons.map(String)).to.deep.equal(['TaskTerminated: the task was terminated (SIGKILL)'])
    expect(error).to.include({ code: 'E_TASK_REVOKED', message: `task ${result.id} was terminated` })
    expect(await result.state()).to.equal('REVOKED')
    expect(await stage.settled()).to.include({ ready: 0, dead: 0 })
    expect(stage.said('terminated after')[0]).to.deep.nested.include({ level: 'warning', 'fields.id': result.id })
  })

  it('stores what it told of itself before its last word', async () => {
    const told = gate()
    let slow = 0
    await begin({}, { before: (step) => step === 'tell' && slow++ === 0 && told.passed })
    const task = stage.app.task('kuma.tell', { bind: true }, async (context) => {
      void context.progress({ half: true })
      await new Promise(() => {})
    })
    const result = await task.delay()
    await eventually(() => slow === 1)

    await asker.ask('terminate', { task_id: result.id, signal: 15 })
    told.open()
    await result.wait({ timeout: 5 })

    expect(await result.state()).to.equal('REVOKED')
  })

  it('is found by a stamp; one that comes later does not run', async () => {
    await begin()
    const { task, reasons } = aSleeper('proj.tasks.sleeper')
    const broker = await stage.app.broker()
    const publish = (id: string) =>
      broker.publish([{ queue: 'celery', priority: 0, raw: aDelivery({ id, task: task.name, args: [], stamps: { job: ['j-9'] } }).raw }])
    await publish('first')
    await running(1)

    const { method, args, value } = captured('revoke_by_stamped_headers-terminate')
    const answer = await asker.ask(method, args)
    await publish('second')
    const states = await eventually(async () => {
      const found = await Promise.all(['first', 'second'].map((id) => stage.app.result(id).state()))
      return found.every((state) => state !== 'PENDING') && found
    })

    expect(answer).to.deep.equal(value)
    expect(states).to.deep.equal(['REVOKED', 'REVOKED'])
    expect(reasons).to.have.length(1)
    expect(await asker.ask('revoked')).to.deep.equal([])
    expect(await asker.ask('revoke_by_stamped_headers', { headers: ['job=other'], terminate: true })).to.deep.equal({
      ok: "headers {'job': 'other'} were not terminated",
    })
  })
})

describe('a worker that is steered', () => {
  afterEach(end)

  it('keeps to a rate limit it was given, until that is taken away', async () => {
    await begin()
    const note = stage.app.task('kuma.note', () => 'done')

    await asker.ask('rate_limit', { task_name: 'kuma.note', rate_limit: '1/h' })
    await (await note.delay()).get({ timeout: 5 })
    await note.delay()
    await eventually(async () => (await stage.counts()).delayed === 1)
    expect(await asker.ask('registered')).to.deep.equal(['kuma.note [rate_limit=1/h]'])
    await asker.ask('rate_limit', { task_name: 'kuma.note', rate_limit: 0 })

    expect(await (await note.delay()).get({ timeout: 5 })).to.equal('done')
    expect(await asker.ask('registered')).to.deep.equal(['kuma.note'])
  })

  it('ends tasks by a time limit it was given', async () => {
    await begin()
    const { task, reasons } = aSleeper()

    expect(await asker.ask('time_limit', { task_name: task.name, soft: 0.01, hard: 0.03 })).to.deep.equal({
      ok: 'time limits set successfully',
    })
    const error = await failureOf((await task.delay()).get({ timeout: 5 }))

    expect(error).to.include({ name: 'TimeLimitExceeded' })
    expect(reasons).to.have.length(1)
  })

  it('runs more at once, and fewer', async () => {
    await begin({ workerConcurrency: 1 })
    const { task, done } = aSleeper()
    await stage.app.sendMany([task.s(), task.s(), task.s(), task.s()])
    await running(1)

    await asker.ask('pool_grow', { n: 2 })
    await running(3)
    expect(await asker.ask('stats')).to.have.nested.property('pool.max-concurrency', 3)
    expect(await asker.ask('pool_shrink', { n: 2 })).to.deep.equal({ ok: 'pool will shrink' })
    const [first] = (await asker.ask('active')) as { readonly id: string }[]
    await asker.ask('terminate', { task_id: first?.id, signal: 'TERM' })

    await running(2) // the fourth waits: there are more than may run
    done.open()
    await stage.settled()
    expect(await asker.ask('stats')).to.have.nested.property('pool.max-concurrency', 1)
  })

  it('scales by itself between bounds, which can be changed', async () => {
    await begin({ workerAutoscale: '4,1' })
    const { task, done } = aSleeper()
    await stage.app.sendMany([task.s(), task.s(), task.s(), task.s(), task.s(), task.s()])

    await running(4)
    expect(await asker.ask('stats')).to.deep.nested.include({ autoscaler: { max: 4, min: 1, current: 4, qty: 4 } })
    expect(await asker.ask('pool_grow')).to.deep.equal(captured('pool_grow-autoscale').value)
    expect(await asker.ask('autoscale', { max: 5, min: 2 })).to.deep.equal(captured('autoscale').value)
    await running(5)
    expect(await asker.ask('autoscale', { max: 1, min: 2 }))
      .to.have.property('error')
      .that.contains('ValueError')
    done.open()
  })

  it('takes from another queue, and no longer', async () => {
    await begin()
    const note = stage.app.task('kuma.note', () => 'done')
    const early = await note.applyAsync([], { queue: 'newq' })

    await asker.ask('add_consumer', { queue: 'newq' })
    expect(await early.get({ timeout: 5 })).to.equal('done')
    expect(await asker.ask('active_queues')).to.deep.equal((captured('active_queues-after-add').value as object[]).slice(0, 2))
    expect(await stage.counts('newq')).to.include({ consumers: 1 })
    await asker.ask('cancel_consumer', { queue: 'newq' })
    await note.applyAsync([], { queue: 'newq' })
    await (await note.delay()).get({ timeout: 5 })

    expect(await stage.counts('newq')).to.include({ ready: 1, consumers: 0 })
    await asker.ask('cancel_consumer', { queue: 'celery' })
    expect(await asker.ask('active_queues')).to.deep.equal([])
    await asker.ask('add_consumer', { queue: 'newq' })
    await stage.settled('newq')
  })

  it('obeys several at once', async () => {
    await begin()

    await Promise.all(['a', 'b', 'c'].map((queue) => asker.ask('add_consumer', { queue })))
    await Promise.all([asker.ask('cancel_consumer', { queue: 'a' }), asker.ask('add_consumer', { queue: 'd' })])

    const queues = (await asker.ask('active_queues')) as { readonly name: string }[]
    expect(queues.map(({ name }) => name)).to.have.members(['celery', 'b', 'c', 'd'])
  })

  it('changes nothing about its queues when the broker can’t be told', async () => {
    await begin(
      {},
      {
        before: (step) => {
          if (step === 'consume') throw new Error('out of memory')
        },
      },
    )

    expect(await asker.ask('cancel_consumer', { queue: 'celery' })).to.deep.equal({ error: "RuntimeError('out of memory')" })
    expect(await asker.ask('active_queues')).to.have.length(1)
    const note = stage.app.task('kuma.note', () => 'done')
    expect(await (await note.delay()).get({ timeout: 5 })).to.equal('done')
  })

  it('begins anew where that is allowed, with what it was told before', async () => {
    const { worker } = await begin({ workerPoolRestarts: true })
    const { task, done } = aSleeper()
    await asker.ask('add_consumer', { queue: 'newq' })
    await asker.ask('pool_grow', { n: 3 })
    const result = await task.delay()
    await running(1)

    expect(await asker.ask('pool_restart', { modules: null, reload: false, reloader: null })).to.deep.equal({ ok: 'reload started' })
    done.open()
    await eventually(() => stage.said('ready again').length === 1 && worker.ready)

    expect(await result.get({ timeout: 5 })).to.equal('late') // what ran could end
    expect(await asker.ask('active_queues')).to.have.length(2)
    expect(await asker.ask('stats')).to.deep.nested.include({ 'pool.max-concurrency': 5, total: { 'kuma.sleep': 1 } })
    expect(worker.processed).to.equal(1)
  })

  it('takes no more while two thousand outcomes wait to be stored', async () => {
    const stored = gate()
    const clock = { ...systemClock, monotonic: () => 0 } // every run is a short one, which does not keep its slot
    await begin({ workerConcurrency: 100 }, { parts: { clock }, before: (step) => (step === 'settle' ? stored.passed : undefined) })
    const note = stage.app.task('kuma.note', () => 1)
    for (let sent = 0; sent < 4_000; sent += 500) await stage.app.sendMany(Array.from({ length: 500 }, () => note.s()))

    await eventually(async () => (await stage.counts()).leased >= 2_000)
    await asker.ask('ping')
    expect((await stage.counts()).leased).to.be.within(2_000, 2_300)

    stored.open()
    expect(await stage.settled()).to.include({ ready: 0 })
  })
})
