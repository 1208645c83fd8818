/**
 * What must hold after every scenario, found out from the ledger, the result store and what is left in the broker. Pure: it is itself
 * tested with ledgers that are wrong (invariants.test.ts), since a check that can't turn red shows nothing.
 */
import type { Fault, Line } from './ledger.js'

/** A final state as it is stored. */
export interface Final {
  readonly state: string
  /** The process whose run the value is of; null for what is no SUCCESS. */
  readonly pid: number | null
  /** Type of the error; null for SUCCESS. */
  readonly error: string | null
}

export interface Evidence {
  readonly ledger: readonly Line[]
  /** In the result store at the end, by task id. */
  readonly finals: ReadonlyMap<string, Final>
  /** Final states that were seen being stored, in order. */
  readonly stored: ReadonlyMap<string, readonly Final[]>
  /** What is left in the broker and should not be. */
  readonly residue: readonly string[]
  /** Tasks that are meant to end otherwise than with SUCCESS, and how. */
  readonly intended?: ReadonlyMap<string, string>
  /** Faults that no worker is lost by: they explain no second start, and outcomes wait until they are over. */
  readonly withstood?: readonly Fault[]
}

export interface Findings {
  readonly accepted: number
  /** Producer calls that failed: such a task may run or not, but never twice. */
  readonly refused: number
  readonly faults: number
  /** Accepted, and no final state. */
  readonly lost: readonly string[]
  /** Accepted to succeed, and no run of it came to its end. */
  readonly neverDone: readonly string[]
  /** Did not end as intended, which is with SUCCESS unless said. */
  readonly failed: readonly string[]
  /** The types of their errors. */
  readonly errors: readonly string[]
  /** How many tasks started at each attempt. */
  readonly attempts: readonly number[]
  /** SUCCESS, but the process that its value names did not run it to its end. */
  readonly successWithoutRun: readonly string[]
  /** Two different final states, one after the other. */
  readonly overwritten: readonly string[]
  /** Starts of a task, at the same attempt, beyond the first. */
  readonly restarts: number
  /** Which. */
  readonly restarted: readonly string[]
  /** How many tasks ran in the workers that were hit, at that moment. */
  readonly running: number
  /** Started again though nothing had happened to the worker that had it; with the attempt. */
  readonly unexplained: readonly string[]
  /** Runs to the end beyond the first of a task at the same attempt. */
  readonly doneTwice: number
  /** Two runs of a task at the same time, though none of them was in a worker that was frozen or cut off. */
  readonly overlapping: readonly string[]
  readonly residue: readonly string[]
  /** Seconds from the fault to each start that it made necessary. */
  readonly recovery: readonly number[]
}

/**
 * Milliseconds after the end of user code in which its outcome may not have reached the broker yet: as long as a call to it may take. Only
 * says which repeated runs are explained by a fault; the number of them is bounded apart from it.
 */
const SETTLING_MS = 5_000

/** From these a worker comes back, and does not know what became of its tasks. */
const AWAY: ReadonlySet<Fault> = new Set(['freeze', 'starved', 'cut'])

interface Run {
  readonly id: string
  readonly attempt: number
  readonly pid: number
  readonly start: number
  end: number
  /** When its outcome has reached the broker, at the latest. */
  settled: number
}

interface Hit {
  readonly pid: number
  readonly fault: Fault
  readonly from: number
  readonly to: number
}

