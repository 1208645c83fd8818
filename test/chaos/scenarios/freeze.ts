import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import type { Call } from '../peers/peer.js'
import { type Scenario, unless } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { complaints, type GroupProcess } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'

/** Puts one of the two workers out of action until its lease is long gone, and gives it back. */
export type Absence = (worker: GroupProcess, during: () => Promise<void>) => Promise<void>

export const freeze: Scenario = {
  name: 'T6',
  what: 'a worker is frozen for longer than its lease, wakes up, and wants to store what it had',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 8, faults: 2 },
  async play(stage, scale) {
    const options = { lease: scale.lease ?? 2 }
    const workers = await Promise.all([stage.worker('first', options), stage.worker('second', options)])
    return playAbsences(stage, scale.faults, workers, async (worker, during) => {
      await freezeOutsideTransactions(stage, worker)
      await during()
      stage.thaw(worker)
    })
  },
}

/** What its successor stored stays, what follows is sent once, and it goes on with new tasks. */
export async function playAbsences(stage: Stage, rounds: number, workers: readonly [GroupProcess, GroupProcess], absence: Absence) {
  const ids: string[] = []
  const strangers: string[] = []
  let late = 0
  for (let round = 0; round < rounds; round++) {
    const [gone, other] = round % 2 === 0 ? workers : ([workers[1], workers[0]] as const)
    ids.push(...(await sendEight(stage, `a${round}-`)))
    await eventually(() => stage.ledger.running(gone.pid).size === 4)
    const held = [...stage.ledger.running(gone.pid)]
    const losses = lossesOf(gone)
    await absence(gone, () => stage.allFinal(ids))
    await eventually(() => lossesOf(gone) > losses, 20)
    await eventually(() => stage.ledger.running(gone.pid).size === 0)
    const final = await stage.client.finals(held)
    strangers.push(...held.filter((id) => final.get(id)?.pid !== other.pid))
    late += held.length

    ids.push(...(await sendUntilTaken(stage, gone, `b${round}`)))
    await stage.allFinal(ids)
    stage.progress(`round ${round + 1} of ${rounds}`)
  }
  const findings = await stage.findings(ids, workers)
  return {
    broken: [
      ...violations(findings),
      ...unless(findings.restarts === late, `started again: ${findings.restarts}, though ${late} were held`),
      ...unless(findings.doneTwice === late, `done twice: ${findings.doneTwice}, though ${late} were held`),
      ...unless(strangers.length === 0, `not the successor's result: ${strangers.join(', ')}`),
      ...workers.flatMap(complaints).filter((line) => !line.includes('lease lost')),
    ],
    findings,
    figures: { 'late results refused': late },
  }
}

/** Eight new ones, and eight more, until it takes some of them: the other one may be quicker while it comes back. Returns their ids. */
async function sendUntilTaken(stage: Stage, worker: GroupProcess, prefix: string): Promise<readonly string[]> {
  const ids: string[] = []
  for (let batch = 0; batch < 5; batch++) {
    ids.push(...(await sendEight(stage, `${prefix}.${batch}-`)))
    const takes = () => ids.some((id) => stage.ledger.running(worker.pid).has(id))
    if (await eventually(takes, 5).catch(() => false)) return ids
  }
  throw new Error(`${worker.name} takes nothing any more`)
}

export function lossesOf({ output }: GroupProcess): number {
  return output.split('lease lost').length
}

/** Returns their ids, and those of what they send when they are done. */
async function sendEight(stage: Stage, prefix: string): Promise<readonly string[]> {
  const calls = Array.from({ length: 8 }, (_, at): Call => {
    return { id: `${prefix}${at}`, task: 'system.sleep', args: [1000], link: `${prefix}${at}-after` }
  })
  await stage.send(calls)
  return calls.flatMap(({ id, link = '' }) => [id, link])
}

/** Stopped in the middle of a transaction, a process keeps SQLite's lock for as long as it sleeps: then nobody could take over. */
export async function freezeOutsideTransactions(stage: Stage, worker: GroupProcess): Promise<void> {
  for (;;) {
    worker.signal('SIGSTOP')
    if (await stage.stand.isWritable()) break
    worker.signal('SIGCONT')
    await sleep(10) // the lock may be ours
  }
  stage.freeze(worker)
}
