import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../peers/peer.js'
import { type Scenario, unless } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { CONCURRENCY, callsOf, underFire } from './kill.js'

export const retries: Scenario = {
  name: 'T19r',
  what: 'workers are killed while tasks ask to be run again',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 300, faults: 5 },
  async play(stage, { tasks, faults, lease }) {
    const { findings, complaining } = await underFire(stage, callsOf(tasks, 'system.retry', [30, 2]), { faults, lease })
    const most = CONCURRENCY * faults
    return {
      broken: [
        ...violations(findings),
        ...unless(
          findings.attempts.length === 3 && findings.attempts.every((count) => count === tasks),
          `started at each attempt: ${findings.attempts.join(', ')} of ${tasks}`,
        ),
        ...unless(findings.restarts <= most, `started again: ${findings.restarts}, more than ${most}`),
        ...complaining,
      ],
      findings,
      figures: {},
    }
  },
}

/** Seconds of the tasks that are revoked, or expire, before they may start. */
const LATER = 4
/** Starts of the limited task in a second, over all workers. */
const RATE = 20

export const followUps: Scenario = {
  name: 'T19',
  what: 'workers are killed while tasks are retried, linked, limited, revoked and expire',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 500, faults: 5 },
  async play(stage, { tasks, faults, lease }) {
    const calls = Array.from({ length: tasks }, (_, at) => mixed(at))
    const revoked = calls.filter(({ id }) => id.startsWith('revoked')).map(({ id }) => id)
    const intended = new Map(calls.filter(({ id }) => /^(revoked|expired)/.test(id)).map(({ id }) => [id, 'REVOKED']))
    const told = new Set<string>()
    const revoke = async (ends: AbortSignal) => {
      while (told.size < revoked.length && !ends.aborted) {
        const fresh = stage.accepted().filter((id) => id.startsWith('revoked') && !told.has(id))
        if (fresh.length > 0) await stage.app.revoke(fresh)
        for (const id of fresh) told.add(id)
        await sleep(100)
      }
    }
    const { findings, complaining } = await underFire(stage, calls, { faults, lease }, { intended, meanwhile: revoke })

    const starts = stage.ledger.lines().flatMap((line) => (line.kind === 'S' ? [line] : []))
    const never = starts.filter(({ id }) => intended.has(id))
    const again = calls.filter(({ task }) => task === 'system.retry').length
    const limited = starts.filter(({ id }) => id.startsWith('limited')).map(({ at }) => at)
    const linked = new Set(starts.filter(({ id }) => id.endsWith('-after')).map(({ id }) => id))
    return {
      broken: [
        ...violations(findings),
        ...unless(told.size > 0, 'nothing was revoked'),
        ...unless(never.length === 0, `revoked or expired, and started: ${never.map(({ id }) => id).join(', ')}`),
        ...unless(findings.attempts[1] === again, `second attempts: ${findings.attempts[1]} of ${again}`),
        ...unless(busiest(limited) <= RATE + 2 + CONCURRENCY * 2, `limited to ${RATE} a second, and ${busiest(limited)} started in one`),
        ...complaining,
      ],
      findings,
      figures: { linked: linked.size, 'revoked or expired': intended.size, 'limited starts in a second': busiest(limited) },
    }
  },
}

function mixed(at: number): Call {
  switch (at % 10) {
    case 0:
      return { id: `revoked${at}`, task: 'system.sleep', args: [30], countdown: LATER }
    case 1:
      return { id: `expired${at}`, task: 'system.sleep', args: [30], countdown: LATER, expires: 1 }
    case 2:
    case 3:
      return { id: `retried${at}`, task: 'system.retry', args: [30, 1] }
    case 4:
    case 5:
      return { id: `limited${at}`, task: 'system.limited', args: [] }
    case 6:
    case 7:
      return { id: `linked${at}`, task: 'system.sleep', args: [30], link: `linked${at}-after` }
    case 8:
      return { id: `later${at}`, task: 'system.sleep', args: [30], countdown: 1 }
    default:
      return { id: `plain${at}`, task: 'system.sleep', args: [50] }
  }
}

/** The most of these moments (milliseconds) that lie within one second. */
function busiest(moments: readonly number[]): number {
  const sorted = [...moments].sort((a, b) => a - b)
  let most = 0
  let first = 0
  for (const [index, at] of sorted.entries()) {
    while (at - (sorted[first] ?? at) >= 1000) first++
    most = Math.max(most, index - first + 1)
  }
  return most
}
