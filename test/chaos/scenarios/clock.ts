import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../../eventually.js'
import { findTools } from '../../setup/tools.js'
import type { Call } from '../peers/peer.js'
import { type Scenario, unless } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { complaints } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'

const DAY = 86_400
/** Seconds. */
const LEASE = 2
const COUNTDOWN = 3
/** Seconds that a task may start beside its time, by a clock that is right. */
const OFF = 1

export const clock: Scenario = {
  name: 'T13',
  what: 'the wall clocks of two workers are a day ahead and a day behind, and jump, while tasks wait for their time',
  brokers: ['redis'],
  usual: { tasks: 200, faults: 4 },
  async play(stage, { tasks, faults }) {
    const clocks = [fakeClock(stage, 'ahead', DAY), fakeClock(stage, 'behind', -DAY)] as const
    const workers = await Promise.all([
      stage.worker('ahead', { lease: LEASE, env: clocks[0].env }),
      stage.worker('behind', { lease: LEASE, env: clocks[1].env }),
    ])
    const ids: string[] = []
    for (let fault = 0; fault < faults; fault++) {
      const calls = Array.from({ length: Math.ceil(tasks / faults) }, (_, at): Call => {
        const id = `t${fault}-${at}`
        if (at % 4 === 0) return { id: `${id}-later`, task: 'system.sleep', args: [20], countdown: COUNTDOWN }
        return { id, task: 'system.sleep', args: [100], ...(at % 4 === 1 ? { expires: 600 } : {}) }
      })
      ids.push(...calls.map(({ id }) => id))
      await stage.send(calls)
      await eventually(() => workers.some(({ pid }) => stage.ledger.running(pid).size > 0), 20)
      clocks[fault % 2 === 0 ? 0 : 1].jump(fault % 4 < 2 ? -DAY : DAY)
      await stage.allFinal(calls.map(({ id }) => id))
      stage.progress(`jump ${fault + 1} of ${faults}`)
    }
    const findings = await stage.findings(ids, workers)
    const off = lateness(stage)
    const worst = Math.max(...off.map(Math.abs))
    return {
      broken: [
        ...violations(findings),
        ...unless(findings.restarts === 0, `started again: ${findings.restarts}`),
        ...unless(worst <= OFF, `a task started ${worst.toFixed(2)} s beside its time`),
        ...workers.flatMap(complaints),
      ],
      findings,
      figures: { 'started beside its time by at most': `${worst.toFixed(2)} s` },
    }
  },
}

/** Environment of a process with a wall clock of its own. `jump` sets it to so many seconds beside the right time. */
function fakeClock(stage: Stage, name: string, offset: number) {
  const { path, missing } = findTools().faketime
  if (path === undefined) throw new Error(missing)
  const file = join(stage.folder, `clock-${name}`)
  const jump = (seconds: number) => writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}`)
  jump(offset)
  const env = { LD_PRELOAD: path, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
  return { env, jump }
}

/** Seconds between when each task with a countdown was to start and when it did. */
function lateness(stage: Stage): readonly number[] {
  const lines = stage.ledger.lines()
  const sent = new Map(lines.flatMap((line) => (line.kind === 'A' ? [[line.id, line.at] as const] : [])))
  return lines.flatMap((line) => {
    if (line.kind !== 'S' || !line.id.endsWith('-later')) return []
    return [(line.at - (sent.get(line.id) ?? line.at)) / 1000 - COUNTDOWN]
  })
}
