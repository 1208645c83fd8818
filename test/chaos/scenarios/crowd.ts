import { type Scenario, unless } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import type { Line } from '../stage/ledger.js'
import { complaints } from '../stage/processes.js'
import { callsOf } from './kill.js'
import { startsIn } from './stops.js'

const LEASE = 10
/** Connections of a worker on Redis: its steps, its keeper, one to wait, results and their news. */
const MOST_CONNECTIONS = 6

export const crowd: Scenario = {
  name: 'T12',
  what: 'many workers start at once, all serve, and stop at once',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 2_000, faults: 50 },
  async play(stage, { tasks, faults }) {
    const began = performance.now()
    const workers = await Promise.all(
      Array.from({ length: faults }, (_, at) => stage.worker(`worker-${at}`, { concurrency: 2, lease: LEASE })),
    )
    const ready = (performance.now() - began) / 1000
    stage.progress(`${faults} workers are ready after ${ready.toFixed(1)} s`)
    const connections =
      stage.stand.kind === 'redis'
        ? await stage.redis.ask(async (client) => ((await client.client('LIST')) as string).trim().split('\n').length)
        : 0
    const calls = callsOf(tasks, 'system.sleep', [200])
    await stage.send(calls)
    const ids = calls.map(({ id }) => id)
    await stage.allFinal(ids, 120)
    const idle = workers.filter((worker) => startsIn(stage, worker) === 0).length
    const findings = await stage.findings(ids, workers)
    return {
      broken: [
        ...violations(findings),
        ...unless(findings.restarts === 0, `started again: ${findings.restarts}`),
        ...unless(idle === 0, `${idle} workers got nothing to do`),
        ...unless(connections <= faults * MOST_CONNECTIONS + 10, `${connections} connections`),
        ...workers.flatMap(complaints),
      ],
      findings,
      figures: { 'all ready after': `${ready.toFixed(1)} s`, connections, ...refusals(stage.ledger.lines()) },
    }
  },
}

/** Why sends failed, if any did. */
function refusals(lines: readonly Line[]): Readonly<Record<string, string>> {
  const errors = new Set(lines.flatMap((line) => (line.kind === 'X' ? [line.error.replace(/\S*\[\S*\]/, '…')] : [])))
  return errors.size === 0 ? {} : { 'refused because': [...errors].slice(0, 3).join(' / ') }
}
