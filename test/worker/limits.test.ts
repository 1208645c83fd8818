import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { Settlement } from '../../src/broker/broker.js'
import { SoftTimeLimitExceeded } from '../../src/index.js'
import { failureOf, read } from '../app/an-app.js'
import { eventually } from '../eventually.js'
import { gate, Stage } from './a-worker.js'

const idOf = (raw: Buffer) => read(raw).id

describe('time limits', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })
  afterEach(() => stage.end())

  it('fire the signal of the task at the soft limit, with a reason that has a type', async () => {
    const slow = stage.app.task('kuma.slow', { bind: true, softTimeLimit: 0.03 }, async (task) => {
      await new Promise<void>((resolve) => task.signal.addEventListener('abort', () => resolve()))
      return task.signal.reason instanceof SoftTimeLimitExceeded && task.signal.reason.seconds
    })
    await stage.work()

    expect(await (await slow.delay()).get({ timeout: 5 })).to.equal(0.03)
  })

  it('fail the task as SoftTimeLimitExceeded when the handler lets the reason through', async () => {
    const thrown = stage.app.task('kuma.thrown', { bind: true, softTimeLimit: 0.03 }, async (task) => {
      for (;;) {
        await sleep(5)
        task.signal.throwIfAborted()
      }
    })
    const api = stage.app.task('kuma.api', { bind: true, softTimeLimit: 0.03 }, (task) => sleep(60_000, null, { signal: task.signal }))
    await stage.work()

    const type = { pythonType: 'SoftTimeLimitExceeded', pythonModule: 'billiard.exceptions' }
    expect(await failureOf((await thrown.delay()).get({ timeout: 5 }))).to.include(type)
    expect(await failureOf((await api.delay()).get({ timeout: 5 }))).to.include(type)
  })

  it('end the task as TimeLimitExceeded at the hard limit, at once, and free its slot', async () => {
    const forever = stage.app.task('kuma.forever', { timeLimit: 0.05 }, () => new Promise<void>(() => {}))
    const add = stage.app.task('kuma.add', (x: number) => x + 1)
    await stage.work({ options: { concurrency: 1 } })
    const began = performance.now()

    const error = await failureOf((await forever.delay()).get({ timeout: 5 }))
    const took = performance.now() - began

    expect(error).to.include({ pythonType: 'TimeLimitExceeded', pythonModule: 'billiard.exceptions' })
    expect((error as Error & { args?: unknown }).args).to.deep.equal([0.05])
    expect(took).to.be.below(1000)
    expect(await (await add.delay(1)).get({ timeout: 5 })).to.equal(2)
  })

  it('name a handler that goes on past the hard limit, and refuse its late result and its late progress', async () => {
    const late = gate()
    const ended = gate()
    const stubborn = stage.app.task('kuma.stubborn', { bind: true, timeLimit: 0.03 }, async (task) => {
      await late.passed
      await task.progress({ half: true })
      ended.open()
      return 'late'
    })
    await stage.work()
    const result = await stubborn.delay()
    expect(await result.wait({ timeout: 5 })).to.equal('FAILURE')

    const [named] = await eventually(() => stage.said('goes on after its time limit of 0.03s').length > 0 && stage.said('goes on after'))
    late.open()
    await ended.passed
    await eventually(() => stage.said('ended after its time limit').length === 1)

    expect(named).to.deep.include({ level: 'warning', fields: { task: 'kuma.stubborn', id: result.id, queue: 'celery' } })
    expect((await stage.result(result.id))?.outcome).to.nested.include({ state: 'FAILURE', 'error.type': 'TimeLimitExceeded' })
    expect(await stage.settled()).to.include({ dead: 0 })
  })

  it('say nothing of a handler that heeds its signal at the hard limit', async () => {
    const polite = stage.app.task('kuma.polite', { bind: true, timeLimit: 0.03 }, (task) => sleep(60_000, null, { signal: task.signal }))
    await stage.work()

    const error = await failureOf((await polite.delay()).get({ timeout: 5 }))

    expect(error).to.include({ pythonType: 'TimeLimitExceeded' })
    expect(stage.said('goes on after')).to.deep.equal([])
  })

  it('of the message win over those of the task; a limit longer than a timer is none', async () => {
    const one = stage.app.task('kuma.one', { timeLimit: 30 }, () => new Promise<void>(() => {}))
    const two = stage.app.task('kuma.two', { bind: true, softTimeLimit: '60d', timeLimit: '90d' }, (task) => task.signal.aborted)
    await stage.work()

    expect(await failureOf((await one.applyAsync([], { timeLimit: 0.03 })).get({ timeout: 5 }))).to.include({
      pythonType: 'TimeLimitExceeded',
    })
    expect(await (await two.delay()).get({ timeout: 5 })).to.equal(false)
  })

  it('count what a handler does before its first await', async () => {
    const busy = stage.app.task('kuma.busy', { bind: true, timeLimit: 0.05, softTimeLimit: 0.02 }, async (task) => {
      const end = performance.now() + 100
      while (performance.now() < end); // blocks the loop: nothing can end it before it awaits
      await sleep(1)
      await new Promise<void>(() => task.signal)
    })
    await stage.work()
    const began = performance.now()

    expect(await failureOf((await busy.delay()).get({ timeout: 5 }))).to.include({ pythonType: 'TimeLimitExceeded' })
    expect(performance.now() - began).to.be.below(1000)
  })
})

