/** Three beats as processes, things that happen to them, and what they have sent in the end. */
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { decodeMessage } from '../../src/protocol/message.js'
import { Wire } from '../chaos/faults/wire.js'
import { eventually } from '../eventually.js'
import { Process } from '../interop/process.js'

const BIN = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))
const QUEUE = 'periodic'
const ENTRIES = ['a', 'b', 'c', 'd', 'e']
/** So far after it was due a message expires: from that, a test knows when it was due. */
const EXPIRES_S = 100_000

const LEASE_S = 2

export interface FleetOptions {
  /** Each beat reaches the server by a wire of its own that can be cut. */
  readonly wired?: boolean
  /** More environment of a beat, by the file that says what its clock shows. */
  readonly clock?: (file: string) => Readonly<Record<string, string>>
}

interface Beat {
  readonly process: Process
  readonly wire: Wire | null
  readonly clockFile: string
}

export class Fleet {
  readonly folder: string
  readonly broker: Broker
  readonly #url: string
  readonly #options: FleetOptions
  #beats: Beat[] = []
  #started = 0

  private constructor(folder: string, url: string, broker: Broker, options: FleetOptions) {
    this.folder = folder
    this.broker = broker
    this.#url = url
    this.#options = options
  }

  /** @param url empty: SQLite in the fleet's own folder */
  static async open(url: string, options: FleetOptions = {}): Promise<Fleet> {
    const folder = await mkdtemp(join(tmpdir(), 'celerity-beats-'))
    const own = url === '' ? `sqlite:${join(folder, 'tasks.db')}` : url
    const settings = {
      brokerUrl: own,
      beatLease: LEASE_S,
      beatSchedule: Object.fromEntries(ENTRIES.map((name) => [name, entry(name)])),
    }
    await writeFile(join(folder, '.taskrc'), JSON.stringify(settings))
    const fleet = new Fleet(folder, own, await openBroker(own), options)
    for (let count = 0; count < 3; count++) await fleet.start()
    return fleet
  }

  async start(): Promise<void> {
    const wire = this.#options.wired ? await wireTo(this.#url) : null
    const clockFile = join(this.folder, `clock-${this.#started++}`)
    writeFileSync(clockFile, '+0')
    const url = wire === null ? {} : { TASKS_BROKER_URL: this.#url.replace(/:\d+\//, `:${wire.port}/`) }
    const env = { NODE_ENV: 'production', ...url, ...this.#options.clock?.(clockFile) }
    const process = new Process(globalThis.process.execPath, [BIN, 'beat', '--log-format', 'json'], { cwd: this.folder, env })
    this.#beats.push({ process, clockFile, wire })
  }

  /** The process that leads: its log says under which epoch. */
  async leader(): Promise<Beat> {
    return eventually(async () => {
      const reign = await this.broker.schedules.leader()
      const words = ` leads, epoch ${reign?.epoch}:`
      return this.#beats.find(({ process }) => process.isRunning && process.lines.some((line) => line.includes(words)))
    }, 20)
  }

  async killLeader(): Promise<void> {
    const { process: beat } = await this.leader()
    process.kill(beat.pid, 'SIGKILL')
    await eventually(() => !beat.isRunning)
    await this.start()
  }

  /** From the server, for longer than its lease: another leads meanwhile. */
  async cutOffLeader(): Promise<void> {
    const { wire } = await this.leader()
    wire?.cut()
    await wait(LEASE_S * 1000 * 1.75)
    wire?.heal()
  }

  /** For longer than its lease: another leads meanwhile. */
  async freezeLeader(): Promise<void> {
    const { process: beat } = await this.leader()
    process.kill(beat.pid, 'SIGSTOP')
    await wait(LEASE_S * 1000 * 1.75)
    process.kill(beat.pid, 'SIGCONT')
  }

  async stopLeader(): Promise<void> {
    const { process: beat } = await this.leader()
    const code = await beat.stop()
    if (code !== 0) throw new Error(`a beat ended with ${code}: ${beat.lines.slice(-5).join('\n')}`)
    await this.start()
  }

  async jumpLeader(seconds: number): Promise<void> {
    const { clockFile } = await this.leader()
    writeFileSync(clockFile, `${seconds < 0 ? '' : '+'}${seconds}`)
  }

  /** Stops them all, and tells for each entry which due times were sent: how many, how many are missing between the first and the last, and how many came twice. */
  async outcome(): Promise<Readonly<Record<string, Sent>>> {
    await this.leader()
    await wait(1500) // what came due while nobody led is sent
    for (const { process: beat } of this.#beats) await beat.stop()
    const dues = new Map<string, number[]>(ENTRIES.map((name) => [name, []]))
    for (const raw of await this.broker.queues.peek(QUEUE, 100_000)) {
      const decoded = decodeMessage(raw)
      if (!decoded.ok) throw new Error(`no message: ${raw.toString()}`)
      const { args, expires } = decoded.message
      dues.get(String(args[0]))?.push((expires ?? 0) - EXPIRES_S * 1000)
    }
    return Object.fromEntries([...dues].map(([name, times]) => [name, judge(times)]))
  }

  /** Lines of all beats that say that something went wrong. */
  complaints(): readonly string[] {
    return this.#beats.flatMap(({ process }) => process.lines.filter((line) => /"level":"(warning|error|critical)"|^\s+at /.test(line)))
  }

  async close(): Promise<void> {
    for (const { process: beat, wire } of this.#beats) {
      await beat.stop(0.1)
      await wire?.close()
    }
    await this.broker.close()
    await rm(this.folder, { recursive: true })
  }

  toString(): string {
    return `beats on ${this.#url}`
  }
}

function wireTo(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url)
  return Wire.open({ host: hostname, port: Number(port) })
}

export interface Sent {
  /** Of one entry, from the first to the last that was sent. */
  readonly count: number
  readonly missing: number
  readonly double: number
}

function entry(name: string) {
  const schedule = name === 'e' ? '* * * * * *' : 1 // one by the wall clock, the others by their plan
  return { task: 'elsewhere.task', args: [name], schedule, options: { queue: QUEUE, expires: EXPIRES_S } }
}

function judge(times: readonly number[]): Sent {
  const seen = new Set(times)
  const [first, last] = [Math.min(...times), Math.max(...times)]
  const expected = times.length === 0 ? 0 : (last - first) / 1000 + 1
  let missing = 0
  for (let due = first; due <= last; due += 1000) if (!seen.has(due)) missing++
  return { count: Math.round(expected), missing, double: times.length - seen.size }
}
