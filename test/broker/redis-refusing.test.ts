import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { eventually } from '../eventually.js'
import { type RedisServer, startRedis } from '../setup/servers.js'

const LEASE = 600

describe('a Redis that reads and does not write for longer than a lease', function () {
  this.timeout(30_000)
  let server: RedisServer
  let admin: Redis
  let reaper: Broker
  let worker: Broker
  const incarnation = randomUUID()

  before(async function () {
    server = await startRedis(this)
    admin = new Redis(server.url)
    ;[reaper, worker] = await Promise.all([openBroker(server.url, { deadlineMs: 400 }), openBroker(server.url)])
    await worker.register({ incarnation, node: 'celery@a', leaseMs: LEASE, queues: ['celery'] })
  })
  after(async () => {
    await Promise.all([reaper?.close(), worker?.close()])
    admin?.disconnect()
    await server?.stop()
  })

  /** As with a full disk: what would be written is refused. */
  const writes = (yes: boolean) => admin.config('SET', 'min-replicas-to-write', yes ? '0' : '1')
  const tend = () => reaper.tend(() => ({ fate: { kind: 'requeue', to: 'front' } }))
  const leaseStands = async () => (await admin.exists(`celerity:lease:${incarnation}`)) === 1

  it('has nobody taken for dead whose lease ran out meanwhile, by whoever looks first', async () => {
    // Long enough that the reaper may judge, with a worker that renews.
    const judges = performance.now() + 2 * LEASE
    await eventually(async () => {
      expect((await worker.renew(incarnation, [])).kind).to.equal('kept')
      expect((await tend()).reaped).to.deep.equal([])
      return performance.now() > judges
    })

    await writes(false)
    const refused = await tend().catch((error: { code: string }) => error.code)
    expect(refused).to.equal('E_BROKER_UNREACHABLE')
    await eventually(async () => !(await leaseStands()))
    const under = tend() // on its way when the server writes again
    await writes(true)

    expect((await under).reaped).to.deep.equal([])
    expect((await tend()).reaped).to.deep.equal([])
    expect((await worker.renew(incarnation, [])).kind).to.equal('kept')
  })

  it('has one taken for dead who does not show himself for a lease after it writes again', async () => {
    await eventually(async () => (await tend()).reaped.length === 1)
    expect((await worker.renew(incarnation, [])).kind).to.equal('lost')
  })
})
