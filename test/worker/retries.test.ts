import { expect } from 'chai'
import { MaxRetriesExceeded, Reject, Retry, type RetryOptions } from '../../src/index.js'
import { failureOf } from '../app/an-app.js'
import { eventually } from '../eventually.js'
import { gate, Stage } from './a-worker.js'

class Flaky extends Error {}
class Busy extends Error {}

describe('a task that is tried again', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })
  afterEach(() => stage.end())

  it('runs again by itself for the errors it names, until it succeeds', async () => {
    let runs = 0
    const mail = stage.app.task('kuma.mail', { retry: { on: [Flaky], max: 5, delay: 0 } }, () => {
      if (++runs < 3) throw new Flaky('not yet')
      return runs
    })
    await stage.work()

    expect(await (await mail.delay()).get({ timeout: 5 })).to.equal(3)
    expect(stage.said('retry: Retry in').map(({ text }) => text.replace(/\[.*\]/, ''))).to.deep.equal([
      'Task kuma.mail retry: Retry in 0.0s: Error: not yet',
      'Task kuma.mail retry: Retry in 0.0s: Error: not yet',
    ])
  })

  it('fails with its own error after the most tries, and that often it has run', async () => {
    let runs = 0
    const mail = stage.app.task('kuma.mail', { retry: { on: [Flaky], max: 2, delay: 0 } }, () => {
      throw new Flaky(`try ${++runs}`)
    })
    await stage.work()

    const error = await failureOf((await mail.delay()).get({ timeout: 5 }))

    expect(error.message).to.equal('try 3')
    expect(runs).to.equal(3)
  })

  it('fails at once with an error that it does not name', async () => {
    let runs = 0
    const mail = stage.app.task('kuma.mail', { retry: { on: [Flaky], delay: 0 } }, () => {
      runs++
      throw new TypeError('a mistake')
    })
    await stage.work()

    const error = await failureOf((await mail.delay()).get({ timeout: 5 }))

    expect(error).to.include({ pythonType: 'TypeError', pythonModule: 'builtins', message: 'a mistake' })
    expect(runs).to.equal(1)
  })

  it('runs again when it asks for it, with what went wrong stored as RETRY meanwhile', async () => {
    const second = gate()
    const page = stage.app.task('kuma.page', { bind: true }, async (task) => {
      if (task.retries === 0) task.retry({ countdown: 0.02, cause: new Busy('locked') })
      await second.passed
      return task.retries
    })
    await stage.work()
    const result = await page.delay()

    const states: unknown[] = []
    for await (const { state, info } of result.follow({ timeout: 5 })) {
      if (state === 'RETRY') second.open()
      states.push(state === 'RETRY' ? `${state} ${(info as Error).message}` : `${state} ${info}`)
    }

    expect(states.slice(-2)).to.deep.equal(['RETRY locked', 'SUCCESS 1'])
  })

  it('keeps id, root and headers from try to try, and counts itself as its parent', async () => {
    const seen: unknown[] = []
    const page = stage.app.task('kuma.page', { bind: true }, (task) => {
      seen.push([task.id, task.rootId, task.parentId, task.headers['tenant'], task.queue])
      if (task.retries < 1) task.retry({ countdown: 0 })
    })
    await stage.work()

    const result = await page.applyAsync([], { headers: { tenant: 'mdn' } })
    await result.wait({ timeout: 5 })

    expect(seen).to.deep.equal([
      [result.id, result.id, null, 'mdn', 'celery'],
      [result.id, result.id, result.id, 'mdn', 'celery'],
    ])
  })

  it('runs with other arguments, in another queue, when it asks for that', async () => {
    const seen: unknown[] = []
    const page = stage.app.task('kuma.page', { bind: true, params: ['slug', 'locale?'] }, (task, slug: string, locale?: string) => {
      seen.push([slug, locale, task.queue])
      if (task.retries === 0) task.retry({ countdown: 0, args: ['b'], kwargs: { locale: 'fr' }, queue: 'slow' })
    })
    await stage.work({ choice: { queues: ['celery', 'slow'] } })

    await (await page.delay('a')).wait({ timeout: 5 })

    expect(seen).to.deep.equal([
      ['a', undefined, 'celery'],
      ['b', 'fr', 'slow'],
    ])
  })

  it('fails with MaxRetriesExceeded when it asks once too often and says no cause', async () => {
    const page = stage.app.task('kuma.page', { bind: true }, (task) => task.retry({ countdown: 0, max: 1 }))
    await stage.work()

    const error = await failureOf((await page.delay()).get({ timeout: 5 }))

    expect(error).to.include({ pythonType: 'MaxRetriesExceededError', pythonModule: 'celery.exceptions' })
    expect(error.message).to.contain('kuma.page')
    expect(new MaxRetriesExceeded('a', 'b', 1).name).to.equal('MaxRetriesExceededError')
  })

  it('waits at the broker, where it holds no slot', async () => {
    const tried = gate()
    const page = stage.app.task('kuma.page', { bind: true }, (task) => {
      tried.open()
      task.retry({ countdown: 3600 })
    })
    const add = stage.app.task('kuma.add', (x: number) => x + 1)
    await stage.work({ options: { concurrency: 1 } })

    const waiting = await page.delay()
    await tried.passed
    const other = await add.delay(1)

    expect(await other.get({ timeout: 5 })).to.equal(2)
    expect(await waiting.state()).to.equal('RETRY')
    expect(await stage.counts()).to.include({ delayed: 1, ready: 0, leased: 0 })
  })

  it('is tried again when the handler throws Retry itself', async () => {
    let runs = 0
    const page = stage.app.task('kuma.page', () => {
      if (++runs === 1) throw new Retry({ countdown: 0 })
      return runs
    })
    await stage.work()

    expect(await (await page.delay()).get({ timeout: 5 })).to.equal(2)
  })

  it('fails when it asks for a moment or a span that is none', async () => {
    const page = stage.app.task('kuma.page', { bind: true }, (task, when: RetryOptions) => task.retry(when))
    await stage.work()

    expect((await failureOf((await page.delay({ countdown: 'soon' as '1s' })).get({ timeout: 5 }))).message).to.contain('soon')
    expect((await failureOf((await page.delay({ eta: 'tomorrow' })).get({ timeout: 5 }))).message).to.contain('tomorrow')
  })

  it('fails without alarm with an error that is an expected outcome', async () => {
    const page = stage.app.task('kuma.page', { throws: [Busy] }, () => {
      throw new Busy('as planned')
    })
    await stage.work()

    expect(await (await page.delay()).wait({ timeout: 5 })).to.equal('FAILURE')
    expect(stage.said('raised expected: Error: as planned')[0]?.level).to.equal('info')
    expect(stage.lines.filter(({ level }) => level === 'error')).to.deep.equal([])
  })

  it('goes at once to a queue that is not its own, where workers of Python may be alone: they hold what has an ETA themselves', async () => {
    const moved = stage.app.task('kuma.moved', { bind: true }, (task) => task.retry({ countdown: 60, queue: 'python' }))
    await stage.work()
    await moved.delay()
    await stage.settled()

    expect(await stage.counts('python')).to.include({ ready: 1, delayed: 0 })
    const other = await stage.work({ choice: { queues: ['python'] } })
    await eventually(async () => (await stage.counts('python')).delayed === 1)
    other.worker.stopNow()
    await other.ended
  })

  it('goes to the dead letters, or back to its queue, when it rejects its message', async () => {
    let runs = 0
    const page = stage.app.task('kuma.page', () => {
      if (++runs === 1) throw new Reject('not by me', { requeue: true })
      throw new Reject('not by anybody')
    })
    await stage.work()

    const result = await page.delay()
    await stage.settled()

    expect(runs).to.equal(2)
    expect((await stage.dead()).map(({ reason, detail }) => [reason, detail])).to.deep.equal([['rejected', 'not by anybody']])
    expect(await result.state()).to.equal('PENDING')
  })
})
