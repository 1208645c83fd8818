import { expect } from 'chai'
import type { SettingsInput } from '../../../src/config/schema.js'
import { type ClusterEvent, decodeEvents, EVENT_EXCHANGE } from '../../../src/protocol/event.js'
import { eventually } from '../../eventually.js'
import { aDelivery } from '../a-request.js'
import { gate, Stage } from '../a-worker.js'
import { Asker } from '../keeper/an-asker.js'

/** As docs: protocol/events, "observed sequences" of Celery 5.6. */
describe('what a worker tells of a task', () => {
  let stage: Stage
  let asker: Asker
  let heard: ClusterEvent[]

  async function begin(settings: SettingsInput = {}): Promise<void> {
    stage = new Stage({ workerHostname: 'w1@host1', workerSendTaskEvents: true, ...settings })
    const broker = await stage.app.broker()
    heard = []
    await broker.subscribe(EVENT_EXCHANGE, '*', ({ raw }) => heard.push(...decodeEvents(raw).events))
    asker = await Asker.open(broker)
  }

  afterEach(async () => {
    await asker.close()
    await stage.end()
  })

  const typesOf = (id: string) => heard.filter(({ uuid }) => uuid === id).map(({ type }) => type.replace('task-', ''))

  /** Resolves when the task has told all of these; more would show in `typesOf`. */
  async function told(id: string, ...types: readonly string[]): Promise<readonly ClusterEvent[]> {
    await eventually(() => typesOf(id).length >= types.length)
    expect(typesOf(id)).to.deep.equal(types)
    return heard.filter(({ uuid }) => uuid === id)
  }

  it('is received, started, succeeded', async () => {
    await begin()
    const add = stage.app.task('kuma.add', (x: number, y: number) => x + y)
    await stage.work()

    const { id } = await add.delay(2, 3)
    const [received, started, succeeded] = await told(id, 'received', 'started', 'succeeded')

    expect(received?.hostname).to.equal('w1@host1')
    expect(received?.fields).to.include({
      name: 'kuma.add',
      args: '(2, 3)',
      kwargs: '{}',
      root_id: id,
      parent_id: null,
      retries: 0,
      queue: 'celery',
    })
    expect(succeeded?.fields['result']).to.equal('5')
    expect(succeeded?.fields['runtime']).to.be.within(0, 5)
    expect([started?.clock, succeeded?.clock].map((clock) => (clock ?? 0) > (received?.clock ?? 0))).to.deep.equal([true, true])
  })

  it('is received, started, failed, with its error as Python shows it', async () => {
    await begin()
    const bad = stage.app.task('kuma.bad', () => {
      throw new TypeError("it's bad")
    })
    await stage.work()

    const { id } = await bad.delay()
    const [, , failed] = await told(id, 'received', 'started', 'failed')

    expect(failed?.fields['exception']).to.equal("TypeError('it\\'s bad')")
    expect(failed?.fields['traceback']).to.contain('events.test.ts')
  })

  it('is received once more for every retry', async () => {
    await begin()
    const flaky = stage.app.task('kuma.flaky', { bind: true }, (task) => {
      if (task.retries === 0) task.retry({ countdown: 0, cause: new Error('not yet') })
    })
    await stage.work()

    const { id } = await flaky.delay()
    const [, , retried] = await told(id, 'received', 'started', 'retried', 'received', 'started', 'succeeded')

    expect(retried?.fields['exception']).to.equal("Exception('not yet')")
  })

  it('is received when it comes, and started when it is due', async () => {
    await begin()
    const note = stage.app.task('kuma.note', () => {})
    await stage.work()
    const raw = aDelivery({ id: 'eta', task: note.name, args: [], eta: Date.now() + 150 }).raw // as Python sends it: into the queue

    await (await stage.app.broker()).publish([{ queue: 'celery', priority: 0, raw }])
    await told('eta', 'received')
    await told('eta', 'received', 'started', 'succeeded')
  })

  it('is received when it comes, and started when its rate limit lets it', async () => {
    await begin()
    const note = stage.app.task('kuma.note', { rateLimit: '5/s' }, () => {})
    await stage.work()

    const [, second] = await stage.app.sendMany([note.s(), note.s()])

    await told(second.id, 'received', 'started', 'succeeded')
  })

  it('is only revoked when that is known before, or when it has expired', async () => {
    await begin()
    const note = stage.app.task('kuma.note', () => {})
    await stage.app.revoke(['gone'])
    await note.applyAsync([], { taskId: 'gone' })
    await note.applyAsync([], { taskId: 'late', expires: new Date(Date.now() - 1) })
    await stage.work()

    const [gone] = await told('gone', 'revoked')
    const [late] = await told('late', 'revoked')

    expect(gone?.fields).to.deep.equal({ terminated: false, signum: null, expired: false })
    expect(late?.fields).to.deep.equal({ terminated: false, signum: null, expired: true })
  })

  it('is revoked by a stamp after it was received', async () => {
    await begin()
    const note = stage.app.task('kuma.note', () => {})
    const { worker } = await stage.work()
    await eventually(() => worker.ready)
    await asker.ask('revoke_by_stamped_headers', { headers: { job: 'j' } })
    const raw = aDelivery({ id: 'stamped', task: note.name, args: [], stamps: { job: 'j' } }).raw

    await (await stage.app.broker()).publish([{ queue: 'celery', priority: 0, raw }])

    await told('stamped', 'received', 'revoked')
  })

  it('is revoked as terminated, with the signal', async () => {
    await begin()
    const task = stage.app.task('kuma.sleep', () => new Promise(() => {}))
    await stage.work()
    const { id } = await task.delay()
    await told(id, 'received', 'started')

    await asker.ask('revoke', { task_id: id, terminate: true })
    const events = await told(id, 'received', 'started', 'revoked')

    expect(events[2]?.fields).to.deep.equal({ terminated: true, signum: 15, expired: false })
  })

  it('only failed when nobody knows it', async () => {
    await begin()
    await stage.work()

    const { id } = await stage.app.send('no.such')
    const [failed] = await told(id, 'failed')

    expect(failed?.fields).to.deep.equal({ exception: "NotRegistered('no.such')" })
  })

  it('is rejected, or has no more to tell when it is ignored', async () => {
    await begin()
    const { Ignore, Reject } = await import('../../../src/index.js')
    const reject = stage.app.task('kuma.reject', () => {
      throw new Reject('no')
    })
    const ignore = stage.app.task('kuma.ignore', () => {
      throw new Ignore()
    })
    await stage.work()

    const ignored = await ignore.delay()
    const rejected = await reject.delay()

    const events = await told(rejected.id, 'received', 'started', 'rejected')
    expect(events[2]?.fields).to.deep.equal({ requeue: false })
    await told(ignored.id, 'received', 'started')
  })

  it('is nothing while nobody asked for it, and all of it from when somebody does', async () => {
    await begin({ workerSendTaskEvents: false })
    const add = stage.app.task('kuma.add', (x: number, y: number) => x + y)
    const { worker } = await stage.work()
    await eventually(() => worker.ready)
    const before = await add.delay(1, 1)
    await before.get({ timeout: 5 })

    await asker.ask('enable_events')
    const after = await add.delay(2, 2)

    await told(after.id, 'received', 'started', 'succeeded')
    await told(before.id)
  })

  it('is told to the last when the worker ends', async () => {
    await begin()
    const done = gate()
    const task = stage.app.task('kuma.sleep', () => done.passed)
    const { worker, ended } = await stage.work()
    const { id } = await task.delay()
    await told(id, 'received', 'started')

    worker.stop()
    done.open()
    await ended

    await told(id, 'received', 'started', 'succeeded')
  })
})
