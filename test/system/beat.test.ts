import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'chai'
import type { Context } from 'mocha'
import { fakeClock, redisUrl } from '../setup/servers.js'
import { Fleet, type FleetOptions } from './beats.js'

const HOUR = 3600
const DAY = 86_400
/** How often each clock is set wrong; more of it by hand. */
const ROUNDS = Number(process.env['BEAT_ROUNDS'] ?? 1)

interface Scenario {
  readonly title: string
  readonly broker: 'Redis' | 'SQLite'
  /** What it needs of this machine. @throws through `skip` of mocha's context where that is missing */
  readonly options?: (context: Context) => FleetOptions
  readonly play: (beats: Fleet) => Promise<void>
}

const SCENARIOS: readonly Scenario[] = [
  ...(['Redis', 'SQLite'] as const).flatMap((broker): Scenario[] => [
    {
      title: 'send each tick once while the leader is killed, frozen for longer than its lease, and stopped, again and again',
      broker,
      async play(beats) {
        const began = performance.now()
        while (performance.now() - began < 30_000) {
          await beats.killLeader()
          await wait(500)
          await beats.freezeLeader()
          await beats.stopLeader()
        }
        await expectEachOnce(beats, 28)
      },
    },
    {
      title: 'send each tick once while the wall clock of the leader is set an hour and a day ahead and back',
      broker,
      options: (context) => ({ clock: (file) => fakeClock(context, file) }),
      async play(beats) {
        for (let round = 0; round < ROUNDS; round++) {
          for (const seconds of [HOUR, -HOUR, DAY, -DAY]) {
            await beats.jumpLeader(seconds)
            await wait(2500)
            await (seconds > 0 ? beats.stopLeader() : beats.killLeader())
          }
        }
        await beats.jumpLeader(DAY)
        await wait(1500)
        await beats.jumpLeader(0)
        await expectEachOnce(beats, 12 * ROUNDS)
      },
    },
  ]),
  {
    title: 'send each tick once while the leader is cut off from the server for longer than its lease, again and again',
    broker: 'Redis',
    options: () => ({ wired: true }),
    async play(beats) {
      const began = performance.now()
      while (performance.now() - began < 20_000) {
        await beats.cutOffLeader()
        await wait(1000)
      }
      // What a beat says of a server it cannot reach is no complaint.
      await expectTicks(beats, 12)
    },
  },
]

describe('three beats (G10)', function () {
  this.timeout(120_000 * ROUNDS)

  // They mostly wait: all are played side by side.
  const played = new Map<Scenario, Promise<void>>()
  before(async function () {
    for (const scenario of SCENARIOS) {
      const url = scenario.broker === 'Redis' ? await redisUrl(this) : ''
      const playing = playOut(scenario, url, scenario.options?.(this))
      playing.catch(() => {}) // its test tells
      played.set(scenario, playing)
    }
  })

  for (const scenario of SCENARIOS) it(`on ${scenario.broker} ${scenario.title}`, () => played.get(scenario))
})

async function playOut({ play }: Scenario, url: string, options: FleetOptions | undefined): Promise<void> {
  const beats = await Fleet.open(url, options)
  try {
    await play(beats)
  } finally {
    await beats.close()
  }
}

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
