import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import type { Tick } from '../../src/broker/schedules.js'
import { eventually } from '../conformance/broker/stage.js'
import { redisUrl, startRedis } from '../setup/servers.js'

const LEASE_MS = 60_000
const A = { id: 'run-a', node: 'beat@a' }
const B = { id: 'run-b', node: 'beat@b' }

describe('schedules on Redis', () => {
  let broker: Broker
  let client: Redis

  before(async function () {
    const url = await redisUrl(this)
    broker = await openBroker(url)
    client = new Redis(url)
  })
  beforeEach(async () => {
    await client.flushdb()
    await broker.schedules.put(['a', 'damaged', 'z'].map((name) => ({ name, json: '{}', source: 'store', planned: 1 })))
  })
  after(async () => {
    await broker?.close()
    client?.disconnect()
  })

  async function tickAll(queue: (name: string) => string = () => 'kuma'): Promise<readonly string[]> {
    const leadership = await broker.schedules.lead(A, LEASE_MS)
    const ticks = ['a', 'damaged', 'z'].map(
      (name): Tick => ({
        name,
        planned: 1,
        next: 2,
        publish: [{ queue: queue(name), priority: 0, raw: name }],
        note: { due: 1, outcome: 'sent', ids: [name] },
      }),
    )
    return broker.schedules.ticks(A.id, leadership.leader ? leadership.epoch : 0, ticks)
  }

  it('show an entry whose key was overwritten as damaged, and go on with the others', async () => {
    await client.set('celerity:schedule:entry:damaged', 'what is this')

    const { entries } = await broker.schedules.entries()
    expect(entries.map(({ name, json }) => [name, json])).to.deep.equal([
      ['a', '{}'],
      ['damaged', ''],
      ['z', '{}'],
    ])
    expect(await tickAll()).to.deep.equal(['sent', 'refused', 'sent'])
    expect(await client.llen('kuma')).to.equal(2)
  })

  it('mend a damaged entry when its definition is put again', async () => {
    await client.set('celerity:schedule:entry:damaged', 'what is this')
    await broker.schedules.put([{ name: 'damaged', json: '{}', source: 'store', planned: 1 }])

    expect(await tickAll()).to.deep.equal(['sent', 'sent', 'sent'])
  })

  it('read a plan that is no number as none, and plan anew', async () => {
    await client.hset('celerity:schedule:entry:a', 'planned', 'soon', 'runs', 'many', 'due', '0x10')

    const [a] = (await broker.schedules.entries()).entries
    expect(a).to.include({ planned: null, runs: 0, lastDue: null })
    const leadership = await broker.schedules.lead(A, LEASE_MS)
    const epoch = leadership.leader ? leadership.epoch : 0
    const note = { due: 1, outcome: 'sent' as const, ids: ['t'] }
    expect(await broker.schedules.ticks(A.id, epoch, [{ name: 'a', planned: null, next: 5, publish: [], note }])).to.deep.equal(['sent'])
    expect((await broker.schedules.entries()).entries[0]).to.include({ planned: 5, runs: 1 })
  })

  it('change nothing of a tick whose queue is a key of another type', async () => {
    await client.set('broken', 'no list')

    expect(await tickAll((name) => (name === 'damaged' ? 'broken' : 'kuma'))).to.deep.equal(['sent', 'refused', 'sent'])
    const damaged = (await broker.schedules.entries()).entries.find(({ name }) => name === 'damaged')
    expect(damaged).to.include({ planned: 1, runs: 0 })
    expect(await broker.schedules.history('damaged', 5)).to.deep.equal([])
    const refused = await broker.schedules
      .run('damaged', { publish: [{ queue: 'broken', priority: 0, raw: 'x' }], ids: ['x'], by: 'me' })
      .catch((error: unknown) => error)
    expect(refused).to.include({ code: 'E_BROKER_REFUSED' })
  })

  it('pass over occurrences and reigns that others wrote', async () => {
    await tickAll()
    await client.lpush('celerity:schedule:history:a', 'what is this', '1 sent 2 3 {}')
    await client.lpush('celerity:schedule:leaders', 'nor this')

    expect(await broker.schedules.history('a', 5)).to.have.length(1)
    expect(await broker.schedules.leaders(5)).to.have.length(1)
  })

  it('keep their leader at maxmemory, where a tick is refused as a whole', async function () {
    const server = await startRedis(this)
    const full = await openBroker(server.url)
    const operator = new Redis(server.url)
    try {
      await full.schedules.put([{ name: 'a', json: '{}', source: 'store', planned: 1 }])
      await full.schedules.lead(A, LEASE_MS)
      await operator.config('SET', 'maxmemory', '1')

      expect(await full.schedules.lead(A, LEASE_MS)).to.deep.include({ leader: true, epoch: 1 })
      const publish = [{ queue: 'kuma', priority: 0, raw: 'x' }]
      const tick: Tick = { name: 'a', planned: 1, next: 2, publish, note: { due: 1, outcome: 'sent', ids: ['t'] } }
      const refused = await full.schedules.ticks(A.id, 1, [tick]).catch((error: unknown) => error)
      expect(refused).to.include({ code: 'E_BROKER_REFUSED' })
      await full.schedules.yield(A.id)
      expect(await full.schedules.lead(B, LEASE_MS)).to.deep.include({ leader: true, epoch: 2 })

      await operator.config('SET', 'maxmemory', '0')
      expect((await full.schedules.entries()).entries[0]).to.include({ planned: 1, runs: 0 })
      expect(await full.schedules.ticks(B.id, 2, [tick])).to.deep.equal(['sent'])
    } finally {
      operator.disconnect()
      await full.close()
      await server.stop()
    }
  })

  it('end a lease within its length although the clock of the server was set back', async () => {
    await broker.schedules.lead(A, 50)
    await client.hset('celerity:schedule', 'until', Date.now() + 86_400_000)

    await eventually(async () => (await broker.schedules.lead(B, LEASE_MS)).leader)
  })
})
