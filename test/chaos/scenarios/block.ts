import { eventually } from '../../eventually.js'
import { type Scenario, unless } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { complaints } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'
import { callsOf } from './kill.js'

const LEASE = 2
/** Leases that a task holds up its process. */
const LEASES = 10
/** Tasks that block at the same time, at most. */
const AT_ONCE = 6
const SHORT = 40

export const block: Scenario = {
  name: 'T7',
  what: 'tasks hold up the event loop of their process for ten leases, while others wait to take over',
  brokers: ['redis', 'sqlite'],
  peers: true,
  usual: { tasks: 24, faults: 0 },
  async play(stage, { tasks }) {
    const atOnce = Math.min(AT_ONCE, tasks)
    // One slot each, where many block: else one worker takes several of them, and they block it one after the other.
    const options = { lease: LEASE, concurrency: atOnce === 1 ? 4 : 1 }
    const workers = await Promise.all(Array.from({ length: atOnce + 1 }, (_, at) => stage.worker(`worker-${at}`, options)))
    const blocking = Array.from({ length: tasks }, (_, at) => `block${at}`)
    const lanes = Promise.all(Array.from({ length: atOnce }, (_, lane) => blockOneByOne(stage, blocking, lane, atOnce)))

    await eventually(() => workers.some(({ pid }) => stage.ledger.running(pid).size > 0), 20)
    const short = callsOf(SHORT, 'system.sleep', [20])
    await stage.send(short)
    const before = Math.max(1, SHORT - 10 * atOnce) // a blocked worker keeps what it has taken
    await eventually(() => short.filter(({ id }) => stage.ledger.hasEnded(id)).length >= before, LEASES * LEASE)
    const goesOn = !blocking.some((id) => stage.ledger.hasEnded(id))

    await lanes
    const ids = [...blocking, ...short.map(({ id }) => id)]
    await stage.allFinal(ids)
    const findings = await stage.findings(ids, workers)
    const finals = await stage.client.finals(blocking)
    const right = blocking.filter((id) => finals.get(id)?.state === 'SUCCESS').length
    return {
      broken: [
        ...violations(findings),
        ...unless(findings.restarts === 0, `started again: ${findings.restarts}`),
        ...unless(goesOn, 'others did not go on while one was blocked'),
        ...(stage.peer.registers ? workers.flatMap(complaints) : []),
      ],
      findings,
      figures: { 'state right': `${right} of ${tasks}` },
    }
  },
}

/** Every `step`th of them from `from` on, each when the one before has ended. */
async function blockOneByOne(stage: Stage, ids: readonly string[], from: number, step: number): Promise<void> {
  for (let at = from; at < ids.length; at += step) {
    const id = ids[at] ?? ''
    await stage.send([{ id, task: 'system.block', args: [LEASES * LEASE * 1000] }])
    await eventually(() => stage.ledger.hasEnded(id), 20 * LEASES * LEASE)
    stage.progress(`${stage.ledger.done} of ${ids.length + SHORT} done`)
  }
}
