import { expect } from 'chai'
import { sqliteStand } from './brokers.js'
import { summary, violations } from './invariants.js'
import { complaints } from './processes.js'
import { play, tell } from './scenario.js'

describe('one SQLite file for several processes', function () {
  this.timeout(60_000)

  it('two workers, a producer and a reader of results: each task runs once, and each result arrives', async () => {
    const figures = await play(sqliteStand, async (stage) => {
      const ids = Array.from({ length: 1500 }, (_, at) => `t${at}`)
      const workers = await Promise.all([stage.worker('first'), stage.worker('second')])
      const reader = stage.program('reader.ts', [`${ids.length}`])
      const producer = stage.program('producer.ts', [`${ids.length}`, '2'])

      expect(await producer.ended, producer.output).to.deep.equal({ code: 0, signal: null })
      expect(await reader.ended, reader.output).to.deep.equal({ code: 0, signal: null })
      const findings = await stage.findings(ids, workers)

      expect(reader.output).to.equal(`${ids.length} values\n`)
      expect(violations(findings), summary(findings)).to.deep.equal([])
      expect(findings).to.include({ accepted: ids.length, restarts: 0 })
      expect(workers.flatMap(complaints)).to.deep.equal([])
      const shares = workers.map(({ pid }) => stage.ledger.lines().filter((line) => line.kind === 'D' && line.pid === pid).length)
      expect(Math.min(...shares)).to.be.above(0)
      return `${summary(findings)}; shares ${shares.join(' and ')}`
    })
    tell(figures)
  })
})
