import { expect } from 'chai'
import { catchStrayErrors } from '../../src/cli/stray-errors.js'
import { eventually } from '../eventually.js'
import { Stage } from './a-worker.js'

describe('an error that nobody waits for', () => {
  let stage: Stage
  let end: () => void
  // Mocha's own listeners would fail the test for what it is about.
  let rejections: NodeJS.UnhandledRejectionListener[]
  let exceptions: NodeJS.UncaughtExceptionListener[]

  beforeEach(async () => {
    stage = new Stage()
    rejections = process.listeners('unhandledRejection')
    exceptions = process.listeners('uncaughtException')
    process.removeAllListeners('unhandledRejection').removeAllListeners('uncaughtException')
    end = catchStrayErrors((await stage.app.runtime()).log)
  })
  afterEach(async () => {
    end()
    for (const listener of rejections) process.on('unhandledRejection', listener)
    for (const listener of exceptions) process.on('uncaughtException', listener)
    await stage.end()
  })

  it('is logged with the task it belongs to, and the other tasks go on', async () => {
    const slip = stage.app.task('kuma.slip', (how: string) => {
      if (how === 'promise') void Promise.reject(new Error('forgotten'))
      if (how === 'timer')
        setTimeout(() => {
          throw new Error('from a timer')
        }, 1)
      return how
    })
    await stage.work()

    const rejected = await slip.delay('promise')
    const thrown = await slip.delay('timer')
    await eventually(() => stage.said('forgotten').length + stage.said('from a timer').length === 2)

    expect(stage.said('unhandled rejection')[0]).to.deep.include({
      level: 'error',
      text: `unhandled rejection in task kuma.slip[${rejected.id}]: forgotten`,
    })
    expect(stage.said('uncaught error')[0]?.text).to.equal(`uncaught error in task kuma.slip[${thrown.id}]: from a timer`)
    expect(await (await slip.delay('none')).get({ timeout: 5 })).to.equal('none')
  })

  it('of a listener of a task’s signal belongs to that task', async () => {
    const listen = stage.app.task('kuma.listen', { bind: true, softTimeLimit: 0.02 }, (task) => {
      return new Promise<string>((resolve) => {
        task.signal.addEventListener('abort', () => {
          resolve('over')
          throw new Error('from a listener')
        })
      })
    })
    await stage.work()

    const result = await listen.delay()

    expect(await result.get({ timeout: 5 })).to.equal('over')
    await eventually(() => stage.said(`in task kuma.listen[${result.id}]: from a listener`).length === 1)
  })
})
