import { expect } from 'chai'
import { LeaseWatch } from '../../src/broker/sqlite/lease-watch.js'
import type { Machine } from '../../src/broker/sqlite/machine.js'

const LEASE = 10_000

describe('whose lease ran out (SQLite)', () => {
  let now: number
  let machine: Machine
  let watch: LeaseWatch

  const worker = (lease_end: number, options: { boot?: string; renewals?: number } = {}) => ({
    incarnation: 'w',
    boot: 'this-boot',
    lease_ms: LEASE,
    lease_end,
    renewals: 0,
    ...options,
  })
  /** Time passes while this process runs: it looks every now and then. */
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left -= 500) {
      now += Math.min(left, 500)
      watch.hasRunOut(worker(now + 1))
    }
  }

  beforeEach(() => {
    now = 1_000_000
    machine = { boot: 'this-boot', now: () => now }
    watch = new LeaseWatch(machine)
  })
  afterEach(() => watch.close())

  it('is judged by the clock of the machine', () => {
    pass(2 * LEASE)

    expect(watch.hasRunOut(worker(now - 1))).to.equal(true)
    expect(watch.hasRunOut(worker(now + 1))).to.equal(false)
  })

  it('is judged by nobody in the first lease after opening the file', () => {
    pass(LEASE - 1)
    expect(watch.hasRunOut(worker(0))).to.equal(false)

    pass(1)
    expect(watch.hasRunOut(worker(0))).to.equal(true)
  })

  it('is judged by nobody in the first lease after a pause, in which the others may have been paused too', () => {
    pass(2 * LEASE)
    now += LEASE // a suspended machine

    expect(watch.hasRunOut(worker(now - LEASE))).to.equal(false)
    pass(LEASE)
    expect(watch.hasRunOut(worker(now - 2 * LEASE))).to.equal(true)
  })

  it('is judged in spite of pauses that are short beside the lease', () => {
    pass(2 * LEASE)
    now += LEASE / 4

    expect(watch.hasRunOut(worker(now - 1))).to.equal(true)
  })

  it('of another boot is judged by watching: no renewal in one lease of our clock', () => {
    pass(2 * LEASE)
    const foreign = (renewals: number) => worker(5, { boot: 'other-boot', renewals })

    expect(watch.hasRunOut(foreign(1))).to.equal(false)
    pass(LEASE - 1)
    expect(watch.hasRunOut(foreign(2))).to.equal(false)
    pass(LEASE - 1)
    expect(watch.hasRunOut(foreign(2))).to.equal(false)
    pass(1)
    expect(watch.hasRunOut(foreign(2))).to.equal(true)
  })

  it('that ends later than any renewal could have set it is of another boot, whatever it says', () => {
    pass(2 * LEASE)
    const old = worker(now + 1_000_000)

    expect(watch.hasRunOut(old)).to.equal(false)
    pass(LEASE)
    expect(watch.hasRunOut(old)).to.equal(true)
  })
})
