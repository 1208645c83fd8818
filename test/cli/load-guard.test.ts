import { expect } from 'chai'
import { LoadGuard } from '../../src/cli/load-guard.js'
import { CelerityError } from '../../src/errors.js'

describe('the guard over code that is loaded', () => {
  const never = () => new Promise<never>(() => {})

  it('gives up on what does not end, and says before that it takes long', async () => {
    const said: string[] = []
    const guard = new LoadGuard((text) => said.push(text), { slowMs: 5, limitMs: 40 })
    const alive = setInterval(() => {}, 1000) // its own timers keep no process alive
    const error: unknown = await guard.run('tasks.mjs', never).catch((one: unknown) => one)
    clearInterval(alive)

    expect(error).instanceOf(CelerityError).include({ code: 'E_APP_LOAD', exit: 2 })
    expect((error as Error).message).equal('Cannot load tasks.mjs: it did not end within 0.04 s')
    expect(said).deep.equal(['tasks.mjs is still being loaded: is there an await at its top level?'])
  })

  it('knows what was being loaded when the process ends, and afterwards nothing', async () => {
    const guard = new LoadGuard(() => {})
    let midway: CelerityError | null = null

    await guard.run('tasks.mjs', async () => {
      midway = guard.endedMidway
    })

    expect(midway).include({ code: 'E_APP_LOAD', message: 'Cannot load tasks.mjs: it ended the process' })
    expect(guard.endedMidway).equal(null)
  })

  it('leaves nothing behind', async () => {
    const before = process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection')
    const guard = new LoadGuard(() => {})

    expect(await guard.run('a', async () => 1)).equal(1)
    await guard.run('b', () => Promise.reject(new Error('no'))).catch(() => {})

    expect(process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection')).equal(before)
  })
})