export function audit({ ledger, finals, stored, residue, intended = new Map(), withstood = [] }: Evidence): Findings {
  const accepted = ledger.flatMap((line) => (line.kind === 'A' ? [line.id] : []))
  const runs = runsOf(ledger)
  const all = hitsOf(ledger)
  const pauses = all.filter(({ fault }) => withstood.includes(fault))
  const hits = all.filter(({ fault }) => !withstood.includes(fault))
  for (const run of runs) run.settled = settledBy(run.end, pauses)
  const attempts = [...groupBy(runs, ({ id, attempt }) => `${id} at attempt ${attempt}`)]
  const again = attempts.flatMap(([name, group]) => repeated(name, group, hits))
  const ended = groupBy(
    runs.filter(({ end }) => end < Number.POSITIVE_INFINITY),
    ({ id }) => id,
  )
  const finalEntries = [...finals]
  return {
    accepted: accepted.length,
    refused: ledger.filter(({ kind }) => kind === 'X').length,
    faults: all.filter(({ fault }) => fault !== 'starved').length,
    lost: accepted.filter((id) => !finals.has(id)),
    neverDone: accepted.filter((id) => !ended.has(id) && (intended.get(id) ?? 'SUCCESS') === 'SUCCESS'),
    failed: finalEntries.filter(([id, { state }]) => state !== (intended.get(id) ?? 'SUCCESS')).map(([id]) => id),
    errors: [...new Set(finalEntries.flatMap(([, { error }]) => error ?? []))].sort(),
    attempts: attemptsOf(attempts.map(([, [first]]) => first?.attempt ?? 0)),
    successWithoutRun: finalEntries
      .filter(([id, { state, pid }]) => state === 'SUCCESS' && !ended.get(id)?.some((run) => run.pid === pid))
      .map(([id]) => id),
    overwritten: finalEntries.filter(([id, final]) => new Set([...(stored.get(id) ?? []), final].map(shown)).size > 1).map(([id]) => id),
    restarts: again.length,
    restarted: again.map(({ run }) => run.id),
    running: hits
      .filter(({ fault }) => fault !== 'starved')
      .reduce((sum, hit) => sum + runs.filter((run) => isHit(run, hit, run.end) && run.start <= hit.from).length, 0),
    unexplained: again.filter(({ cause }) => cause === undefined).map(({ name }) => name),
    doneTwice: attempts.reduce(
      (sum, [, group]) => sum + Math.max(0, group.filter((run) => run.end < Number.POSITIVE_INFINITY).length - 1),
      0,
    ),
    overlapping: attempts.filter(([, group]) => overlap(group, hits)).map(([name]) => name),
    residue,
    recovery: again.flatMap(({ run, cause }) => (cause === undefined ? [] : [(run.start - cause.from) / 1000])),
  }
}

export interface Rules {
  /** Tasks that are acked when they start: they may fail with their worker, and never start again. */
  readonly early?: (id: string) => boolean
}

/** What must not be, wherever tasks are acked when they are done unless said: a line each, empty when all is well. */
export function violations(findings: Findings, { early = () => false }: Rules = {}): readonly string[] {
  const { lost, successWithoutRun, overwritten, unexplained, overlapping, residue } = findings
  const late = (ids: readonly string[]) => ids.filter((id) => !early(id))
  const never: Readonly<Record<string, readonly string[]>> = {
    lost,
    'SUCCESS without a run': successWithoutRun,
    overwritten,
    'at the same time': overlapping,
    'left behind': residue,
    'never done': late(findings.neverDone),
    failed: late(findings.failed),
    'started again without cause': unexplained,
    'acked early and started again': findings.restarted.filter(early),
  }
  return Object.entries(never).flatMap(([what, which]) =>
    which.length === 0 ? [] : [`${what}: ${which.length} (${which.slice(0, 5).join(', ')}${which.length > 5 ? ' …' : ''})`],
  )
}

/** One line for the people who read the output of the tests. */
export function summary(findings: Findings): string {
  const { accepted, refused, faults, lost, restarts, running, doneTwice, overwritten, residue, recovery } = findings
  const back = recovery.length === 0 ? '' : `, back after at most ${Math.max(...recovery).toFixed(1)} s`
  return (
    `${accepted} tasks${refused > 0 ? ` and ${refused} refused` : ''}, ${faults} faults: lost ${lost.length}, ` +
    `started again ${restarts} (of ${running} that ran), ` +
    `done twice ${doneTwice}, overwritten ${overwritten.length}, residue ${residue.length}${back}`
  )
}

