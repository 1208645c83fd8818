/**
 * Scenarios of test/chaos as tests. They mostly wait, so a few are played at the same time: the first test of a bill starts them, and each
 * test waits for its own.
 */
import { expect } from 'chai'
import { lineOf, type Played, play, type Scale, type Scenario } from '../chaos/scenario.js'
import { type BrokerKind, RedisStand, SqliteStand } from '../chaos/stage/brokers.js'
import { redisServerPath } from '../setup/servers.js'
import { tell as say } from '../tell.js'

/** More at the same time on two cores, and a worker may get no CPU for a lease. */
const AT_ONCE = 4
const NAMES: Readonly<Record<BrokerKind, string>> = { redis: 'Redis', sqlite: 'SQLite' }

interface Entry {
  readonly scenario: Scenario
  readonly scale: Scale
  readonly broker: BrokerKind
  readonly played: Promise<Played>
  readonly tell: (played: Played) => void
}

export class Playbill {
  /** `SYSTEM_SEED` moves the faults. */
  readonly #seed = Number(process.env['SYSTEM_SEED'] ?? 20_240_229)
  readonly #entries: Entry[] = []
  #next = 0
  #began = false

  /** To be called in a `describe`: a test for each broker of the scenario. */
  add(title: string, scenario: Scenario, scale: Scale = scenario.usual): void {
    const bill = this
    for (const broker of scenario.brokers) {
      const entry = entryOf(scenario, scale, broker)
      it(`${title}, on ${NAMES[broker]}`, async function () {
        if (broker === 'redis' && redisServerPath() === undefined) this.skip()
        bill.#begin()
        const played = await entry.played
        say(lineOf(played))
        expect(played.broken, played.folder).to.deep.equal([])
      })
      if (isAsked(title) && !(broker === 'redis' && redisServerPath() === undefined)) this.#entries.push(entry)
    }
  }

  #begin(): void {
    if (this.#began) return
    this.#began = true
    for (let stage = 0; stage < AT_ONCE; stage++) void this.#playOn()
  }

  async #playOn(): Promise<void> {
    for (let entry = this.#entries[this.#next++]; entry !== undefined; entry = this.#entries[this.#next++]) {
      const { scenario, scale, broker, tell } = entry
      const open = (folder: string) => (broker === 'sqlite' ? SqliteStand.open(folder) : RedisStand.open(redisServerPath() ?? ''))
      tell(await play(scenario, scale, { seed: this.#seed, open }))
    }
  }
}

function entryOf(scenario: Scenario, scale: Scale, broker: BrokerKind): Entry {
  let tell: (played: Played) => void = () => {}
  const played = new Promise<Played>((resolve) => {
    tell = resolve
  })
  return { scenario, scale, broker, played, tell }
}

/** What mocha was told to leave out is not played ahead. */
function isAsked(title: string): boolean {
  // Mocha may have started itself anew, with its options in one word each.
  const words = process.argv.flatMap((word) =>
    /^--f?grep=/.test(word) ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] : word,
  )
  const at = words.findIndex((word) => ['-g', '--grep', '-f', '--fgrep'].includes(word))
  const wanted = words[at + 1] ?? ''
  return at < 0 || (words[at]?.includes('f') ? title.includes(wanted) : new RegExp(wanted).test(title))
}
