/** Mutants into a real queue, with a worker behind it, and a good task after every thousand: each of them ends somewhere, and the worker lives. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { RedisStand } from '../chaos/stage/brokers.js'
import { GroupProcess } from '../chaos/stage/processes.js'
import { Stage } from '../chaos/stage/stage.js'
import { eventually } from '../eventually.js'
import type { Finding } from './decoder.js'
import { Mutants } from './mutants.js'

const QUEUE = 'fuzz'
const BATCH = 1_000
const BIN = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))
const APP = fileURLToPath(new URL('app.ts', import.meta.url))
/** Megabytes that the worker may come to. */
const MOST_MB = 512
/** Milliseconds that one message, or a batch of them, may hold it up. */
const MOST_DELAY_MS = 1_000

export interface LiveOptions {
  readonly redisServer: string
  readonly count: number
  readonly seed: number
  readonly progress?: (done: number) => void
}

export interface Lived {
  readonly findings: readonly Finding[]
  readonly figures: Readonly<Record<string, unknown>>
}

export async function fuzzLive({ redisServer, count, seed, progress = () => {} }: LiveOptions): Promise<Lived> {
  const stage = new Stage({ seed })
  try {
    await stage.setUp(() => RedisStand.open(redisServer))
    return await new Live(stage, seed).play(count, progress)
  } finally {
    await stage.close()
  }
}

class Live {
  readonly #stage: Stage
  readonly #redis: Redis
  readonly #mutants: Mutants
  readonly #startsFile: string
  readonly #reportFile: string
  readonly #findings: Finding[] = []

  constructor(stage: Stage, seed: number) {
    this.#stage = stage
    this.#redis = new Redis(stage.stand.url)
    this.#mutants = new Mutants({ seed, task: 'fuzz.note' })
    this.#startsFile = join(stage.folder, 'starts')
    this.#reportFile = join(stage.folder, 'report')
    writeFileSync(this.#startsFile, '')
  }

  async play(count: number, progress: (done: number) => void): Promise<Lived> {
    const worker = this.#startWorker()
    try {
      await worker.said(/ ready\./)
      await this.#canary(0, worker)
      for (let sent = 0; sent < count && this.#findings.length === 0; sent += BATCH) {
        const batch = Array.from({ length: Math.min(BATCH, count - sent) }, () => this.#mutants.next().raw)
        await this.#redis.lpush(QUEUE, ...batch)
        await this.#canary(sent + batch.length, worker)
        progress(sent + batch.length)
      }
      return await this.#reckon(count, worker)
    } finally {
      await worker.end()
      this.#redis.disconnect()
    }
  }

  #startWorker(): GroupProcess {
    const url = this.#stage.stand.url
    const args = [BIN, 'worker', '-A', APP, '-n', 'fuzz@system', '-Q', QUEUE, '-c', '20', '--log-level', 'info', '--log-format', 'json']
    const env = {
      PATH: process.env['PATH'],
      HOME: this.#stage.folder,
      TASKS_BROKER_URL: url,
      TASKS_RESULT_BACKEND: url,
      FUZZ_STARTS: this.#startsFile,
      FUZZ_REPORT: this.#reportFile,
    }
    return new GroupProcess('fuzz', process.execPath, args, { cwd: this.#stage.folder, env })
  }

  /** A good task, sent after the others: it runs, in the same process. */
  async #canary(number: number, worker: GroupProcess): Promise<void> {
    try {
      const canary = await this.#stage.app.send('fuzz.canary', [number], { queue: QUEUE })
      await canary.get({ timeout: 60 })
    } catch (error) {
      this.#find(`after ${number} mutants a good task did not run: ${String(error)}`)
    }
    if (!worker.isAlive) this.#find(`after ${number} mutants the worker has ended:\n${worker.output.slice(-2000)}`)
  }

  /** Each message has run, is among the dead letters, has expired, or waits for its time; and the worker is as it was. */
  async #reckon(count: number, worker: GroupProcess): Promise<Lived> {
    const ended = async () => {
      const [dead, delayed, waiting] = await Promise.all([
        this.#redis.llen(`${QUEUE}.dead`),
        this.#redis.zcard(`${QUEUE}.delayed`),
        this.#waiting(),
      ])
      return {
        ran: statSync(this.#startsFile).size,
        dead,
        expired: count1(worker.output, /"msg":"[^"]*(expired|revoked)/g),
        delayed,
        waiting,
      }
    }
    const sum = ({ ran, dead, expired, delayed }: Awaited<ReturnType<typeof ended>>) => ran + dead + expired + delayed
    await eventually(async () => sum(await ended()) >= count, 30).catch(() => {}) // the difference tells
    const ends = await ended()
    const rssMb = highWater(worker.pid)
    worker.signal('SIGTERM')
    const { code } = await worker.ended
    const report = safeReport(this.#reportFile)
    const unaccounted = count - sum(ends)
    if (unaccounted !== 0) this.#find(`${unaccounted} of ${count} are unaccounted for: ${JSON.stringify(ends)}`)
    if (code !== 0) this.#find(`the worker ended with ${code}`)
    if (rssMb > MOST_MB) this.#find(`the worker came to ${rssMb} MB`)
    if (report.polluted) this.#find('a prototype has changed')
    if (report.maxDelayMs > MOST_DELAY_MS) this.#find(`the event loop was held up for ${report.maxDelayMs} ms`)
    const raw = worker.output.match(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/)
    if (raw !== null) this.#find(`the log holds a control character: ${JSON.stringify(raw[0])}`)
    return { findings: this.#findings, figures: { count, ...ends, unaccounted, rssMb, ...report } }
  }

  async #waiting(): Promise<number> {
    const lists = [QUEUE, ...[3, 6, 9].map((step) => `${QUEUE}\x06\x16${step}`)]
    const lengths = await Promise.all(lists.map((list) => this.#redis.llen(list)))
    return lengths.reduce((sum, length) => sum + length, 0)
  }

  #find(what: string): void {
    this.#findings.push({ how: 'live', what, raw: '' })
  }
}

function count1(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}

/** Megabytes that a process has held at most; 0 where there is no /proc. */
function highWater(pid: number): number {
  try {
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}

function safeReport(file: string): { readonly maxDelayMs: number; readonly polluted: boolean } {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { readonly maxDelayMs: number; readonly polluted: boolean }
  } catch {
    return { maxDelayMs: 0, polluted: false } // it did not end in order, which is told apart
  }
}
