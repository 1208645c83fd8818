import { expect } from 'chai'
import { settingsOf } from '../src/config/load.js'
import { Celerity } from '../src/index.js'
import { type TestWorker, type TestWorkerOptions, testWorker } from '../src/testing.js'
import { failureOf } from './app/an-app.js'

class Flaky extends Error {}

describe('a test worker', () => {
  let app: Celerity
  let kit: TestWorker | undefined

  beforeEach(() => {
    app = new Celerity('kuma')
    // Where production would go: nothing of a test may get there.
    app.configure(settingsOf({ brokerUrl: 'redis://127.0.0.1:1/0', resultBackend: 'redis://127.0.0.1:1/0', taskAlwaysEager: true }))
  })
  afterEach(async () => {
    await kit?.close()
    await app.close()
  })

  const open = async (options?: TestWorkerOptions) => {
    kit = await testWorker(app, options)
    return kit
  }

  it('runs what the application sends, over the real codec', async () => {
    const echo = app.task('kuma.echo', (value: unknown) => value)
    await open()

    const result = await echo.delay({ when: new Date(5), big: 2n ** 60n, list: [undefined] })

    expect(await result.get({ timeout: 5 })).to.deep.equal({ when: new Date(5), big: 2n ** 60n, list: [null] })
  })

  it('is idle when everything is done: children, callbacks and retries that are due included', async () => {
    const note = app.task('kuma.note', (what: unknown) => `noted ${what}`)
    const page = app.task('kuma.page', { bind: true, retry: { on: [Flaky], delay: 0 } }, async (task, slug: string) => {
      if (task.retries === 0) throw new Flaky('once')
      await note.applyAsync([slug], { link: note.s() })
      return slug
    })
    const { idle, results } = bound(await open())

    void page.delay('docs')
    await idle()

    expect(results.map(({ task, args, state, value, retries }) => [task, args, state, value, retries])).to.deep.equal([
      ['kuma.page', ['docs'], 'RETRY', undefined, 0],
      ['kuma.page', ['docs'], 'SUCCESS', 'docs', 1],
      ['kuma.note', ['docs'], 'SUCCESS', 'noted docs', 0],
      ['kuma.note', ['noted docs'], 'SUCCESS', 'noted noted docs', 0],
    ])
    expect(results[0]?.error).to.be.instanceOf(Flaky)
  })

  it('is idle at once when nothing was sent', async () => {
    const { idle, results } = bound(await open())
    await idle()

    expect(results).to.deep.equal([])
  })

  it('leaves what is delayed, and turns the clock to it when asked to', async () => {
    const seen: string[] = []
    const note = app.task('kuma.note', { bind: true }, (task, what: string) => {
      seen.push(what)
      if (what === 'daily' && task.retries < 2) task.retry({ countdown: '1d' })
    })
    const { idle, advance } = bound(await open())
    await note.applyAsync(['hourly'], { countdown: '1h' })
    await note.applyAsync(['daily'], { countdown: '1d' })
    await note.applyAsync(['never'], { countdown: '3d', expires: '2d' })

    await idle()
    expect(seen).to.deep.equal([])
    await advance('59m')
    expect(seen).to.deep.equal([])
    await advance('1m')
    expect(seen).to.deep.equal(['hourly'])
    await idle({ delayed: true })
    expect(seen).to.deep.equal(['hourly', 'daily', 'daily', 'daily'])
  })

  it('sends by the turned clock too', async () => {
    const seen: string[] = []
    const note = app.task('kuma.note', (what: string) => {
      seen.push(what)
    })
    const { idle, advance } = bound(await open())

    await advance('1d')
    await note.applyAsync(['later'], { countdown: '1h' })
    await idle()
    expect(seen).to.deep.equal([])
    await advance('1h')

    expect(seen).to.deep.equal(['later'])
  })

  it('shows failures in its results, in the result of the call, and dead letters', async () => {
    const fail = app.task('kuma.fail', () => {
      throw new RangeError('out of it')
    })
    const worker = await open()
    const result = await fail.delay()
    const unknown = await app.send('python.only')

    await worker.idle()

    expect(worker.results).to.have.length(1)
    expect(worker.results[0]).to.include({ state: 'FAILURE', value: undefined })
    expect(await failureOf(result.get({ timeout: 5 }))).to.include({ pythonType: 'RangeError', message: 'out of it' })
    expect(await failureOf(unknown.get({ timeout: 5 }))).to.include({ pythonType: 'NotRegistered' })
    expect((await worker.dead()).map(({ queue, reason }) => [queue, reason])).to.deep.equal([['celery', 'unregistered']])
    expect(await worker.dead('other')).to.deep.equal([])
  })

  it('takes from every queue the tasks name and that it is told of, and says when something waits elsewhere', async () => {
    const note = app.task('kuma.note', { queue: 'notes' }, (what: string) => what)
    const worker = await open({ queues: ['extra'] })

    await note.delay('own')
    await note.applyAsync(['told'], { queue: 'extra' })
    await worker.idle()
    await note.applyAsync(['lost'], { queue: 'elsewhere' })
    const error = await failureOf(worker.idle())

    expect(worker.results.map(({ value, queue }) => [value, queue])).to.deep.equal([
      ['own', 'notes'],
      ['told', 'extra'],
    ])
    expect(error).to.include({ code: 'E_USAGE' })
    expect(error.message).to.contain('queue elsewhere')
  })

  it('goes by the settings of the application, and by those of the test over them', async () => {
    const note = app.task('kuma.note', () => {
      throw new Flaky()
    })
    const retried = app.task('kuma.retried', { bind: true }, (task) => task.retry({ cause: new Flaky() }))
    const worker = await open({ settings: { taskMaxRetries: 1, taskDefaultRetryDelay: 5, taskDefaultQueue: 'mine' } })

    await note.delay()
    await retried.delay()
    await worker.idle({ delayed: true })

    expect(worker.results.map(({ task, queue, state }) => [task, queue, state])).to.deep.equal([
      ['kuma.note', 'mine', 'FAILURE'],
      ['kuma.retried', 'mine', 'RETRY'],
      ['kuma.retried', 'mine', 'FAILURE'],
    ])
  })

  it('comes one after the other for the same application, which then has its own settings again', async () => {
    const note = app.task('kuma.note', () => 'done')
    const first = await open()
    const twice = await failureOf(testWorker(app))
    const left = await note.delay()
    await first.close()
    const second = await open()

    await note.delay()
    await second.idle()
    await second.close()

    expect(twice).to.include({ code: 'E_USAGE' })
    expect(second.results).to.have.length(1)
    expect((await app.runtime()).settings).to.include({ brokerUrl: 'redis://127.0.0.1:1/0', taskAlwaysEager: true })
    expect(await (await note.delay()).get({ timeout: 5 })).to.equal('done') // eager, as its own settings say
    expect(left.id).to.not.equal(second.results[0]?.id)
  })

  it('closes while a task runs, and tells who waits for it', async () => {
    const forever = app.task('kuma.forever', () => new Promise<void>(() => {}))
    const worker = await open()
    const result = await forever.delay()
    const waiting = failureOf(result.get())

    await worker.close()

    expect(await waiting).to.include({ code: 'E_USAGE' })
  })

  it('can be asked from a task that is itself under test', async () => {
    const add = app.task('kuma.add', (x: number, y: number) => x + y)
    const twice = app.task('kuma.twice', async (x: number) => (await add.delay(x, x)).get({ timeout: 5 }))
    const worker = await open()

    expect(await (await twice.delay(4)).get({ timeout: 5 })).to.equal(8)
    await worker.idle()
    expect(worker.results.map(({ task }) => task)).to.deep.equal(['kuma.add', 'kuma.twice'])
  })
})

function bound(kit: TestWorker) {
  return { results: kit.results, idle: kit.idle.bind(kit), advance: kit.advance.bind(kit) }
}
