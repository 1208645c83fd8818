import { expect } from 'chai'
import { failureOf } from '../app/an-app.js'
import { eventually } from '../eventually.js'
import { gate, Stage } from './a-worker.js'

describe('a task that is not to run now', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage({ workerConcurrency: 1 })
  })
  afterEach(() => stage.end())

  it('waits at the broker until its time, where it holds no slot', async () => {
    const seen: string[] = []
    const note = stage.app.task('kuma.note', (what: string) => {
      seen.push(what)
    })
    await stage.work()

    await note.applyAsync(['far'], { countdown: 3600 })
    const later = await note.applyAsync(['later'], { countdown: 0.15 })
    const now = await note.delay('now')
    await now.wait({ timeout: 5 })
    const before = [...seen]
    await later.wait({ timeout: 5 })

    expect(before).to.deep.equal(['now'])
    expect(seen).to.deep.equal(['now', 'later'])
    expect(await stage.counts()).to.include({ delayed: 1, ready: 0, leased: 0 })
  })

  it('runs at its time and not a second later, though the worker is idle', async () => {
    let at = 0
    const note = stage.app.task('kuma.note', () => {
      at = Date.now()
    })
    await stage.work()
    const eta = Date.now() + 120

    await (await note.applyAsync([], { eta })).wait({ timeout: 5 })

    expect(at).to.be.within(eta, eta + 800)
  })

  it('tells a handler its ETA', async () => {
    const eta = new Date(Date.now() + 20)
    const note = stage.app.task('kuma.note', { bind: true }, (task) => task.eta?.getTime())
    await stage.work()

    expect(await (await note.applyAsync([], { eta })).get({ timeout: 5 })).to.equal(eta.getTime())
  })

  it('does not run when it has expired: REVOKED, with the reason', async () => {
    let runs = 0
    const note = stage.app.task('kuma.note', () => ++runs)
    const result = await note.applyAsync([], { expires: new Date(Date.now() - 1) })
    await stage.work()

    const error = await failureOf(result.get({ timeout: 5 }))

    expect(error.message).to.contain('expired')
    expect(await stage.settled()).to.include({ dead: 0 })
    expect(runs).to.equal(0)
  })

  it('does not run when it expired while it waited for a slot', async () => {
    const done = gate()
    let runs = 0
    const slow = stage.app.task('kuma.slow', () => done.passed)
    const note = stage.app.task('kuma.note', () => ++runs)
    await stage.work({ options: { prefetchMultiplier: 3 } })

    await slow.delay()
    const expires = new Date(Date.now() + 80)
    const result = await note.applyAsync([], { expires })
    await eventually(async () => (await stage.counts()).leased === 2 && Date.now() > expires.getTime())
    done.open()

    expect(await result.wait({ timeout: 5 })).to.equal('REVOKED')
    expect(runs).to.equal(0)
  })

  it('does not run when it was revoked while it waited at the broker', async () => {
    let runs = 0
    const note = stage.app.task('kuma.note', () => ++runs)
    const [gone, stays] = await stage.app.sendMany([note.s(), note.s()])
    await gone.revoke()
    await stage.work()

    expect(await gone.wait({ timeout: 5 })).to.equal('REVOKED')
    expect(await stays.get({ timeout: 5 })).to.equal(1)
    expect(stage.said('Discarding revoked task')).to.have.length(1)
  })

  it('does not run when it was revoked while it was delayed', async () => {
    let runs = 0
    const note = stage.app.task('kuma.note', () => ++runs)
    await stage.work()
    const result = await note.applyAsync([], { countdown: 1 })
    await eventually(async () => (await stage.counts()).delayed === 1)

    await result.revoke()

    expect(await result.wait({ timeout: 5 })).to.equal('REVOKED')
    expect(runs).to.equal(0)
  })

  it('does not run when it was revoked while it waited for a slot', async () => {
    const done = gate()
    const seen: string[] = []
    const slow = stage.app.task('kuma.slow', () => done.passed)
    const note = stage.app.task('kuma.note', (what: string) => {
      seen.push(what)
    })
    await stage.work({ options: { prefetchMultiplier: 3 } })

    await slow.delay()
    const held = await note.delay('held')
    await eventually(async () => (await stage.counts()).leased === 2)
    await held.revoke()
    await note.delay('after') // the take that brings it also brings the news
    await eventually(async () => (await stage.counts()).leased === 3)
    done.open()

    expect(await held.wait({ timeout: 5 })).to.equal('REVOKED')
    await stage.settled()
    expect(seen).to.deep.equal(['after'])
  })
})
