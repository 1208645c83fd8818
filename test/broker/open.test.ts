import { expect } from 'chai'
import { openBroker } from '../../src/broker/open.js'

describe('openBroker', () => {
  it('names the known schemes when it does not know one, and masks the password', async () => {
    const error = await rejection(openBroker('kafka://me:secret@host/1'))

    expect(error).to.include({ code: 'E_BROKER_URL' })
    expect(error.message).to.contain('kafka://me:').and.not.contain('secret')
    expect(error).to.have.property('hint').that.contains('memory, sqlite, redis, rediss')
  })

  it('refuses what is no URL at all', async () => {
    for (const url of ['', 'tasks.db', '://x', 'constructor:x', '__proto__:x']) {
      expect(await rejection(openBroker(url)), url).to.include({ code: 'E_BROKER_URL' })
    }
  })

  it('gives the same store for the same memory name, and one of its own without a name', async () => {
    const [a, again, own, other] = await Promise.all(
      ['memory://open-test', 'memory://open-test', 'memory://', 'memory://'].map((url) => openBroker(url)),
    )

    await a?.publish([{ queue: 'kuma', priority: 0, raw: 'x' }])

    expect(await again?.queues.peek('kuma', 1)).to.have.length(1)
    expect(await own?.queues.peek('kuma', 1)).to.have.length(0)
    expect(own?.can.server).to.not.equal(other?.can.server)
  })
})

async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail('should have been refused'),
    (error: unknown) => error as Error,
  )
}