function runsOf(ledger: readonly Line[]): readonly Run[] {
  const runs: Run[] = []
  const open = new Map<string, Run[]>() // of the same process too: it may have lost its lease and have taken the task anew
  for (const line of ledger) {
    if (line.kind !== 'S' && line.kind !== 'D') continue
    const { id, attempt, pid, at } = line
    const key = `${id} ${attempt} ${pid}`
    if (line.kind === 'S') {
      const run: Run = { id, attempt, pid, start: at, end: Number.POSITIVE_INFINITY, settled: Number.POSITIVE_INFINITY }
      runs.push(run)
      open.set(key, [...(open.get(key) ?? []), run])
    } else {
      const run = open.get(key)?.shift()
      if (run === undefined) throw new Error(`${id} ended in ${pid} and never started there`)
      run.end = at
    }
  }
  return runs
}

function hitsOf(ledger: readonly Line[]): readonly Hit[] {
  return ledger.flatMap((line, index): Hit[] => {
    if (line.kind !== 'K') return []
    const over = ledger.slice(index).find((later) => later.kind === 'U' && later.fault === line.fault && later.pid === line.pid)
    return [{ pid: line.pid, fault: line.fault, from: line.at, to: over?.at ?? line.at }]
  })
}

/** Whether the fault hit it: it was under way, or had ended so recently that its outcome may not have been stored. */
function isHit({ pid, start, settled }: Run, hit: Hit, until = settled): boolean {
  return (hit.pid === 0 || hit.pid === pid) && start <= hit.to && until >= hit.from
}

/** `pauses`, in order, are times in which nothing reaches the broker. */
function settledBy(end: number, pauses: readonly Hit[]): number {
  return pauses.reduce((by, { from, to }) => (from <= by && to >= end ? Math.max(by, to + SETTLING_MS) : by), end + SETTLING_MS)
}

interface Repeated {
  readonly name: string
  readonly run: Run
  /** The last fault that hit an earlier run of it. */
  readonly cause: Hit | undefined
}

function repeated(name: string, group: readonly Run[], hits: readonly Hit[]): Repeated[] {
  return group.slice(1).map((run, index) => {
    const earlier = group.slice(0, index + 1)
    const cause = hits.findLast((hit) => hit.from <= run.start && (earlier.some((one) => isHit(one, hit)) || isLate(run, hit)))
    return { name, run, cause }
  })
}

/** Of a worker that was away when others were given what it held, and begins with it before it is told. */
function isLate({ pid, start }: Run, { fault, pid: away, from, to }: Hit): boolean {
  return AWAY.has(fault) && pid === away && start >= from && start <= to + SETTLING_MS
}

/** A run ends with its user code, with its process, or when it is given back: then its signal has fired, and code that goes on does so unheard. That of a process frozen or cut off goes on: nobody can end it from outside. */
function overlap(group: readonly Run[], hits: readonly Hit[]): boolean {
  return group.some((run, index) => {
    if (hits.some((hit) => AWAY.has(hit.fault) && isHit(run, hit))) return false
    const death = hits.find(({ fault, pid, to }) => (fault === 'kill' || fault === 'stop') && pid === run.pid && to >= run.start)
    const end = Math.min(run.end, death?.from ?? Number.POSITIVE_INFINITY)
    return group.slice(index + 1).some(({ start }) => start < end)
  })
}

function attemptsOf(attempts: readonly number[]): readonly number[] {
  const counts: number[] = []
  for (const attempt of attempts) counts[attempt] = (counts[attempt] ?? 0) + 1
  return counts
}

function shown({ state, pid, error }: Final): string {
  return `${state} ${pid} ${error}`
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group === undefined) groups.set(key(item), [item])
    else group.push(item)
  }
  return groups
}
