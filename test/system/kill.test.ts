import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { summary, violations } from './invariants.js'
import { complaints, type GroupProcess } from './processes.js'
import { onEachBroker } from './scenario.js'
import { seeded } from './seeded.js'
import type { Call, Stage } from './stage.js'

const CONCURRENCY = 5

describe('workers that are killed (T1, T18, T19)', function () {
  this.timeout(120_000)

  onEachBroker(
    '2,000 tasks, 10 kills: none is lost, none runs again but what was running, no outcome is written twice (G1, G2, G3)',
    async (stage) => {
      const findings = await underFire(stage, callsOf(2000, 'system.sleep', [50]), 10)

      expect(violations(findings), summary(findings)).to.deep.equal([])
      expect(findings.restarts).to.be.at.most(CONCURRENCY * 10)
      return summary(findings)
    },
  )

  onEachBroker('acked early, no task is started twice, and each one ends: done, or failed with its worker (G4, G5)', async (stage) => {
    const findings = await underFire(stage, callsOf(500, 'system.once', [50]), 5)

    expect(violations(findings, { late: false }), summary(findings)).to.deep.equal([])
    expect(findings.errors).to.deep.equal(['WorkerLostError'])
    expect(findings.failed.length).to.be.at.most(CONCURRENCY * 5)
    return `${summary(findings)}, failed ${findings.failed.length}`
  })

  onEachBroker('a retry is sent once, whatever happens to the worker that asked for it', async (stage) => {
    const findings = await underFire(stage, callsOf(300, 'system.retry', [30, 2]), 5)

    expect(violations(findings), summary(findings)).to.deep.equal([])
    expect(findings.attempts).to.deep.equal([300, 300, 300])
    expect(findings.restarts).to.be.at.most(CONCURRENCY * 5)
    return summary(findings)
  })
})

function callsOf(count: number, task: string, args: readonly unknown[]): readonly Call[] {
  return Array.from({ length: count }, (_, at) => ({ id: `t${at}`, task, args }))
}

/** Two workers work the calls off; again and again one of them, picked by the seed, is killed while it runs something, and replaced. */
async function underFire(stage: Stage, calls: readonly Call[], kills: number) {
  const random = seeded('kill')
  const ids = calls.map(({ id }) => id)
  const workers: [GroupProcess, GroupProcess] = await Promise.all([startOne(stage, 'first'), startOne(stage, 'second')])
  const all: GroupProcess[] = [...workers]
  const sent = stage.send(calls)
  for (let kill = 0; kill < kills; kill++) {
    const after = Math.floor(((kill + random()) * calls.length * 0.9) / kills)
    const victim = random() < 0.5 ? 0 : 1
    await eventually(() => stage.ledger.done >= after && stage.ledger.running(workers[victim].pid).size > 0, 60)
    await stage.kill(workers[victim])
    workers[victim] = await startOne(stage, `after-${kill}`)
    all.push(workers[victim])
  }
  await sent
  await stage.allFinal(ids)
  const findings = await stage.findings(ids, workers)
  expect(all.flatMap(complaints)).to.deep.equal([])
  return findings
}

function startOne(stage: Stage, name: string): Promise<GroupProcess> {
  return stage.worker(name, { concurrency: CONCURRENCY })
}
