/** Where a scenario is played: a broker, a folder, a ledger, a producer in this process, a witness of all results, and workers to hurt. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { QueueCounts } from '../../../src/broker/broker.js'
import type { Celerity } from '../../../src/index.js'
import { eventually } from '../../eventually.js'
import { BIN, CelerityClient, celerity } from '../peers/celerity.js'
import type { Call, Client, Peer, WorkerOptions } from '../peers/peer.js'
import { type Leaving, RedisStand, SqliteStand, type Stand } from './brokers.js'
import { audit, type Final, type Findings } from './invariants.js'
import { type Fault, LedgerReader, LedgerWriter, monotonic } from './ledger.js'
import { GroupProcess, startProgram } from './processes.js'
import { seeded } from './seeded.js'

export interface StageOptions {
  readonly seed: number
  /** Default: ourselves. */
  readonly peer?: Peer
  /** Told how far a long scenario is. */
  readonly progress?: (text: string) => void
}

export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'celerity-chaos-'))
  readonly ledger: LedgerReader
  readonly peer: Peer
  readonly seed: number
  readonly progress: (text: string) => void
  readonly #writer: LedgerWriter
  readonly #processes: GroupProcess[] = []
  readonly #stored = new Map<string, Final[]>()
  readonly #closing: (() => Promise<void>)[] = []
  #stand: Stand | undefined
  #results: string | undefined
  #client: Client | undefined

  constructor({ seed, peer = celerity, progress = () => {} }: StageOptions) {
    const path = join(this.folder, 'ledger')
    this.#writer = new LedgerWriter(path)
    this.ledger = new LedgerReader(path)
    this.seed = seed
    this.peer = peer
    this.progress = progress
  }

  /**
   * @param open      given the scenario's folder
   * @param elsewhere results are not kept at the broker, but in a file
   */
  async setUp(open: (folder: string) => Promise<Stand>, elsewhere = false): Promise<void> {
    this.#stand = await open(this.folder)
    if (elsewhere) this.#results = `sqlite:${join(this.folder, 'results.db')}`
    this.#client = await this.peer.open(this.stand.url, this.#results)
  }

  get stand(): Stand {
    if (this.#stand === undefined) throw new Error('the stage is not set up')
    return this.#stand
  }

  /** The broker of a scenario that is only played on Redis. */
  get redis(): RedisStand {
    if (this.stand instanceof RedisStand) return this.stand
    throw new Error('not played on Redis')
  }

  /** The broker of a scenario that is only played on SQLite. */
  get sqlite(): SqliteStand {
    if (this.stand instanceof SqliteStand) return this.stand
    throw new Error('not played on SQLite')
  }

  get client(): Client {
    if (this.#client === undefined) throw new Error('the stage is not set up')
    return this.#client
  }

  /** Our own producer in this process. */
  get app(): Celerity {
    if (this.client instanceof CelerityClient) return this.client.app
    throw new Error(`not played with ${this.peer.name}`)
  }

  /** Picks what the scenario leaves to chance; the same for the same seed. */
  random(name: string): () => number {
    return seeded(this.seed, name)
  }

  /** Sends them all; who is accepted and who is not stands in the ledger. Every final state that is stored for them is seen. */
  async send(calls: readonly Call[]): Promise<void> {
    const ids = calls.map(({ id }) => id)
    await eventually(() => this.#watch(ids).catch(() => false), 60)
    await Promise.all(calls.map((call) => this.#send(call)))
  }

  /** Rejects while the broker is away for longer than a call may take. */
  async #watch(ids: readonly string[]): Promise<boolean> {
    await this.client.watch(ids, (id, final) => this.#see(id, final))
    return true
  }

  async #send(call: Call): Promise<void> {
    try {
      await this.client.send(call)
      this.#writer.accepted(call.id)
    } catch (error) {
      this.#writer.failed(call.id, error)
    }
  }

  /** Of how many tasks a final state was seen. */
  get ended(): number {
    return this.#stored.size
  }

  #see(id: string, final: Final): void {
    const seen = this.#stored.get(id)
    if (seen === undefined) this.#stored.set(id, [final])
    else seen.push(final)
  }

  /** Resolves when it takes tasks. */
  async worker(name: string, options: WorkerOptions = {}): Promise<GroupProcess> {
    const worker = this.startWorker(name, options)
    await worker.said(this.peer.ready, 60)
    return worker
  }

  /** Does not wait until it takes tasks. */
  startWorker(name: string, options: WorkerOptions = {}): GroupProcess {
    const { file, args, env } = this.peer.worker(name, options.url ?? this.stand.url, options)
    const { under: [by = file, ...more] = [] } = options
    const all = by === file ? args : [...more, file, ...args]
    const worker = new GroupProcess(name, by, all, {
      cwd: this.folder,
      env: { ...this.#environment(), ...env, ...this.#elsewhere(), ...options.env },
    })
    this.#processes.push(worker)
    return worker
  }

  /** Another program of this folder. */
  program(file: string, args: readonly string[], url = this.stand.url): GroupProcess {
    const urls = { TASKS_BROKER_URL: url, TASKS_RESULT_BACKEND: url }
    const program = startProgram(file, args, { ...this.#environment(), ...urls })
    this.#processes.push(program)
    return program
  }

  /** Another one of our commands. */
  command(name: string, args: readonly string[], url = this.stand.url): GroupProcess {
    const urls = { TASKS_BROKER_URL: url, TASKS_RESULT_BACKEND: url }
    const command = new GroupProcess(name, process.execPath, [BIN, ...args], { cwd: this.folder, env: { ...this.#environment(), ...urls } })
    this.#processes.push(command)
    return command
  }

  /** To be closed when the scenario is over, before its broker. */
  opened<T extends { close(): Promise<void> }>(what: T): T {
    this.#closing.push(() => what.close())
    return what
  }

  /** It has ended, and nobody had told it to. */
  died(worker: GroupProcess): void {
    this.#writer.fault('kill', worker.pid)
  }

  /** SIGKILL, to the whole group. */
  async kill(worker: GroupProcess): Promise<void> {
    worker.signal('SIGKILL')
    this.#writer.fault('kill', worker.pid)
    await worker.ended
  }

  /** `outlasted`: what runs will not be done within the grace, so that it goes back. */
  stop(worker: GroupProcess, { signal = 'SIGTERM', outlasted = false }: { signal?: NodeJS.Signals; outlasted?: boolean } = {}): void {
    worker.signal(signal)
    if (!outlasted) return
    this.#writer.fault('stop', worker.pid)
    void worker.ended.then(() => this.#writer.over('stop', worker.pid))
  }

  freeze(worker: GroupProcess): void {
    worker.signal('SIGSTOP')
    this.#writer.fault('freeze', worker.pid)
  }

  thaw(worker: GroupProcess): void {
    this.#writer.over('freeze', worker.pid)
    worker.signal('SIGCONT')
  }

  /** Puts the broker out of reach while `during` lasts. */
  away(during: () => Promise<void>, how?: Leaving): Promise<void> {
    return this.fault('broker', 0, async () => {
      const { back } = await this.stand.away(how)
      try {
        await during()
      } finally {
        await back()
      }
    })
  }

  /** Notes a fault as long as `during` lasts. `pid` 0: it hits every worker. */
  async fault<T>(fault: Fault, pid: number, during: () => Promise<T>): Promise<T> {
    this.#writer.fault(fault, pid)
    try {
      return await during()
    } finally {
      this.#writer.over(fault, pid)
    }
  }

  /** Ids of the tasks whose sender was told that they are stored. */
  accepted(): readonly string[] {
    return this.ledger.lines().flatMap((line) => (line.kind === 'A' ? [line.id] : []))
  }

  async counts(): Promise<QueueCounts> {
    const [counts] = await (await this.app.broker()).queues.counts(['celery'])
    if (counts === undefined) throw new Error('the broker does not count its queue')
    return counts
  }

  /** Resolves when each of these has a final state. */
  async allFinal(ids: readonly string[], seconds = this.peer.patience): Promise<void> {
    let asked = monotonic()
    let missing = ids
    const look = async () => {
      missing = missing.filter((id) => !this.#stored.has(id))
      if (missing.length === 0) return true
      if (monotonic() < asked + 500) return false
      asked = monotonic() // what the witness may have missed while the broker was away
      const finals = await this.client.finals(missing)
      missing = missing.filter((id) => !finals.has(id))
      return missing.length === 0
    }
    await eventually(look, seconds).catch(async (error: Error) => {
      const first = JSON.stringify(this.ledger.lines().filter((line) => 'id' in line && line.id === missing[0]))
      const left = (await this.peer.residue(this.stand)).join(', ')
      throw new Error(
        `${missing.length} of ${ids.length} tasks have no end (${missing.slice(0, 5).join(', ')}): ${error.message}\n${first}\n${left}`,
      )
    })
  }

  /** Resolves when the broker is done with dead workers too: as many are registered as are alive. */
  async settled(workers: readonly GroupProcess[]): Promise<void> {
    if (!this.peer.registers) return
    const alive = workers.filter(({ isAlive }) => isAlive)
    await eventually(async () => (await this.stand.registered()) === alive.length, 30).catch(async (error: Error) => {
      const said = alive.map(({ name, output }) => `${name}: ${output.split('\n').slice(-4).join('\n')}`).join('\n')
      throw new Error(`${await this.stand.registered()} workers are registered, ${alive.length} alive: ${error.message}\n${said}`)
    })
  }

  /** Waits until the broker is done with dead workers, stops these in order, and looks at what came of it all. */
  async findings(
    ids: readonly string[],
    workers: readonly GroupProcess[],
    intended?: ReadonlyMap<string, string>,
    withstood: readonly Fault[] = [],
  ): Promise<Findings> {
    await this.settled(workers)
    const alive = workers.filter(({ isAlive }) => isAlive)
    for (const worker of alive) worker.signal('SIGTERM')
    await Promise.all(alive.map(({ ended }) => ended))
    return audit({
      ledger: this.ledger.lines(),
      finals: await this.client.finals(ids),
      stored: this.#stored,
      residue: await this.peer.residue(this.stand),
      ...(intended === undefined ? {} : { intended }),
      withstood,
    })
  }

  #environment(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], HOME: this.folder, SYSTEM_LEDGER: join(this.folder, 'ledger') }
  }

  #elsewhere(): NodeJS.ProcessEnv {
    return this.#results === undefined ? {} : { TASKS_RESULT_BACKEND: this.#results }
  }

  /** Ends everything, whatever state it is in. `keep`: the folder stays, with what each process has said. */
  async close({ keep = false }: { readonly keep?: boolean } = {}): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.end()))
    await this.#client?.close()
    for (const close of this.#closing.reverse()) await close()
    await this.#stand?.close()
    if (keep) for (const { name, pid, output } of this.#processes) writeFileSync(join(this.folder, `${name}.${pid}.log`), output)
    else rmSync(this.folder, { recursive: true, force: true })
  }
}
