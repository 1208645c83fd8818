/** Outages that last: what two workers, a beat and a sender cost meanwhile, what they say, and when they go on. `--away` says how long. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import { Wire } from '../faults/wire.js'
import { type Scale, type Scenario, unless, type Verdict } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { type Line, monotonic } from '../stage/ledger.js'
import { complaints, type GroupProcess } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'
import { type Cost, costs, shown } from '../stage/vitals.js'

/** Seconds that each process may take to go on. */
const RESUMES = 5
/** Milliseconds: of a task, and from one to the next. */
const LENGTH = 50
const PAUSE = 50
/** Milliseconds from one flap to the next, half of them refused. */
const FLAP = 600
/** Seconds from which on it says something what a process costs: start and end of an outage cost too, and so does a busy machine. */
const LONG = 60
/** Percent of a core. A server that is back accepts a connection; that a lock is gone is found by looking. */
const MOST_CPU = { redis: 1, sqlite: 5 }
/** Megabytes. */
const MOST_GROWTH = 10
/** What a process says once when an outage begins: that nothing can be taken, renewed, stored, sent; and the first of a line each minute. */
const MATTERS = 5
/** Files more at the end than at the beginning, at most. */
const MOST_FILES = 3

export const refusal: Scenario = {
  name: 'T4r',
  what: 'the broker refuses connections, or is locked, for --away seconds: two workers, a beat and a sender wait, and go on',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 100, faults: 1, away: 600 },
  async play(stage, scale) {
    const cast = await startCast(stage, stage.stand.url)
    let found: readonly Cost[] = []
    return aroundOutages(stage, scale, cast, async (seconds, progress) => {
      await stage.away(async () => {
        found = await costs(cast.all, seconds, progress)
      })
      const isLong = seconds >= LONG
      return {
        found,
        broken: found.flatMap((cost) => [
          ...unless(!isLong || cost.cpu <= MOST_CPU[stage.stand.kind], `too busy: ${shown(cost)}`),
          ...unless(!isLong || cost.rssGrowth <= MOST_GROWTH, `grows: ${shown(cost)}`),
          ...unless(cost.files[1] <= cost.files[0] + MOST_FILES, `opens more and more: ${shown(cost)}`),
          ...unless(cost.lines <= seconds / 60 + MATTERS, `more than a line a minute: ${shown(cost)}`),
        ]),
      }
    })
  },
}

export const flapping: Scenario = {
  name: 'T5f',
  what: 'connections are refused and taken again every 300 ms for --away seconds: two workers, a beat and a sender go on meanwhile',
  brokers: ['redis'],
  usual: { tasks: 100, faults: 1, away: 300 },
  async play(stage, scale) {
    const wire = stage.opened(await Wire.open({ host: '127.0.0.1', port: stage.redis.server.port }))
    const cast = await startCast(stage, wire.by(stage.stand.url))
    return aroundOutages(stage, scale, cast, async (seconds, progress) => {
      const before = stage.ledger.done
      let over = false
      const flap = async () => {
        while (!over) {
          await wire.refuse()
          await sleep(FLAP / 2)
          await wire.accept()
          await sleep(FLAP / 2)
        }
      }
      const found = await stage.fault('wires', 0, async () => {
        const flapping = flap()
        try {
          return await costs(cast.all, seconds, progress)
        } finally {
          over = true
          await flapping
        }
      })
      const done = stage.ledger.done - before
      return {
        found,
        done,
        broken: [
          ...unless(done > 0, 'nothing was done meanwhile'),
          ...found.flatMap((cost) => unless(cost.files[1] <= cost.files[0] + MOST_FILES, `opens more and more: ${shown(cost)}`)),
        ],
      }
    })
  },
}

interface Cast {
  readonly workers: readonly GroupProcess[]
  readonly beat: GroupProcess
  readonly sender: GroupProcess
  readonly all: readonly GroupProcess[]
}

