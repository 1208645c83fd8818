import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import { type Scenario, unless } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { complaints } from '../stage/processes.js'
import { callsOf } from './kill.js'

const LEASE = 2
/** Leases that everything stands still. */
const LEASES = 1.75

export const suspend: Scenario = {
  name: 'T6m',
  what: 'the whole machine, its broker and all its workers, stands still for longer than a lease',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 200, faults: 3 },
  async play(stage, { tasks, faults }) {
    const random = stage.random('suspend')
    const names = ['first', 'second', 'third']
    const workers = await Promise.all(names.map((name) => stage.worker(name, { lease: LEASE })))
    const calls = callsOf(tasks, 'system.sleep', [300])
    await stage.send(calls)
    const server = stage.stand.kind === 'redis' ? [stage.redis.server.pid] : []
    for (let fault = 0; fault < faults; fault++) {
      await eventually(() => stage.ledger.done >= (tasks * (fault + 0.5)) / (faults + 1), 60)
      // All at once, in any order; and in another one they go on, so that each may be the first to look for the others.
      for (const pid of server) process.kill(pid, 'SIGSTOP')
      for (const worker of shuffled(workers, random)) stage.freeze(worker)
      await sleep(LEASES * LEASE * 1000)
      for (const pid of server) process.kill(pid, 'SIGCONT')
      for (const worker of shuffled(workers, random)) stage.thaw(worker)
      stage.progress(`stood still ${fault + 1} of ${faults}, ${stage.ledger.done} of ${tasks} done`)
    }
    const ids = calls.map(({ id }) => id)
    await stage.allFinal(ids)
    const findings = await stage.findings(ids, workers)
    return {
      broken: [
        ...violations(findings),
        ...unless(findings.restarts === 0, `started again: ${findings.restarts}`),
        ...workers.flatMap(complaints),
      ],
      findings,
      figures: {},
    }
  },
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
