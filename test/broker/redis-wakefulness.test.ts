import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { Broker, Judge } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { eventually } from '../eventually.js'
import { redisUrl } from '../setup/servers.js'

const LEASE_MS = 1_000
const giveBack: Judge = () => ({ fate: { kind: 'requeue', to: 'front' } })

describe('a process that was away itself (Redis)', function () {
  this.timeout(20_000)

  let broker: Broker
  let dead: Broker
  beforeEach(async function () {
    const url = await redisUrl(this)
    ;[broker, dead] = await Promise.all([openBroker(url, {}), openBroker(url, {})])
  })
  afterEach(() => Promise.all([broker.close(), dead.close()]))

  it('takes nobody for dead before one lease has passed since: the others may have been away with it', async () => {
    await dead.register({ incarnation: 'gone', node: 'w1@h', leaseMs: LEASE_MS, queues: ['celery'] })
    await broker.tend(giveBack) // from now on it has served long enough to judge
    await sleep(2 * LEASE_MS)
    const until = performance.now() + 1.2 * LEASE_MS
    while (performance.now() < until); // as a handler that blocks the event loop, or a machine that sleeps

    const atOnce = await broker.tend(giveBack)
    const later = await eventually(async () => {
      const { reaped } = await broker.tend(giveBack)
      return reaped.length > 0 && { reaped, after: performance.now() - until }
    }, 10)

    expect(atOnce.reaped).to.deep.equal([])
    expect(later.reaped.map(({ node }) => node)).to.deep.equal(['w1@h'])
    expect(later.after).to.be.at.least(LEASE_MS)
  })
})