async function startCast(stage: Stage, url: string): Promise<Cast> {
  const schedule = { tick: { task: 'system.sleep', args: [LENGTH], schedule: 1 } }
  writeFileSync(join(stage.folder, '.taskrc'), JSON.stringify({ beatSchedule: schedule }))
  const workers = await Promise.all([stage.worker('first', { url }), stage.worker('second', { url })])
  const beat = stage.command('beat', ['beat', '--log-format', 'json'], url)
  const sender = stage.program('sender.ts', [`${LENGTH}`, `${PAUSE}`], url)
  return { workers, beat, sender, all: [...workers, beat, sender] }
}

interface Outage {
  readonly found: readonly Cost[]
  readonly broken: readonly string[]
  /** Tasks, where some could be done meanwhile. */
  readonly done?: number
}

async function aroundOutages(
  stage: Stage,
  { tasks, faults, away = 0 }: Scale,
  { workers, beat, sender, all }: Cast,
  outage: (seconds: number, progress: (second: number) => void) => Promise<Outage>,
): Promise<Verdict> {
  const outages: Outage[] = []
  const between = async () => {
    const [done, ticks] = [stage.ledger.done, ticksOf(stage.ledger.lines()).length]
    await eventually(() => stage.ledger.done >= done + tasks / 2 && ticksOf(stage.ledger.lines()).length > ticks, 60)
  }
  await between()
  for (let fault = 0; fault < faults; fault++) {
    const progress = (second: number) => stage.progress(`outage ${fault + 1} of ${faults}, ${second} of ${away} s`)
    outages.push(await outage(away, progress))
    await between()
  }
  for (const process of [sender, beat]) process.signal('SIGTERM')
  const ends = await Promise.all([sender.ended, beat.ended])
  const lines = stage.ledger.lines()
  await stage.allFinal(stage.accepted())
  await allTicked(stage)
  const sent = lines.flatMap((line) => (line.kind === 'A' || line.kind === 'X' ? [line.id] : []))
  const findings = await stage.findings(sent, workers)
  const stopped = [...ends, ...(await Promise.all(workers.map(({ ended }) => ended)))]
  const resumed = resumptionsOf(lines)
  const done = outages.flatMap((one) => one.done ?? [])
  return {
    broken: [
      ...violations(findings),
      ...unless(findings.restarts === 0, `started again: ${findings.restarts}`),
      ...outages.flatMap(({ broken }) => broken),
      ...Object.entries(resumed).flatMap(([who, after]) => unless(after <= RESUMES, `the ${who} goes on only after ${after.toFixed(1)} s`)),
      ...unless(
        stopped.every(({ code }) => code === 0),
        `exit codes: ${stopped.map(({ code, signal }) => code ?? signal).join(', ')}`,
      ),
      ...all.flatMap(complaints),
    ],
    findings,
    figures: {
      ...Object.fromEntries(outages.flatMap(({ found }) => found.map((cost) => [cost.name, shown(cost).slice(cost.name.length + 2)]))),
      ...(done.length === 0 ? {} : { 'done meanwhile': done.join(' and ') }),
      'goes on after': Object.entries(resumed)
        .map(([who, after]) => `${who} ${after.toFixed(2)} s`)
        .join(', '),
    },
  }
}

/** What the beat sent has run too. */
async function allTicked(stage: Stage): Promise<void> {
  await eventually(async () => {
    const { ready, leased } = await stage.counts()
    return ready + leased === 0
  }, 60)
}

/** Starts of what the beat sent: its ids are not ours. */
function ticksOf(lines: readonly Line[]) {
  return lines.flatMap((line) => (line.kind === 'S' && !/^t\d+$/.test(line.id) ? [line] : []))
}

/** Seconds from the end of an outage until a task starts, a send has returned, and something that the beat sent starts; at worst. */
function resumptionsOf(lines: readonly Line[]): Readonly<Record<'worker' | 'sender' | 'beat', number>> {
  const ends = lines.flatMap((line) => (line.kind === 'U' ? [line.at] : []))
  const worst = (moments: readonly number[]) =>
    Math.max(...ends.map((end) => ((moments.find((at) => at > end) ?? monotonic() + 1e9) - end) / 1000))
  return {
    worker: worst(lines.flatMap((line) => (line.kind === 'S' ? [line.at] : []))),
    sender: worst(lines.flatMap((line) => (line.kind === 'A' ? [line.at] : []))),
    beat: worst(ticksOf(lines).map(({ at }) => at)),
  }
}
