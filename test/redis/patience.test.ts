import { expect } from 'chai'
import { MISSED, Waiting } from '../../src/redis/patience.js'

describe('calls that wait for a connection', () => {
  it('all go on when it comes, and none is kept', async () => {
    const waiting = new Waiting()
    const calls = [waiting.wait(10_000), waiting.wait(10_000)]
    expect(waiting.isEmpty).to.equal(false)
    waiting.come()

    await Promise.all(calls)
    expect(waiting.isEmpty).to.equal(true)
  })

  it('all fail when it will not come', async () => {
    const waiting = new Waiting()
    const failures = [waiting.wait(10_000), waiting.wait(10_000)].map((call) => call.catch((error: Error) => error.message))
    waiting.fail(new Error('closed'))

    expect(await Promise.all(failures)).to.deep.equal(['closed', 'closed'])
    expect(waiting.isEmpty).to.equal(true)
  })

  it('leave nothing behind when they have waited for too long, however long the outage goes on', async () => {
    const waiting = new Waiting()
    const failures = Array.from({ length: 100 }, () => waiting.wait(1).catch((error: unknown) => error))

    expect(new Set(await Promise.all(failures))).to.deep.equal(new Set([MISSED]))
    expect(waiting.isEmpty).to.equal(true)
    waiting.come()
  })
})
