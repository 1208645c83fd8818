import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'chai'
import type { Context } from 'mocha'
import { fakeClock, redisUrl } from '../setup/servers.js'
import { Fleet, type FleetOptions } from './beats.js'

const BROKERS: Readonly<Record<string, (context: Context) => Promise<string> | string>> = { Redis: redisUrl, SQLite: () => '' }
const HOUR = 3600
const DAY = 86_400

for (const [name, urlOf] of Object.entries(BROKERS)) {
  describe(`three beats on ${name} (G10)`, function () {
    this.timeout(120_000)
    let fleet: Fleet | undefined
    afterEach(() => fleet?.close())

    async function open(context: Context, options?: FleetOptions): Promise<Fleet> {
      fleet = await Fleet.open(await urlOf(context), options)
      return fleet
    }

    it('send each tick once while the leader is killed, frozen for longer than its lease, and stopped, again and again', async function () {
      const beats = await open(this)
      const began = performance.now()

      while (performance.now() - began < 30_000) {
        await beats.killLeader()
        await wait(500)
        await beats.freezeLeader()
        await beats.stopLeader()
      }

      await expectEachOnce(beats, 28)
    })

    it('send each tick once while the wall clock of the leader is set an hour and a day ahead and back', async function () {
      const beats = await open(this, { clock: (file) => fakeClock(this, file) })

      for (const seconds of [HOUR, -HOUR, DAY, -DAY]) {
        await beats.jumpLeader(seconds)
        await wait(2500)
        await (seconds > 0 ? beats.stopLeader() : beats.killLeader())
      }
      await beats.jumpLeader(DAY)
      await wait(1500)
      await beats.jumpLeader(0)

      await expectEachOnce(beats, 12)
    })
  })
}

describe('three beats on Redis (G10)', function () {
  this.timeout(120_000)

  it('send each tick once while the leader is cut off from the server for longer than its lease, again and again', async function () {
    const beats = await Fleet.open(await redisUrl(this), { wired: true })
    try {
      const began = performance.now()
      while (performance.now() - began < 20_000) {
        await beats.cutOffLeader()
        await wait(1000)
      }

      // What a beat says of a server it cannot reach is no complaint.
      await expectTicks(beats, 12)
    } finally {
      await beats.close()
    }
  })
})

async function expectEachOnce(beats: Fleet, seconds: number): Promise<void> {
  await expectTicks(beats, seconds)
  expect(beats.complaints()).to.deep.equal([])
}

async function expectTicks(beats: Fleet, seconds: number): Promise<void> {
  const sent = await beats.outcome()
  for (const [entry, { count, missing, double }] of Object.entries(sent)) {
    expect({ missing, double }, `entry ${entry}, ${count} ticks`).to.deep.equal({ missing: 0, double: 0 })
    expect(count, `ticks of entry ${entry}`).to.be.within(seconds, 4 * seconds)
  }
}
