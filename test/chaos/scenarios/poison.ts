import { eventually } from '../../eventually.js'
import type { Call } from '../peers/peer.js'
import { type Scenario, unless } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import type { Stage } from '../stage/stage.js'
import { Supervised } from '../stage/supervised.js'
import { freezeOutsideTransactions } from './freeze.js'

const POISON = ['system.exit', 'system.abort', 'system.kill']
const LENGTHS = [0, 5, 20, 100]
const OPTIONS = { lease: 1, concurrency: 4 }
/** Starts of a task that takes its process down, at most: the last time alone. */
const STARTS = 3

export const poison: Scenario = {
  name: 'T3',
  what: 'tasks take their process down (exit, abort, SIGKILL), among good ones; workers are started again whenever they die',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 500, faults: 3 },
  async play(stage, { tasks, faults }) {
    const calls: Call[] = Array.from({ length: tasks }, (_, at) => ({
      id: `good${at}`,
      task: 'system.sleep',
      args: [LENGTHS[at % LENGTHS.length]],
    }))
    const bad = Array.from({ length: faults }, (_, at): Call => ({ id: `poison${at}`, task: POISON[at % POISON.length] ?? '', args: [] }))
    for (const [at, call] of bad.entries()) calls.splice(Math.floor(((at + 0.5) * tasks) / faults) + at, 0, call)
    await stage.send(calls)
    const fleet = ['first', 'second'].map((name) => new Supervised(stage, name, OPTIONS))
    const ids = calls.map(({ id }) => id)
    await stage.allFinal(ids, 60 + 20 * faults)
    await eventually(async () => (await stage.counts()).leased === 0, 30) // a dead worker may still be found with what was done elsewhere
    const workers = fleet.map((each) => each.leave())

    const reasons = await dropDead(stage)
    const intended = new Map(bad.map(({ id }) => [id, 'FAILURE']))
    const findings = await stage.findings(ids, workers, intended)
    const deaths = fleet.reduce((sum, each) => sum + each.deaths, 0)
    const starts = stage.ledger.lines().flatMap((line) => (line.kind === 'S' ? [line.id] : []))
    const often = bad.filter(({ id }) => starts.filter((one) => one === id).length > STARTS).map(({ id }) => id)
    const again = findings.restarted.filter((id) => !intended.has(id)).length
    const most = OPTIONS.concurrency * deaths
    return {
      broken: [
        ...violations(findings),
        ...unless(findings.errors.join() === (faults > 0 ? 'WorkerLostError' : ''), `errors: ${findings.errors.join(', ')}`),
        ...unless(reasons.length === faults, `dead letters: ${reasons.length} of ${faults}`),
        ...unless(
          reasons.every((reason) => reason === 'delivery-limit'),
          `dead letters for another reason: ${reasons.join(', ')}`,
        ),
        ...unless(often.length === 0, `started more than ${STARTS} times: ${often.join(', ')}`),
        ...unless(deaths <= STARTS * faults, `${deaths} deaths`),
        ...unless(again <= most, `good ones started again: ${again}, more than ${most}`),
      ],
      findings,
      figures: { deaths, 'good ones started again': again, 'condemned wrongly': findings.failed.length },
    }
  },
}

/** A suspect that is innocent: killed twice from outside, and frozen for longer than the lease when it runs alone. */
export const suspect: Scenario = {
  name: 'T3f',
  what: 'a task has lost two workers to SIGKILL from outside; the third, in which it runs alone, is frozen for longer than its lease',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 1, faults: 3 },
  async play(stage) {
    await stage.send([{ id: 'unlucky', task: 'system.sleep', args: [2_000] }])
    const first = new Supervised(stage, 'first', OPTIONS)
    const runs = () => eventually(() => stage.ledger.running(first.worker.pid).has('unlucky'), 30)
    for (let death = 0; death < 2; death++) {
      await runs()
      await first.kill()
    }
    await runs()
    const alone = first.leave()
    await freezeOutsideTransactions(stage, alone)
    const second = await stage.worker('second', OPTIONS)
    await stage.allFinal(['unlucky'])
    stage.thaw(alone)
    await eventually(() => alone.output.includes('lease lost'))
    await eventually(() => stage.ledger.running(alone.pid).size === 0)
    const reasons = await dropDead(stage)
    const findings = await stage.findings(['unlucky'], [alone, second])
    const final = (await stage.client.finals(['unlucky'])).get('unlucky')
    return {
      broken: [
        ...violations(findings),
        ...unless(alone.output.includes('runs alone'), 'it did not run alone'),
        ...unless(reasons.length === 0, `dead letters: ${reasons.join(', ')}`),
        ...unless(final?.pid === second.pid, "not the successor's result"),
      ],
      findings,
      figures: {},
    }
  },
}

/** Takes all dead letters away, so that nothing is left behind; returns their reasons. */
async function dropDead(stage: Stage): Promise<readonly string[]> {
  const { queues } = await stage.app.broker()
  const letters = await queues.dead('celery', 0, 1_000)
  await queues.dropDead(
    'celery',
    letters.map(({ id }) => id),
  )
  return letters.map(({ reason }) => reason)
}
