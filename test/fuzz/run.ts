/** One round of fuzzing: options, progress, what was found, the exit code. */
import { parseArgs } from 'node:util'
import { provideTools } from '../setup/tools.js'
import { type Finding, fuzzDecoder } from './decoder.js'
import { Differential } from './differential.js'
import { fuzzLive } from './live.js'
import type { Mutant } from './mutants.js'

const USAGE = `npm run fuzz -- [--count N] [--seed N] [--python N] [--live] [--json]

  --count   how many mutants. Default: 1,000,000 for the decoder, 50,000 live
  --seed    which ones. Default: others each time
  --python  how many of them Python's Celery is asked about too. Default: 20,000
  --live    into a real queue, with a worker behind it, instead of the decoder alone
  --json    one document instead of lines

Exit code: 0 when nothing was found, 1 when something was, 2 for bad usage.
`

interface Asked {
  readonly count: number
  readonly seed: number
  readonly python: number
  readonly live: boolean
  readonly json: boolean
}

interface Round {
  readonly findings: readonly Finding[]
  readonly figures: Readonly<Record<string, unknown>>
}

export async function run(args: readonly string[]): Promise<number> {
  const asked = read(args)
  if (typeof asked === 'string') {
    process.stderr.write(`${asked}\n${USAGE}`)
    return asked === '' ? 0 : 2
  }
  const began = performance.now()
  const { findings, figures } = await (asked.live ? live(asked) : decoder(asked))
  const seconds = Math.round((performance.now() - began) / 100) / 10
  const rssMb = Math.round(process.resourceUsage().maxRSS / 1024)
  const document = { seed: asked.seed, seconds, rssMb, ...figures, findings }
  if (asked.json) process.stdout.write(`${JSON.stringify(document)}\n`)
  else process.stdout.write(`${JSON.stringify({ ...document, findings: findings.length })}\n${findings.map(lineOf).join('')}`)
  return findings.length === 0 ? 0 : 1
}

function lineOf({ how, what, raw }: Finding): string {
  return `  - ${what}\n    ${how}\n    ${raw.slice(0, 400)}\n`
}

function read(args: readonly string[]): Asked | string {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { count: text, seed: text, python: text, live: flag, json: flag, help: flag },
    })
    if (values.help) return ''
    const live = values.live ?? false
    const { count = live ? '50000' : '1000000', seed = `${Date.now() % 1_000_000}`, python = '20000' } = values
    const numbers = [count, seed, python].map(Number)
    if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) return 'A count is a whole number.'
    return { count: Number(count), seed: Number(seed), python: Number(python), live, json: values.json ?? false }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function decoder({ count, seed, python }: Asked): Promise<Round> {
  const shown: Mutant[] = []
  const see = (mutant: Mutant) => {
    if (shown.length < python) shown.push(mutant)
  }
  const fuzzed = await fuzzDecoder({ seed, count, see, progress: (done) => say(`${done} of ${count}`) })
  const { path } = provideTools().python
  if (path === undefined || python === 0) return { findings: fuzzed.findings, figures: { ...fuzzed } }
  const differential = new Differential(path)
  const compared = await differential.compare(shown, (done) => say(`Python: ${done} of ${shown.length}`))
  return {
    findings: [...fuzzed.findings, ...compared.findings],
    figures: { ...fuzzed, python: { ...compared, findings: compared.findings.length } },
  }
}

async function live({ count, seed }: Asked): Promise<Round> {
  const { path, missing } = provideTools().redisServer
  if (path === undefined) throw new Error(missing)
  const lived = await fuzzLive({ redisServer: path, count, seed, progress: (done) => say(`${done} of ${count}`) })
  return { findings: lived.findings, figures: lived.figures }
}

function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}
