/** A scenario as tests: one for each broker, played side by side, since scenarios mostly wait. */
import { redisStand, type Stand, sqliteStand } from './brokers.js'
import { Stage } from './stage.js'

/** Plays, expects, and returns the figures in one line. */
export type Scenario = (stage: Stage) => Promise<string>

export function onEachBroker(title: string, scenario: Scenario): void {
  describe(title, () => {
    let onSqlite: Promise<string>

    before(() => {
      onSqlite = play(sqliteStand, scenario)
      onSqlite.catch(() => {}) // the test below tells
    })

    it('on Redis', async function () {
      tell(await play(() => redisStand(this), scenario))
    })

    it('on SQLite', async () => {
      tell(await onSqlite)
    })
  })
}

export async function play(open: (folder: string) => Promise<Stand>, scenario: Scenario): Promise<string> {
  const began = performance.now()
  const stage = new Stage()
  try {
    await stage.setUp(open)
    const figures = await scenario(stage)
    return `${figures}; ${((performance.now() - began) / 1000).toFixed(0)} s`
  } finally {
    await stage.close()
  }
}

/** The figures are worth reading also when all is well. */
export function tell(figures: string): void {
  console.log(`        ${figures}`)
}
