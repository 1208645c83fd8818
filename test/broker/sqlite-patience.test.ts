import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Broker, Tended } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { type Clock, systemClock } from '../../src/clock.js'
import { loadBinding } from '../../src/sqlite/binding.js'
import { eventually } from '../eventually.js'

const LEASE_MS = 300
const PATIENCE = LEASE_MS / 2 / 1000

describe('whoever finds a lease that has run out (SQLite)', () => {
  let folder: string
  const brokers: Broker[] = []
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'celerity-patience-'))
  })
  afterEach(async () => {
    await Promise.all(brokers.splice(0).map((broker) => broker.close()))
    rmSync(folder, { recursive: true, force: true })
  })

  async function open(clock: Clock = systemClock): Promise<Broker> {
    const broker = await openBroker(`sqlite:${join(folder, 'tasks.db')}`, { clock })
    brokers.push(broker)
    return broker
  }

  it('gives nothing back when it had to wait for the lock meanwhile, for then nobody could renew', async () => {
    const workers = await open()
    const lock = (await loadBinding())(join(folder, 'tasks.db'), { timeout: 10_000 })
    let patient = 0
    let held = true
    const clock: Clock = {
      ...systemClock,
      async sleep(seconds, signal) {
        const isPatience = seconds === PATIENCE
        if (isPatience && patient++ === 0) {
          lock.exec('BEGIN IMMEDIATE')
          setTimeout(() => {
            lock.exec('ROLLBACK')
            held = false
          }, 3 * LEASE_MS)
        }
        await systemClock.sleep(seconds, signal)
      },
    }
    const reaper = await open(clock)
    await workers.register({ incarnation: 'w', node: 'w@here', leaseMs: LEASE_MS, queues: ['celery'], process: null })
    const tend = (): Promise<Tended> => reaper.tend(({ raw }) => ({ fate: { kind: 'requeue', to: 'front', raw } }))

    const first = await eventually(async () => {
      const tended = await tend()
      return patient > 0 && tended
    })
    expect(held).to.equal(false)
    expect(first.reaped).to.deep.equal([])
    const later = await eventually(async () => {
      const { reaped } = await tend()
      return reaped.length > 0 && reaped
    })
    expect(later.map(({ incarnation }) => incarnation)).to.deep.equal(['w'])
    lock.close()
  })
})
