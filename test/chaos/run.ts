/** One scenario, once: options, progress, the result in a line or a document, and the exit code. */
import { parseArgs } from 'node:util'
import { provideTools } from '../setup/tools.js'
import { celerity } from './peers/celerity.js'
import { PEERS } from './peers/peers.js'
import { lineOf, type Played, play, type Scale, type Scenario } from './scenario.js'
import { SCENARIOS } from './scenarios.js'
import type { BrokerKind, Stand } from './stage/brokers.js'
import { RedisStand, SqliteStand } from './stage/brokers.js'

/** A scenario that says nothing for this long hangs: milliseconds. */
const SILENCE_MS = 900_000

const USAGE = `npm run chaos -- SCENARIO [--broker redis | sqlite] [--tasks N] [--kills N] [--away SECONDS] [--lease SECONDS] [--minutes N]
                         [--seed N] [--peer NAME] [--json]

${SCENARIOS.map(({ name, what, brokers }) => `  ${name.padEnd(6)}${what} (${brokers.join(', ')})`).join('\n')}

  --broker  redis or sqlite, each with a server or a file of its own. Default: the first of the scenario's
  --tasks   how many tasks, or what the scenario has instead of them
  --kills   how many faults of its kind
  --away    seconds that an outage lasts, in the scenarios that are about that
  --lease   seconds of a lease, in T1, T3, T5b, T6, T16, T18 and T19: longer where a busy machine leaves a worker no CPU for one
  --minutes how long it goes on, where that is what ends it
  --seed    when the faults come, and whom they hit. Default: another one each time
  --peer    another system, where the scenario is played with others too: ${PEERS.map(({ name }) => name).join(', ')}
  --json    one document instead of a line

Exit code: 0 when every invariant holds, 1 when not (what was left is kept and named), 2 for bad usage.
`

interface Asked {
  readonly scenario: Scenario
  readonly broker: BrokerKind
  readonly scale: Scale
  readonly seed: number
  readonly peer: typeof celerity
  readonly json: boolean
}

export async function run(args: readonly string[]): Promise<number> {
  const asked = read(args)
  if (typeof asked === 'string') {
    process.stderr.write(`${asked}\n${USAGE}`)
    return asked === '' ? 0 : 2
  }
  const { scenario, broker, scale, seed, peer, json } = asked
  const tools = provideTools()
  const open = async (folder: string): Promise<Stand> => {
    if (broker === 'sqlite') return SqliteStand.open(folder)
    if (tools.redisServer.path === undefined) throw new Error(tools.redisServer.missing)
    return RedisStand.open(tools.redisServer.path)
  }
  const watchdog = setTimeout(() => giveUp(), SILENCE_MS)
  const progress = (text: string) => {
    watchdog.refresh()
    say(text)
  }
  const played = await play(scenario, scale, { seed, peer, progress, open })
  clearTimeout(watchdog)
  process.stdout.write(json ? `${JSON.stringify(documentOf(asked, played))}\n` : textOf(asked, played))
  return played.broken.length === 0 ? 0 : 1
}

/** What was asked for; or what is wrong with it, and nothing when it is help that was asked for. */
function read(args: readonly string[]): Asked | string {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  const { values, positionals } = parsed
  if (values.help) return ''
  const scenario = SCENARIOS.find(({ name }) => name.toLowerCase() === positionals[0]?.toLowerCase())
  if (scenario === undefined || positionals.length > 1) return `No scenario is called ${positionals.join(' ') || 'nothing'}.`
  const broker = scenario.brokers.find((kind) => kind === (values.broker ?? scenario.brokers[0]))
  if (broker === undefined) return `${scenario.name} is played on ${scenario.brokers.join(' and ')}.`
  const peer = values.peer === undefined ? celerity : PEERS.find(({ name }) => name === values.peer)
  if (peer === undefined) return `--peer is one of ${PEERS.map(({ name }) => name).join(', ')}.`
  if (peer !== celerity && (!scenario.peers || broker !== 'redis')) return `${scenario.name} on ${broker} is played with ourselves only.`
  const { usual } = scenario
  const texts = [values.tasks, values.kills, values.seed, values.away, values.lease, values.minutes]
  const numbers = texts.map((text) => (text === undefined ? undefined : Number(text)))
  if (numbers.some((number) => number !== undefined && !(Number.isSafeInteger(number) && number >= 0))) return 'A count is a whole number.'
  const [tasks = usual.tasks, faults = usual.faults, seed = Date.now() % 1_000_000, away = usual.away, lease, minutes = usual.minutes] =
    numbers
  return { scenario, broker, scale: { tasks, faults, away, lease, minutes }, seed, peer, json: values.json ?? false }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const options = {
    broker: text,
    tasks: text,
    kills: text,
    away: text,
    lease: text,
    minutes: text,
    seed: text,
    peer: text,
    json: flag,
    help: flag,
  } as const
  return parseArgs({ args: [...args], options, allowPositionals: true })
}

function documentOf({ scenario, broker, scale, seed, peer }: Asked, { broken, findings, figures, seconds, folder }: Played) {
  const { recovery = [], lost = [], overwritten = [], residue = [], ...rest } = findings ?? {}
  const counts = Object.fromEntries(Object.entries(rest).filter(([, value]) => typeof value === 'number'))
  const found = {
    ...counts,
    lost: lost.length,
    overwritten: overwritten.length,
    residue: residue.length,
    recovery: Math.max(0, ...recovery),
  }
  return {
    scenario: scenario.name,
    system: peer.name,
    broker,
    seed,
    ...scale,
    seconds,
    ok: broken.length === 0,
    broken,
    ...found,
    figures,
    folder,
  }
}

function textOf({ scenario, broker, seed, peer }: Asked, played: Played): string {
  const { broken, folder } = played
  const verdict = broken.length === 0 ? 'all holds' : `BROKEN, kept in ${folder}`
  const lines = [`${scenario.name}, ${peer.name} on ${broker}, seed ${seed}: ${verdict}`, `  ${lineOf(played)}`]
  return `${erase()}${[...lines, ...broken.slice(0, 20).map((line) => `  - ${line}`)].join('\n')}\n`
}

/** Where we are: on a terminal the next line takes its place. */
function say(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `${erase()}${text}` : `${text}\n`)
}

function erase(): string {
  return process.stderr.isTTY ? '\r\x1b[K' : ''
}

function giveUp(): void {
  process.stderr.write(`Nothing has happened for ${SILENCE_MS / 1000} s: the scenario hangs.\n`)
  process.exit(1) // what it started ends with us
}
