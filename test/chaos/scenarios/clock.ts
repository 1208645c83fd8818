import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import { findFaketime } from '../../setup/tools.js'
import type { Call } from '../peers/peer.js'
import { type Scenario, unless } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { monotonic } from '../stage/ledger.js'
import { complaints } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'

const DAY = 86_400
/** Seconds. */
const LEASE = 2
const COUNTDOWN = 3
/** Seconds that a task may start beside its time, by a clock that is right. */
const OFF = 1

/** Seconds that one clock for all, on SQLite, is beside the right time: not a day, after which results are forgotten. */
const BESIDE = 72_000
/** Seconds from the moment that a clock is right again in which what was due meanwhile starts: two rounds of housekeeping. */
const RIGHT_AGAIN = 2 * (LEASE / 3) * 1.25 + 0.5

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

/** One machine, one clock: that of all its processes jumps, and is set right again. Leases must not see it. */
export const clockOfAll: Scenario = {
  name: 'T13s',
  what: 'the wall clock of all workers on one file jumps by hours, either way, and back, while tasks run and wait for their time',
  brokers: ['sqlite'],
  usual: { tasks: 100, faults: 4 },
  async play(stage, { tasks, faults }) {
    const wall = fakeClock(stage, 'all', 0)
    const options = { lease: LEASE, env: wall.env }
    const workers = await Promise.all([stage.worker('first', options), stage.worker('second', options)])
    const ids: string[] = []
    const off: number[] = []
    for (let fault = 0; fault < faults; fault++) {
      const back = fault % 2 === 0 // ahead, what waits is due by every clock there is
      const calls = Array.from({ length: Math.ceil(tasks / faults) }, (_, at): Call => {
        if (back && at % 4 === 0) return { id: `t${fault}-${at}-later`, task: 'system.sleep', args: [20], countdown: COUNTDOWN }
        return { id: `t${fault}-${at}`, task: 'system.sleep', args: [at < 6 ? LEASE * 1500 : 100] }
      })
      ids.push(...calls.map(({ id }) => id))
      const sent = monotonic()
      await stage.send(calls)
      await eventually(() => workers.every(({ pid }) => stage.ledger.running(pid).size > 0), 20)
      wall.jump(back ? -BESIDE : BESIDE)
      await sleep((LEASE + 1.5) * 1000)
      const early = startsOf(stage, `t${fault}-`).filter((at) => at < sent + COUNTDOWN * 1000)
      if (early.length > 0) off.push((Math.min(...early) - sent) / 1000 - COUNTDOWN)
      wall.jump(0)
      const right = monotonic()
      await stage.allFinal(calls.map(({ id }) => id))
      off.push(...startsOf(stage, `t${fault}-`).map((at) => Math.max(0, at - right) / 1000))
      stage.progress(`jump ${fault + 1} of ${faults}`)
    }
    const findings = await stage.findings(ids, workers)
    const earliest = Math.min(...off)
    const latest = Math.max(...off)
    return {
      broken: [
        ...violations(findings),
        ...unless(findings.restarts === 0, `started again: ${findings.restarts}`),
        ...unless(earliest >= -OFF, `a task started ${-earliest} s before its time`),
        ...unless(latest <= RIGHT_AGAIN, `a task started ${latest.toFixed(2)} s after the clock was right again`),
        ...workers.flatMap(complaints),
      ],
      findings,
      figures: { 'started after the clock was right by at most': `${latest.toFixed(2)} s` },
    }
  },
}

/** When tasks with a countdown started whose ids begin so. */
function startsOf(stage: Stage, prefix: string): readonly number[] {
  return stage.ledger.lines().flatMap((line) => {
    return line.kind === 'S' && line.id.startsWith(prefix) && line.id.endsWith('-later') ? [line.at] : []
  })
}

/** Environment of a process with a wall clock of its own. `jump` sets it to so many seconds beside the right time. */
export function fakeClock(stage: Stage, name: string, offset: number) {
  const { path, missing } = findFaketime()
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
