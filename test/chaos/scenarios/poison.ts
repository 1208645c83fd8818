import { eventually } from '../../eventually.js'
import type { Call } from '../peers/peer.js'
import { type Scenario, unless } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import type { Stage } from '../stage/stage.js'
import { Supervised } from '../stage/supervised.js'
import { freezeOutsideTransactions } from './freeze.js'
import { callsOf } from './kill.js'

const POISON = ['system.exit', 'system.abort', 'system.kill']
/** Milliseconds. Shorter ones than 20 leave their slot before they are stored: then more of them start again than there are slots. */
const LENGTHS = [0, 5, 20, 100]
const COUNTED_LENGTHS = [20, 50, 100]
const OPTIONS = { lease: 1, concurrency: 4 }
/** Starts of a task that takes its process down, at most: the last time alone. */
const STARTS = 3

export const poison: Scenario = {
  name: 'T3',
  what: 'tasks take their process down (exit, abort, SIGKILL), among good ones; workers are started again whenever they die',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 500, faults: 3 },
  async play(stage, { tasks, faults, lease = OPTIONS.lease }) {
    const bad = Array.from({ length: faults }, (_, at): Call => ({ id: `poison${at}`, task: POISON[at % POISON.length] ?? '', args: [] }))
    const calls = amongGood(tasks, bad)
    await stage.send(calls)
    const fleet = ['first', 'second'].map((name) => new Supervised(stage, name, { ...OPTIONS, lease }))
    const ids = calls.map(({ id }) => id)
    await stage.allFinal(ids, 60 + 20 * lease * faults)
    await eventually(async () => (await stage.counts()).leased === 0, 30) // a dead worker may still be found with what was done elsewhere
    const workers = await Promise.all(fleet.map((each) => each.leave()))

    const reasons = await dropDead(stage)
    const intended = new Map(bad.map(({ id }) => [id, 'FAILURE']))
    const findings = await stage.findings(ids, workers, intended)
    const deaths = fleet.reduce((sum, each) => sum + each.ends.length, 0)
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

/** Evenly spread over `count` short ones. */
function amongGood(count: number, bad: readonly Call[], lengths = LENGTHS): readonly Call[] {
  const calls = Array.from({ length: count }, (_, at): Call => {
    return { id: `good${at}`, task: 'system.sleep', args: [lengths[at % lengths.length]] }
  })
  for (const [at, call] of bad.entries()) calls.splice(Math.floor(((at + 0.5) * count) / bad.length) + at, 0, call)
  return calls
}

/** Seconds: the hard limit of the task that never lets go, and how much longer it may take until its process has ended. */
const LIMIT = 1
const BEYOND = 2

export const overrun: Scenario = {
  name: 'T7h',
  what: 'tasks never let go of the event loop, beyond a hard time limit, among good ones; workers are started again',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 200, faults: 8 },
  async play(stage, { tasks, faults }) {
    const bad = callsOf(faults, 'system.endless', []).map((call): Call => ({ ...call, id: `endless-${call.id}` }))
    const calls = amongGood(tasks, bad, COUNTED_LENGTHS)
    await stage.send(calls)
    const fleet = ['first', 'second'].map((name) => new Supervised(stage, name, OPTIONS))
    const ids = calls.map(({ id }) => id)
    await stage.allFinal(ids, 60 + 20 * faults)
    await eventually(() => fleet.reduce((sum, { ends }) => sum + ends.length, 0) >= faults)
    const findings = await stage.findings(
      ids,
      await Promise.all(fleet.map((each) => each.leave())),
      new Map(bad.map(({ id }) => [id, 'FAILURE'])),
    )
    const codes = fleet.flatMap(({ ends }) => ends.map(({ code, signal }) => signal ?? code))
    const twice = findings.restarted.filter((id) => id.startsWith('endless'))
    const most = (OPTIONS.concurrency - 1) * faults
    const spans = spansUntilDeath(stage)
    const longest = Math.max(...spans)
    return {
      broken: [
        ...violations(findings),
        ...unless(findings.errors.join() === 'TimeLimitExceeded', `errors: ${findings.errors.join(', ')}`),
        ...unless(codes.length === faults && codes.every((code) => code === 70), `ended with ${codes.join(', ')}`),
        ...unless(twice.length === 0, `run twice: ${twice.join(', ')}`),
        ...unless(findings.restarts <= most, `started again: ${findings.restarts}, more than ${most}`),
        ...unless(longest <= LIMIT + BEYOND, `ended only ${longest.toFixed(2)} s after the start`),
      ],
      findings,
      figures: { 'from its start to the end of its process at most': `${longest.toFixed(2)} s, limit ${LIMIT} s` },
    }
  },
}

/** Seconds from when a process was blocked for good until it had ended, each. */
function spansUntilDeath(stage: Stage): readonly number[] {
  const lines = stage.ledger.lines()
  const deaths = new Map(lines.flatMap((line) => (line.kind === 'K' && line.fault === 'kill' ? [[line.pid, line.at] as const] : [])))
  return lines.flatMap((line) =>
    line.kind === 'K' && line.fault === 'stop' ? [((deaths.get(line.pid) ?? Number.POSITIVE_INFINITY) - line.at) / 1000] : [],
  )
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
    const alone = await first.leave()
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
export async function dropDead(stage: Stage): Promise<readonly string[]> {
  const { queues } = await stage.app.broker()
  const letters = await queues.dead('celery', 0, 1_000)
  await queues.dropDead(
    'celery',
    letters.map(({ id }) => id),
  )
  return letters.map(({ reason }) => reason)
}