describe('a rate limit', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })
  afterEach(() => stage.end())

  it('spaces the starts of a task over all workers, parks each message at most twice, and holds no slot', async () => {
    const starts = new Map<string, number>()
    const parked = new Map<string, number[]>()
    const note = stage.app.task('kuma.note', { bind: true, rateLimit: '20/s' }, (task) => {
      starts.set(task.id, Date.now())
    })
    const free = stage.app.task('kuma.free', () => 'free')
    const before = (step: string, args: readonly unknown[]) => {
      for (const { fate, delivery } of step === 'settle' ? (args[0] as readonly Settlement[]) : []) {
        const id = idOf(delivery.raw)
        if (fate.kind === 'park') parked.set(id, [...(parked.get(id) ?? []), fate.due])
      }
    }
    await stage.work({ before, options: { node: 'a@kuma' } })
    await stage.work({ before, options: { node: 'b@kuma' } })

    const results = await stage.app.sendMany(Array.from({ length: 8 }, () => note.s()))
    const other = await free.delay()

    expect(await other.get({ timeout: 5 })).to.equal('free')
    for (const result of results) expect(await result.wait({ timeout: 5 })).to.equal('SUCCESS')
    const slots = [...parked].map(([id, dues]) => ({ id, tries: dues.length, due: dues.at(-1) ?? 0 })).sort((one, two) => one.due - two.due)
    expect(slots).to.have.length(7)
    for (const { id, tries, due } of slots) {
      expect(tries).to.be.at.most(2)
      expect(starts.get(id)).to.be.at.least(Math.floor(due))
    }
    expect((slots.at(-1)?.due ?? 0) - (slots[0]?.due ?? 0)).to.be.at.least(6 * 50 - 10)
  })

  it('counts for each worker by itself when it is of that scope', async () => {
    const limits = new Set<unknown>()
    const note = stage.app.task('kuma.note', { rateLimit: { rate: '100/s', scope: 'worker' } }, () => {})
    const before = (step: string, [limit]: readonly unknown[]) => step === 'reserve' && limits.add(limit)
    await stage.work({ before, options: { node: 'a@kuma', concurrency: 1 } })
    await stage.work({ before, options: { node: 'b@kuma', concurrency: 1 } })

    await stage.app.sendMany(Array.from({ length: 30 }, () => note.s()))
    await stage.settled()

    expect(stage.said('succeeded')).to.have.length(30)
    expect([...limits].sort()).to.deep.equal(['kuma.note@a@kuma', 'kuma.note@b@kuma'])
  })

  it('is asked for anew by a retry', async () => {
    let reserved = 0
    const note = stage.app.task('kuma.note', { bind: true, rateLimit: '50/s' }, (task) => {
      if (task.retries < 2) task.retry({ countdown: 0 })
    })
    await stage.work({
      before: (step, [, , count]) => {
        if (step === 'reserve') reserved += count as number
      },
    })

    await (await note.delay()).wait({ timeout: 5 })

    expect(reserved).to.equal(3)
  })

  it('gives the messages back when the limit cannot be asked for, and goes on when it can', async () => {
    let refusals = 1
    const note = stage.app.task('kuma.note', { rateLimit: '50/s' }, () => 'done')
    await stage.work({
      before: (step) => {
        if (step === 'reserve' && refusals-- > 0) throw new Error('away')
      },
    })

    expect(await (await note.delay()).get({ timeout: 5 })).to.equal('done')
    expect(stage.said('messages go back: away')).to.have.length(1)
  })
})
