/** What processes cost while something lasts, as the kernel (Linux) counts it, and how much they say meanwhile. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonic } from './ledger.js'
import type { GroupProcess } from './processes.js'

/** Ticks of a second in /proc: USER_HZ, the same on every Linux that Node runs on. */
const HZ = 100

interface Sample {
  /** Milliseconds of the monotonic clock. */
  readonly at: number
  /** Milliseconds of CPU, all threads together. */
  readonly cpu: number
  readonly rssMb: number
  readonly files: number
  readonly lines: number
}

export interface Cost {
  readonly name: string
  /** Percent of one core. */
  readonly cpu: number
  /** Megabytes: the median of each fifth of the time. */
  readonly rssMb: readonly number[]
  /** By how much the last fifth is above the first. */
  readonly rssGrowth: number
  /** The most open files in the first third, and in the last one. */
  readonly files: readonly [number, number]
  /** Lines of its log. */
  readonly lines: number
}

/** Samples `processes` every so often for `seconds`; a process that ends meanwhile is an error. */
export async function costs(
  processes: readonly GroupProcess[],
  seconds: number,
  progress: (second: number) => void,
): Promise<readonly Cost[]> {
  const samples = processes.map((process) => [sampleOf(process)])
  const began = monotonic()
  const every = Math.min(5, seconds / 10) * 1000
  for (let count = 1; monotonic() < began + seconds * 1000; count++) {
    await sleep(Math.max(0, Math.min(began + count * every, began + seconds * 1000) - monotonic()))
    for (const [index, process] of processes.entries()) samples[index]?.push(sampleOf(process))
    if (count % 12 === 0) progress(Math.round((monotonic() - began) / 1000))
  }
  return processes.map((process, index) => costOf(process.name, samples[index] ?? []))
}

export function shown({ name, cpu, rssMb, files, lines }: Cost): string {
  const memory = rssMb.map((megabytes) => megabytes.toFixed(0)).join(' ')
  return `${name}: ${cpu.toFixed(2)} % of a core, ${memory} MB, ${files.join(' to ')} files, ${lines} lines`
}

function sampleOf(process: GroupProcess): Sample {
  if (!process.isAlive) throw new Error(`${process.name} has ended:\n${process.output.slice(-2000)}`)
  const folder = `/proc/${process.pid}`
  const stat = readFileSync(`${folder}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // from the third on: the second, its name, may hold anything
  const rss = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`${folder}/status`, 'latin1'))
  return {
    at: monotonic(),
    cpu: ((Number(fields[11]) + Number(fields[12])) * 1000) / HZ,
    rssMb: Number(rss?.[1]) / 1024,
    files: readdirSync(`${folder}/fd`).length,
    lines: process.output.split('\n').length - 1,
  }
}

function costOf(name: string, samples: readonly Sample[]): Cost {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined) throw new Error(`${name} was not seen`)
  const part = (share: number) => Math.ceil(samples.length * share)
  const rssMb = [0, 1, 2, 3, 4].map((fifth) => {
    return median(samples.slice(Math.floor((samples.length * fifth) / 5), part((fifth + 1) / 5)).map((sample) => sample.rssMb))
  })
  const most = (some: readonly Sample[]) => Math.max(...some.map(({ files }) => files))
  return {
    name,
    cpu: (100 * (last.cpu - first.cpu)) / (last.at - first.at),
    rssMb,
    rssGrowth: (rssMb[4] ?? 0) - (rssMb[0] ?? 0),
    files: [most(samples.slice(0, part(1 / 3))), most(samples.slice(-part(1 / 3)))],
    lines: last.lines - first.lines,
  }
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
}
