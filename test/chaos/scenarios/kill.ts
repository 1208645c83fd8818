import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import type { Call } from '../peers/peer.js'
import { type Scale, type Scenario, unless, type Verdict } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { complaints, type GroupProcess } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'

export const CONCURRENCY = 5

export const kill: Scenario = {
  name: 'T1',
  what: 'workers are killed while they run tasks of 50 ms',
  brokers: ['redis', 'sqlite'],
  peers: true,
  usual: { tasks: 2_000, faults: 10 },
  play: (stage, scale) => playKills(stage, scale, 50),
}

/** The moment that costs most: an outcome may be on its way. */
export const aimedKill: Scenario = {
  name: 'T1a',
  what: 'workers are killed right after a task has ended in them',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 2_000, faults: 10 },
  play: (stage, scale) => playKills(stage, scale, 0),
}

async function playKills(stage: Stage, scale: Scale, withinMs: number): Promise<Verdict> {
  const calls = callsOf(scale.tasks, 'system.sleep', [50])
  const { findings, complaining } = await underFire(stage, calls, scale, { withinMs })
  const most = CONCURRENCY * scale.faults
  return {
    broken: [
      ...violations(findings),
      ...unless(findings.restarts <= most, `started again: ${findings.restarts}, more than ${most}`),
      ...complaining,
    ],
    findings,
    figures: { ...lossPerFault(scale, findings.lost.length), ...backAfter(findings.recovery) },
  }
}

export const early: Scenario = {
  name: 'T18',
  what: 'workers are killed while they run tasks that are acked early',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 500, faults: 5 },
  async play(stage, scale): Promise<Verdict> {
    const calls = callsOf(scale.tasks, 'system.once', [50])
    const { findings, complaining } = await underFire(stage, calls, scale)
    const most = CONCURRENCY * scale.faults
    const errors = findings.errors.filter((error) => error !== 'WorkerLostError')
    return {
      broken: [
        ...violations(findings, { early: () => true }),
        ...unless(errors.length === 0, `failed otherwise than with their worker: ${errors.join(', ')}`),
        ...unless(findings.failed.length <= most, `failed: ${findings.failed.length}, more than ${most}`),
        ...complaining,
      ],
      findings,
      figures: { failed: findings.failed.length },
    }
  },
}

export function callsOf(count: number, task: string, args: readonly unknown[]): readonly Call[] {
  return Array.from({ length: count }, (_, at) => ({ id: `t${at}`, task, args }))
}

/** 95 % sure: without a loss in k faults, fewer than 3/k are lost at one. */
export function lossPerFault({ faults }: Scale, lost: number) {
  return lost === 0 && faults > 0 ? { 'loss per fault below': `${((3 / faults) * 100).toPrecision(2)} %` } : {}
}

/** How long a task waits for its second start: for most of them, and at worst. */
function backAfter(recovery: readonly number[]): Record<string, string> {
  if (recovery.length === 0) return {}
  const sorted = [...recovery].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(1) ?? ''
  return { 'back after (p50, p99)': `${at(0.5)} s, ${at(0.99)} s` }
}

export interface UnderFire {
  readonly intended?: ReadonlyMap<string, string>
  /** Called beside the kills, to do what the scenario does to the tasks; `ends` aborts when they could not be played to their end. */
  readonly meanwhile?: (ends: AbortSignal) => Promise<void>
  /** A kill comes at any moment of so many milliseconds after a task has ended. Default: at once. */
  readonly withinMs?: number
}

/** Two workers work the calls off; again and again one of them, picked by the seed, is killed while it runs something, and replaced. */
export async function underFire(
  stage: Stage,
  calls: readonly Call[],
  { faults, lease }: Pick<Scale, 'faults' | 'lease'>,
  { intended, meanwhile, withinMs = 0 }: UnderFire = {},
) {
  const ends = new AbortController()
  const done = meanwhile?.(ends.signal)
  done?.catch(() => {}) // told when all is played
  const ids = calls.flatMap(({ id, link }) => (link === undefined ? [id] : [id, link]))
  const running = calls.length - (intended?.size ?? 0)
  try {
    const { workers, all } = await playEach(stage, calls, { faults, lease, running, withinMs })
    await done
    await stage.allFinal(ids, Math.max(stage.peer.patience, 15 * (lease ?? 0)))
    const findings = await stage.findings(ids, workers, intended)
    return { findings, complaining: stage.peer.registers ? all.flatMap(complaints) : [] }
  } finally {
    ends.abort()
  }
}

