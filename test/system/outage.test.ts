import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { summary, violations } from './invariants.js'
import type { Line } from './ledger.js'
import { complaints } from './processes.js'
import { onEachBroker } from './scenario.js'
import type { Call, Stage } from './stage.js'

/** Seconds; the last one is longer than the lease. */
const OUTAGES = [0.2, 0.7, 3] as const
const LEASE = 2

describe('brokers that go away (T4)', function () {
  this.timeout(120_000)

  onEachBroker(
    'under load, the server killed or the file locked: nothing is lost, nothing runs twice, and it comes back by itself (G1, G8)',
    async (stage) => {
      const workers = await Promise.all([stage.worker('first', { lease: LEASE }), stage.worker('second', { lease: LEASE })])
      const load = startLoad(stage)
      for (const [index, seconds] of OUTAGES.entries()) {
        await eventually(() => stage.ledger.done >= 200 * (index + 1), 30)
        await stage.away(() => sleep(seconds * 1000))
      }
      const back = stage.ledger.done
      await eventually(() => stage.ledger.done >= back + 200, 30)
      const ids = await load.end()
      await stage.allFinal(stage.accepted())
      const findings = await stage.findings(ids, workers)

      expect(violations(findings), summary(findings)).to.deep.equal([])
      expect(findings.restarts, summary(findings)).to.equal(0)
      expect(workers.flatMap(complaints)).to.deep.equal([])
      const pauses = resumptions(stage.ledger.lines())
      expect(Math.max(...pauses)).to.be.at.most(3) // the longest pause between two tries to connect is 2 s
      return `${summary(findings)}; goes on after at most ${Math.max(...pauses).toFixed(2)} s`
    },
  )
})

/** A producer that sends ten tasks at a time, as fast as they are accepted, and does not run ahead of the workers. */
function startLoad(stage: Stage): { end(): Promise<readonly string[]> } {
  const ids: string[] = []
  let ended = false
  const work = async () => {
    while (!ended) {
      const calls = Array.from({ length: 10 }, (_, at): Call => ({ id: `t${ids.length + at}`, task: 'system.sleep', args: [20] }))
      ids.push(...calls.map(({ id }) => id))
      await stage.send(calls)
      await eventually(() => ended || ids.length - stage.ledger.done < 100, 60)
    }
  }
  const working = work()
  return {
    async end() {
      ended = true
      await working
      return ids
    },
  }
}

/** Seconds from the end of each outage to the next start of a task. */
function resumptions(ledger: readonly Line[]): readonly number[] {
  return ledger.flatMap((line) => {
    if (line.kind !== 'U') return []
    const next = ledger.find((later) => later.kind === 'S' && later.at > line.at)
    return next === undefined ? [] : [(next.at - line.at) / 1000]
  })
}
