import { expect } from 'chai'
import { openBroker } from '../../src/broker/open.js'
import { systemClock } from '../../src/clock.js'

describe('notes of workers in memory', () => {
  it('are kept for ten minutes, of the living and of the vanished', async () => {
    let ahead = 0
    const clock = { ...systemClock, monotonic: () => performance.now() + ahead }
    const broker = await openBroker('memory://notes', { clock })
    const other = await openBroker('memory://notes', { clock })
    await broker.register({ incarnation: 'stays', node: 'a', leaseMs: 3_600_000, queues: [] })
    await other.register({ incarnation: 'goes', node: 'b', leaseMs: 1_000, queues: ['kuma'] })
    for (const incarnation of ['stays', 'goes']) await broker.note(incarnation, '{}')

    ahead = 9 * 60_000
    expect((await broker.tend(() => ({ fate: { kind: 'ack' } }))).reaped.map(({ incarnation }) => incarnation)).to.deep.equal(['goes'])
    const states = async () => (await broker.workers()).map(({ incarnation, state, isAlive }) => ({ incarnation, state, isAlive }))
    expect(await states()).to.have.deep.members([
      { incarnation: 'stays', state: '{}', isAlive: true },
      { incarnation: 'goes', state: '{}', isAlive: false },
    ])

    ahead = 10 * 60_000 + 1_000
    expect(await states()).to.deep.equal([{ incarnation: 'stays', state: null, isAlive: true }])
    await Promise.all([broker.close(), other.close()])
  })
})
