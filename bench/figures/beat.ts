/** What a beat with many entries costs, and how late it is. Celery's own is not measured: its schedule has no store to look into. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { startRedisServer } from '../../test/setup/redis-server.js'
import { provideTools } from '../../test/setup/tools.js'
import type { Contender, Figure, Sample } from '../figure.js'
import { Program } from '../program.js'
import { quantile } from '../statistics.js'

const ENTRIES = 10_000
const WATCHED_S = 10
/** Each entry is due this often in the figure of lateness: a thousand a second. */
const PERIOD_S = 10
const PATIENCE_MS = 60_000
/** A look at all entries is work for the broker too. */
const LOOK_MS = 500

export const idleBeat: Figure = {
  name: 'beat-idle',
  title: `beat: ${ENTRIES.toLocaleString('en')} entries, nothing due`,
  note: `resident, and CPU over ${WATCHED_S} s, in hundredths of a core`,
  columns: [
    { key: 'cpu', head: 'CPU %', digits: 2 },
    { key: 'resident', head: 'MB', digits: 1 },
  ],
  goals: [{ column: 'cpu', atMost: 1 }],
  contenders: () => contenders(() => ({ schedule: '0 0 1 1 *' }), idle),
}

export const lateBeat: Figure = {
  name: 'beat-late',
  title: `beat: lateness of due ticks, ${ENTRIES.toLocaleString('en')} entries every ${PERIOD_S} s, evenly`,
  note: "from when it was due to the broker's step",
  columns: [
    { key: 'p50', head: 'p50 ms', digits: 1 },
    { key: 'p99', head: 'p99 ms', digits: 1 },
    { key: 'cpu', head: 'CPU %', digits: 1 },
  ],
  goals: [{ column: 'p99', atMost: 1000 }],
  contenders: () => contenders((index, begin) => ({ schedule: PERIOD_S, start: begin + (index * PERIOD_S * 1000) / ENTRIES }), late),
}

export const burstBeat: Figure = {
  name: 'beat-burst',
  title: `beat: ${ENTRIES.toLocaleString('en')} entries due at the same moment`,
  note: 'until the last was sent',
  columns: [{ key: 'last', head: 'ms' }],
  goals: [{ column: 'last', atMost: 5000 }],
  contenders: () => contenders((_, begin) => ({ schedule: 3600, start: begin }), burst),
}

type EntryOf = (index: number, begin: number) => Readonly<Record<string, unknown>>
type Measure = (beat: Program, broker: Broker, begin: number) => Promise<Sample>

function contenders(entryOf: EntryOf, measure: Measure): readonly Contender[] {
  return [
    { name: 'on Redis', measure: () => onRedis((url) => site(url, entryOf, measure)) },
    { name: 'on SQLite', measure: () => site('sqlite:tasks.db', entryOf, measure) },
  ]
}

async function onRedis(use: (url: string) => Promise<Sample>): Promise<Sample> {
  const { redisServer } = provideTools()
  if (redisServer.path === undefined) throw new Error(redisServer.missing)
  const server = await startRedisServer(redisServer.path)
  try {
    return await use(server.url)
  } finally {
    await server.stop()
  }
}

async function site(brokerUrl: string, entryOf: EntryOf, measure: Measure): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'celerity-beat-'))
  const begin = Date.now() + 8_000 // by then it has taken up its entries
  const entries = Array.from({ length: ENTRIES }, (_, index) => [
    `entry-${index}`,
    { task: 'elsewhere.task', args: [index], options: { queue: 'periodic' }, ...entryOf(index, begin) },
  ])
  writeFileSync(join(folder, '.taskrc.json'), JSON.stringify({ brokerUrl, beatSchedule: Object.fromEntries(entries) }))
  const broker = await openBroker(brokerUrl.replace(/^sqlite:/, `sqlite:${folder}/`))
  const bin = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))
  const beat = new Program({ file: process.execPath, args: [bin, 'beat', '-q', '-l', 'warning'], cwd: folder })
  try {
    await until(async () => (await broker.schedules.entries()).entries.filter(({ planned }) => planned !== null).length === ENTRIES, beat)
    return await measure(beat, broker, begin)
  } finally {
    await beat.stop()
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function idle(beat: Program): Promise<Sample> {
  await sleep(2_000) // the garbage of its start
  return { cpu: await cpuOf(beat), resident: beat.residentBytes() / 1e6 }
}

async function late(beat: Program, broker: Broker, begin: number): Promise<Sample> {
  await sleep(begin + 2_000 - Date.now())
  const cpu = await cpuOf(beat)
  const lateness = await latenessOf(broker)
  return { cpu, p50: quantile(lateness, 0.5), p99: quantile(lateness, 0.99) }
}

async function burst(beat: Program, broker: Broker, begin: number): Promise<Sample> {
  await sleep(begin - Date.now())
  await until(async () => (await broker.queues.counts(['periodic']))[0]?.ready === ENTRIES, beat)
  return { last: Math.max(...(await latenessOf(broker))) }
}

async function cpuOf(beat: Program): Promise<number> {
  const before = beat.cpuSeconds()
  await sleep(WATCHED_S * 1000)
  return ((beat.cpuSeconds() - before) / WATCHED_S) * 100
}

/** Milliseconds, of the last tick of each entry. */
async function latenessOf(broker: Broker): Promise<readonly number[]> {
  const lateness: number[] = []
  for (let from = 0; from < ENTRIES; from += 500) {
    const some = Array.from({ length: 500 }, (_, index) => broker.schedules.history(`entry-${from + index}`, 1))
    lateness.push(...(await Promise.all(some)).flat().map(({ at, due }) => at - due))
  }
  return lateness
}

async function until(look: () => Promise<boolean>, beat: Program): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await look())) {
    if (beat.ended || performance.now() > end) throw new Error(`the beat did not get there\n${beat.complaints}`)
    await sleep(LOOK_MS)
  }
}
