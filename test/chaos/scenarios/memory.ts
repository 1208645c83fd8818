import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import { type Scenario, unless } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { startLoad } from '../stage/load.js'
import { complaints } from '../stage/processes.js'
import { resumptions } from './outage.js'

const LEASE = 2
const LEASES = 3
/** Seconds after the end of the shortage in which work must go on. */
const RESUMES = 5

export const memory: Scenario = {
  name: 'T9',
  what: 'Redis has no memory left for three leases, while tasks are sent and worked off',
  brokers: ['redis'],
  usual: { tasks: 400, faults: 1 },
  async play(stage, { tasks, faults }) {
    const workers = await Promise.all([stage.worker('first', { lease: LEASE }), stage.worker('second', { lease: LEASE })])
    // Slower than they are sent, so that there is something to work off when nothing more can be sent.
    const load = startLoad(stage, { ahead: 200, call: (id) => ({ id, task: 'system.sleep', args: [150] }) })
    const limit = (bytes: number) => stage.redis.ask(async (client) => void (await client.config('SET', 'maxmemory', bytes)))
    let meanwhile = 0
    for (let fault = 0; fault < faults; fault++) {
      const from = stage.ledger.done
      await eventually(() => stage.ledger.done >= from + tasks / faults / 2, 60)
      await eventually(() => stage.accepted().length - stage.ledger.done >= 100, 60)
      await stage.fault('broker', 0, async () => {
        const before = stage.ledger.done
        await limit(1)
        await sleep(LEASES * LEASE * 1000)
        meanwhile += stage.ledger.done - before
        await limit(0)
      })
      stage.progress(`shortage ${fault + 1} of ${faults}, ${stage.ledger.done} done`)
    }
    const back = stage.ledger.done
    await eventually(() => stage.ledger.done >= back + tasks / 2, 60)
    await load.end()
    await stage.allFinal(stage.accepted())
    const findings = await stage.findings(load.ids, workers)
    const refusals = new Set(stage.ledger.lines().flatMap((line) => (line.kind === 'X' ? [line.error] : [])))
    const unclear = [...refusals].filter((error) => !/refused: OOM command not allowed/.test(error))
    const pause = Math.max(...resumptions(stage.ledger.lines()))
    return {
      broken: [
        ...violations(findings),
        ...unless(findings.restarts === 0, `started again: ${findings.restarts}`),
        ...unless(findings.refused > 0, 'nobody was refused: there was no shortage'),
        ...unless(unclear.length === 0, `told to who sent: ${unclear.join(' | ')}`),
        ...unless(meanwhile > 0, 'what was accepted was not worked off meanwhile, though that frees memory'),
        ...unless(pause <= RESUMES, `goes on only after ${pause.toFixed(1)} s`),
        ...workers.flatMap(complaints),
      ],
      findings,
      figures: { 'done meanwhile': meanwhile, 'goes on after at most': `${pause.toFixed(2)} s` },
    }
  },
}
