import { expect } from 'chai'
import { failureOf } from '../app/an-app.js'
import { eventually } from '../eventually.js'
import { Stage } from './a-worker.js'
import { aSignature } from './some-outcomes.js'

describe('what follows a task', () => {
  let stage: Stage
  beforeEach(() => {
    stage = new Stage()
  })
  afterEach(() => stage.end())

  it('is its links, with its result before their own arguments, unless they are immutable', async () => {
    const seen: unknown[] = []
    const add = stage.app.task('kuma.add', (x: number, y: number) => x + y)
    const note = stage.app.task('kuma.note', { bind: true }, (task, ...args: unknown[]) => {
      seen.push([...args, task.parentId])
    })
    const fixed = { ...aSignature('kuma.note', ['fixed']), immutable: true }
    await stage.work()

    const result = await add.applyAsync([2, 3], { link: [note.s('own'), fixed] })
    await eventually(() => seen.length === 2)
    await stage.settled()

    expect(seen).to.have.deep.members([
      [5, 'own', result.id],
      ['fixed', result.id],
    ])
    expect(await result.children()).to.have.length(2)
  })

  it('is the whole rest of its chain, step by step', async () => {
    const add = stage.app.task('kuma.add', { bind: true }, (task, x: number, y: number) => {
      lineage.push([task.id, task.parentId, task.rootId])
      return x + y
    })
    const lineage: unknown[] = []
    await stage.work()
    const step = (id: string, y: number) => ({ ...aSignature('kuma.add', [y]), options: { task_id: id } })
    const { encoder } = (await stage.app.runtime()).builder
    const raw = encoder.encode({ id: 'one', task: 'kuma.add', args: [1, 1], queue: 'celery', chain: [step('three', 100), step('two', 10)] })
    await (await stage.app.broker()).publish([{ queue: 'celery', priority: 0, raw }])

    expect(add.name).to.be.a('string')
    expect(await stage.app.result('three').get({ timeout: 5 })).to.equal(112)
    expect(lineage).to.deep.equal([
      ['one', null, 'one'],
      ['two', 'one', 'one'],
      ['three', 'two', 'one'],
    ])
  })

  it('is its failure for every later step of its chain: nobody waits in vain', async () => {
    stage.app.task('kuma.fail', () => {
      throw new RangeError('out of it')
    })
    await stage.work()
    const step = (id: string) => ({ ...aSignature('kuma.fail', []), options: { task_id: id } })
    const { encoder } = (await stage.app.runtime()).builder
    const raw = encoder.encode({ id: 'one', task: 'kuma.fail', args: [], queue: 'celery', chain: [step('three'), step('two')] })
    await (await stage.app.broker()).publish([{ queue: 'celery', priority: 0, raw }])

    for (const id of ['one', 'two', 'three']) {
      expect(await failureOf(stage.app.result(id).get({ timeout: 5 }))).to.include({ message: 'out of it' })
    }
  })

  it('are its errbacks, with its id, when it fails; and nothing when it succeeds', async () => {
    const seen: unknown[] = []
    const mail = stage.app.task('kuma.mail', (fail: boolean) => {
      if (fail) throw new Error('no')
    })
    const alarm = stage.app.task('kuma.alarm', (id: string) => {
      seen.push(id)
    })
    await stage.work()

    const bad = await mail.applyAsync([true], { linkError: alarm.s() })
    const good = await mail.applyAsync([false], { linkError: alarm.s() })
    await good.wait({ timeout: 5 })
    await eventually(() => seen.length === 1)
    await stage.settled()

    expect(seen).to.deep.equal([bad.id])
  })

  it('that cannot be sent fails the task when it is a link, and is only named when it is an errback', async () => {
    const mail = stage.app.task('kuma.mail', (fail: boolean) => {
      if (fail) throw new Error('no')
      return 1
    })
    const broken = { ...aSignature('kuma.alarm', []), options: { task_id: 'x'.repeat(300) } }
    await stage.work()

    const linked = await failureOf((await mail.applyAsync([false], { link: broken })).get({ timeout: 5 }))
    const failed = await failureOf((await mail.applyAsync([true], { linkError: broken })).get({ timeout: 5 }))

    expect(linked).to.include({ pythonType: 'EncodeError' })
    expect(failed).to.include({ message: 'no' })
    expect(stage.said("kuma.alarm can't be sent after it")).to.have.length(1)
    expect(await stage.settled()).to.include({ dead: 0 })
  })
})
