/** One run of the benchmark: which figures, how much, and what is printed. */
import { parseArgs } from 'node:util'
import type { Figure } from './figure.js'
import { backlog } from './figures/backlog.js'
import { burstBeat, idleBeat, lateBeat } from './figures/beat.js'
import { commandLine } from './figures/command-line.js'
import { drain10, drain100 } from './figures/drain.js'
import { awaited, bulk, concurrent } from './figures/enqueue.js'
import { heardEvents, unheardEvents } from './figures/events.js'
import { latency } from './figures/latency.js'
import { memory } from './figures/memory.js'
import { sqlite } from './figures/sqlite.js'
import { start } from './figures/start.js'
import { findPeers } from './peers/peers.js'
import { documentOf, textOf } from './report.js'
import { type Measured, measure } from './rounds.js'
import { SCALES } from './scale.js'

const FIGURES: readonly Figure[] = [
  drain10,
  drain100,
  heardEvents,
  unheardEvents,
  bulk,
  awaited,
  concurrent,
  latency,
  start,
  memory,
  sqlite,
  backlog,
  idleBeat,
  lateBeat,
  burstBeat,
  commandLine,
]

const USAGE = `npm run bench -- [--only NAME]… [--quick | --full] [--rounds N] [--json]

  --only NAME   a figure, or all that begin so: ${FIGURES.map(({ name }) => name).join(' ')}
  --quick       one round, smaller: under a minute
  --full        five rounds, a backlog of a million: a quarter of an hour
  --rounds N    how often each is measured
  --json        one document, every sample in it, instead of tables
`

/** @returns the exit code: 0 also when a goal is missed, for the machine may be a busy one; 2 for bad usage */
export async function run(args: readonly string[]): Promise<number> {
  const options = optionsOf(args)
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n${USAGE}`)
    return 2
  }
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const peers = findPeers()
  for (const why of peers.missing) process.stderr.write(`${why}\n`)
  const measured: Measured[] = []
  for (const figure of options.figures) {
    const result = await measure(figure, peers, options.scale, say)
    measured.push(result)
    if (!options.json) process.stdout.write(`${erase()}${textOf(result)}\n`)
  }
  if (options.json) process.stdout.write(`${erase()}${JSON.stringify(documentOf(measured, options.scale, peers.missing), null, 2)}\n`)
  return 0
}

/** The options, or what is wrong with them. */
function optionsOf(args: readonly string[]) {
  let values: ReturnType<typeof parse>
  try {
    values = parse(args)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  const { only = [], quick, full, rounds, json = false, help = false } = values
  const figures = FIGURES.filter(({ name }) => only.length === 0 || only.some((start) => name.startsWith(start)))
  if (figures.length === 0) return `No figure is called ${only.join(' or ')}.`
  if (quick && full) return '--quick and --full exclude each other.'
  if (rounds !== undefined && !(Number(rounds) >= 1)) return '--rounds is a number from 1.'
  const scale = quick ? SCALES.quick : full ? SCALES.full : SCALES.usual
  return { figures, json, help, scale: rounds === undefined ? scale : { ...scale, rounds: Number(rounds) } }
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean' } as const
  const options = {
    only: { type: 'string', multiple: true },
    rounds: { type: 'string' },
    quick: flag,
    full: flag,
    json: flag,
    help: flag,
  } as const
  return parseArgs({ args: [...args], options }).values
}

/** Where we are, on a terminal only; the next line takes its place. */
function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

function erase(): string {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  return ''
}
