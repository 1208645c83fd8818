import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import { type Scale, type Scenario, unless, type Verdict } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import type { Line } from '../stage/ledger.js'
import { startLoad } from '../stage/load.js'
import { complaints, type GroupProcess } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'
import { lossPerFault } from './kill.js'

const LEASE = 2
/** Seconds; every third one is longer than the lease. */
const SPANS = [0.2, 0.7, LEASE + 1] as const
/** Seconds after the end of an outage in which work must go on: the longest pause between two tries to connect is 2 s. */
const RESUMES = 3

export const outage: Scenario = {
  name: 'T4',
  what: 'the broker is killed, stopped in order, or locked, under load, and comes back',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 600, faults: 3 },
  async play(stage, scale) {
    const workers = await Promise.all([stage.worker('first', { lease: LEASE }), stage.worker('second', { lease: LEASE })])
    return underLoad(stage, scale, workers, 'outage', (fault) =>
      stage.away(() => sleep((SPANS[fault % SPANS.length] ?? 1) * 1000), fault % 2 === 0 ? 'kill' : 'term'),
    )
  },
}

/**
 * A steady load on `workers`, and one trouble after the other, none of which costs a worker: so nothing is lost, and nothing starts again.
 *
 * @param resumes seconds after a trouble in which work must go on
 */
export async function underLoad(
  stage: Stage,
  scale: Scale,
  workers: readonly GroupProcess[],
  what: string,
  trouble: (fault: number) => Promise<unknown>,
  resumes = RESUMES,
): Promise<Verdict> {
  const load = startLoad(stage)
  const between = scale.tasks / scale.faults
  const someAreDone = async () => {
    const from = stage.ledger.done
    await eventually(() => stage.ledger.done >= from + between, 60)
  }
  for (let fault = 0; fault < scale.faults; fault++) {
    await someAreDone()
    await trouble(fault)
    stage.progress(`${what} ${fault + 1} of ${scale.faults}, ${stage.ledger.done} done`)
  }
  await someAreDone()
  await load.end()
  await stage.allFinal(stage.accepted())
  const findings = await stage.findings(load.ids, workers)
  const pause = Math.max(...resumptions(stage.ledger.lines()))
  return {
    broken: [
      ...violations(findings),
      ...unless(findings.restarts === 0, `started again: ${findings.restarts}`),
      ...unless(pause <= resumes, `goes on only after ${pause.toFixed(1)} s`),
      ...workers.flatMap(complaints),
    ],
    findings,
    figures: { 'goes on after at most': `${pause.toFixed(2)} s`, ...lossPerFault(scale, findings.lost.length) },
  }
}

/** Seconds from the end of each fault to the next start of a task. */
export function resumptions(ledger: readonly Line[]): readonly number[] {
  return ledger.flatMap((line, index) => {
    if (line.kind !== 'U') return []
    const next = ledger.slice(index).find((later) => later.kind === 'S' && later.at > line.at)
    return next === undefined ? [] : [(next.at - line.at) / 1000]
  })
}
