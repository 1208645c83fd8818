/**
 * The conformance suite of the brokers, written from the port's comments (src/broker/broker.ts). An adapter is done when it passes; what
 * differs by nature goes through `can`, never by name.
 */
import type { Context } from 'mocha'
import { delaying } from './broker/delaying.js'
import { hearing } from './broker/hearing.js'
import { journal } from './broker/journal.js'
import { judging } from './broker/judging.js'
import { knowing } from './broker/knowing.js'
import { leases } from './broker/leases.js'
import { model } from './broker/model.js'
import { operating } from './broker/operating.js'
import { scheduling } from './broker/scheduling.js'
import { settling } from './broker/settling.js'
import { sharing } from './broker/sharing.js'
import { type BrokerHarness, Stage } from './broker/stage.js'
import { suspects } from './broker/suspects.js'
import { taking } from './broker/taking.js'
import { waiting } from './broker/waiting.js'

export type { BrokerHarness } from './broker/stage.js'

/**
 * @param name  of the adapter, for titles
 * @param start a server of its own for each test, empty; `open` connects to it, `openResults` opens a result store on it
 */
export function describeBroker(name: string, start: (context: Context) => Promise<BrokerHarness>): void {
  describe(`broker ${name}`, function () {
    this.timeout(15_000)
    let stage: Stage
    beforeEach(async function () {
      stage = new Stage(await start(this))
      await stage.setUp()
    })
    afterEach(() => stage.tearDown())
    // Once before all of them: what an adapter `can` decides which scenes are played.
    before(async function () {
      stage = new Stage(await start(this))
      await stage.setUp()
      await stage.tearDown()
    })

    const scenes = [
      taking,
      settling,
      delaying,
      leases,
      judging,
      suspects,
      waiting,
      sharing,
      hearing,
      journal,
      knowing,
      operating,
      scheduling,
      model,
    ]
    for (const scene of scenes) scene(() => stage)
  })
}
