import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { summary, violations } from './invariants.js'
import { complaints, type GroupProcess } from './processes.js'
import { onEachBroker } from './scenario.js'
import type { Call, Stage } from './stage.js'

describe('workers that freeze or block (T6, T7)', function () {
  this.timeout(120_000)

  onEachBroker(
    'a worker that froze for longer than its lease cannot change what its successor stored, and goes on with new tasks (G3)',
    async (stage) => {
      const options = { lease: 1 }
      const workers: [GroupProcess, GroupProcess] = await Promise.all([stage.worker('first', options), stage.worker('second', options)])
      const ids: string[] = []
      let late = 0
      for (const round of [0, 1] as const) {
        const [frozen, other] = round === 0 ? workers : ([workers[1], workers[0]] as const)
        ids.push(...(await sendEight(stage, `a${round}-`)))
        await eventually(() => stage.ledger.running(frozen.pid).size === 4)
        const held = [...stage.ledger.running(frozen.pid)]
        await freezeOutsideTransactions(stage, frozen)
        await stage.allFinal(ids)
        stage.thaw(frozen)
        await frozen.said(/lease lost/)
        await eventually(() => stage.ledger.running(frozen.pid).size === 0)
        const final = await stage.finals(held)
        expect(held.map((id) => final.get(id)?.pid)).to.deep.equal(held.map(() => other.pid))
        late += held.length

        const next = await sendEight(stage, `b${round}-`)
        ids.push(...next)
        await eventually(() => next.some((id) => stage.ledger.running(frozen.pid).has(id)))
        await stage.allFinal(ids)
      }
      const findings = await stage.findings(ids, workers)

      expect(violations(findings), summary(findings)).to.deep.equal([])
      expect(findings).to.include({ restarts: late, doneTwice: late })
      expect(workers.flatMap(complaints).filter((line) => !line.includes('lease lost'))).to.deep.equal([])
      return `${summary(findings)}; ${late} late results refused`
    },
  )

  onEachBroker('a handler that blocks its process for ten leases is run once, and others go on meanwhile (G9)', async (stage) => {
    const workers = await Promise.all([stage.worker('first', { lease: 1 }), stage.worker('second', { lease: 1 })])
    const blocking: Call = { id: 'block', task: 'system.block', args: [10_000] }
    await stage.send([blocking])
    await eventually(() => workers.some(({ pid }) => stage.ledger.running(pid).has('block')))
    const calls = Array.from({ length: 40 }, (_, at): Call => ({ id: `t${at}`, task: 'system.sleep', args: [20] }))
    await stage.send(calls)
    await eventually(() => calls.filter(({ id }) => stage.ledger.hasEnded(id)).length >= 30)
    expect(stage.ledger.hasEnded('block')).to.equal(false)

    const ids = [blocking, ...calls].map(({ id }) => id)
    await stage.allFinal(ids)
    const findings = await stage.findings(ids, workers)

    expect(violations(findings), summary(findings)).to.deep.equal([])
    expect(findings.restarts).to.equal(0)
    expect(workers.flatMap(complaints)).to.deep.equal([])
    return summary(findings)
  })
})

/** Returns their ids, and those of what they send when they are done. */
async function sendEight(stage: Stage, prefix: string): Promise<readonly string[]> {
  const calls = Array.from({ length: 8 }, (_, at): Call => {
    return { id: `${prefix}${at}`, task: 'system.sleep', args: [1000], link: `${prefix}${at}-after` }
  })
  await stage.send(calls)
  return calls.flatMap(({ id, link = '' }) => [id, link])
}

/** Stopped in the middle of a transaction, a process keeps SQLite's lock for as long as it sleeps: then nobody could take over. */
async function freezeOutsideTransactions(stage: Stage, worker: GroupProcess): Promise<void> {
  for (;;) {
    worker.signal('SIGSTOP')
    if (await stage.stand.isWritable()) break
    worker.signal('SIGCONT')
  }
  stage.freeze(worker)
}