interface Kills extends Pick<Scale, 'faults' | 'lease'> {
  /** How many of the calls are to run. */
  readonly running: number
  readonly withinMs: number
}

/** Resolves when all is sent and the last kill was played. */
async function playEach(stage: Stage, calls: readonly Call[], { faults, lease, running, withinMs }: Kills) {
  const random = stage.random('kill')
  const workers: [GroupProcess, GroupProcess] = await Promise.all([startOne(stage, 'first', lease), startOne(stage, 'second', lease)])
  const all: GroupProcess[] = [...workers]
  const portions = new Portions(stage, calls, Math.ceil(calls.length / Math.max(1, faults)))
  for (let fault = 0; fault < faults; fault++) {
    const after = Math.floor(((fault + random()) * running * 0.9) / faults)
    const victim = random() < 0.5 ? 0 : 1
    const isOver = () => Math.max(stage.ledger.done, stage.ended) >= running
    const hits = () => isOver() || stage.ledger.running(workers[victim].pid).size > 0
    do {
      workers[victim].signal('SIGCONT')
      await eventually(() => {
        if (portions.left <= 2 * CONCURRENCY) portions.send()
        return stage.ledger.done >= after && hits()
      }, stage.peer.patience)
      if (withinMs > 0) await sleep(withinMs * random())
      // Nothing begins in it any more while it is looked at.
      workers[victim].signal('SIGSTOP')
      await eventually(() => isStopped(workers[victim]))
    } while (condemns(stage, workers[victim]))
    await stage.kill(workers[victim])
    stage.progress(`kill ${fault + 1} of ${faults}, ${stage.ledger.done} of ${calls.length} done`)
    workers[victim] = await startOne(stage, `after-${fault}`, lease)
    all.push(workers[victim])
  }
  await portions.sendAll()
  return { workers, all }
}

function isStopped({ pid, isAlive }: GroupProcess): boolean {
  return !isAlive || / [TZ] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/, ''))
}

/** A task that runs in it has lost two workers already: a third would be the proof against it (docs/reliability.md, limits). */
function condemns(stage: Stage, { pid }: GroupProcess): boolean {
  const killed = new Set<number>()
  const lost = new Map<string, Set<number>>()
  for (const line of stage.ledger.lines()) if (line.kind === 'K' && line.fault === 'kill') killed.add(line.pid)
  for (const line of stage.ledger.lines()) {
    if (line.kind === 'S' && killed.has(line.pid)) lost.set(line.id, (lost.get(line.id) ?? new Set()).add(line.pid))
  }
  return [...stage.ledger.running(pid)].some((id) => (lost.get(id)?.size ?? 0) >= 2)
}

/** Sent a portion at a time, whenever nearly all before has ended: however long a new worker takes to start, the next kill finds something running. */
class Portions {
  readonly #stage: Stage
  readonly #calls: readonly Call[]
  readonly #size: number
  readonly #sending: Promise<void>[] = []
  #sent = 0

  constructor(stage: Stage, calls: readonly Call[], size: number) {
    this.#stage = stage
    this.#calls = calls
    this.#size = size
  }

  /** Of those that were sent, how many have no end yet. */
  get left(): number {
    return this.#sent - Math.max(this.#stage.ended, this.#stage.ledger.done)
  }

  send(size = this.#size): void {
    const portion = this.#calls.slice(this.#sent, this.#sent + size)
    this.#sent += portion.length
    if (portion.length > 0) this.#sending.push(this.#stage.send(portion))
  }

  async sendAll(): Promise<void> {
    this.send(this.#calls.length)
    await Promise.all(this.#sending)
  }
}

function startOne(stage: Stage, name: string, lease: number | undefined): Promise<GroupProcess> {
  return stage.worker(name, { concurrency: CONCURRENCY, ...(lease === undefined ? {} : { lease }) })
}
