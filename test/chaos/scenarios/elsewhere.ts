import { eventually } from '../../eventually.js'
import { type Scenario, unless } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { complaints } from '../stage/processes.js'
import { freezeOutsideTransactions, lossesOf } from './freeze.js'

const LEASE = 2
const TASKS = 8

/** T6 where no fence of the broker guards the results: so two runs of a task that end differently are what must not be mixed up. */
export const elsewhere: Scenario = {
  name: 'T6e',
  what: 'results are kept elsewhere; a worker is frozen, its tasks fail with another, and it wakes up with a success for each of them',
  brokers: ['redis', 'sqlite'],
  elsewhere: true,
  usual: { tasks: TASKS, faults: 2 },
  async play(stage, { faults }) {
    const workers = await Promise.all([stage.worker('first', { lease: LEASE }), stage.worker('second', { lease: LEASE })])
    const ids: string[] = []
    const torn = new Map<string, string>()
    for (let round = 0; round < faults; round++) {
      const gone = workers[round % 2] ?? workers[0]
      const calls = Array.from({ length: TASKS }, (_, at) => {
        return { id: `${round}-${at}`, task: 'system.torn', args: [1000], link: `${round}-${at}-after` }
      })
      await stage.send(calls)
      await eventually(() => stage.ledger.running(gone.pid).size === TASKS / 2)
      const held = stage.ledger.running(gone.pid)
      for (const id of held) torn.set(id, 'FAILURE')
      const sent = calls.flatMap(({ id, link }) => (torn.has(id) ? [id] : [id, link]))
      ids.push(...sent)
      const losses = lossesOf(gone)
      await freezeOutsideTransactions(stage, gone)
      await stage.allFinal(sent)
      stage.thaw(gone)
      await eventually(() => lossesOf(gone) > losses, 20)
      await eventually(() => stage.ledger.running(gone.pid).size === 0)
      stage.progress(`round ${round + 1} of ${faults}`)
    }
    const findings = await stage.findings(ids, workers, torn)
    const linked = stage.ledger
      .lines()
      .filter((line) => line.kind === 'S' && torn.has(line.id.replace('-after', '')) && line.id.endsWith('-after'))
    return {
      broken: [
        ...violations(findings),
        ...unless(findings.doneTwice === torn.size, `done twice: ${findings.doneTwice}, though ${torn.size} were held`),
        ...unless(linked.length === 0, `sent after a failure as if it were a success: ${linked.length}`),
        ...workers.flatMap(complaints).filter((line) => !/lease lost|raised|torn/.test(line)),
      ],
      findings,
      figures: { 'late successes refused': torn.size },
    }
  },
}
