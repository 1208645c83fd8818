/** Where a scenario is played: a broker, a folder, a ledger, a producer in this process, a witness of all results, and workers to hurt. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { QueueCounts } from '../../src/broker/broker.js'
import { Celerity } from '../../src/index.js'
import { decodeResult, isFinal, stateOf, type TaskResult } from '../../src/protocol/result.js'
import { eventually } from '../eventually.js'
import type { Stand } from './brokers.js'
import { audit, type Final, type Findings } from './invariants.js'
import { LedgerReader, LedgerWriter, monotonic } from './ledger.js'
import { type GroupProcess, ready, startProgram, startWorker, type WorkerOptions } from './processes.js'

/** A call of one of the tasks in app.ts. */
export interface Call {
  readonly id: string
  readonly task: string
  readonly args: readonly unknown[]
  /** The id of a task to be sent when it has succeeded. */
  readonly link?: string
}

export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'celerity-system-'))
  readonly ledger: LedgerReader
  readonly #writer: LedgerWriter
  readonly #processes: GroupProcess[] = []
  readonly #stored = new Map<string, Final[]>()
  #stand: Stand | undefined
  #app: Celerity | undefined

  constructor() {
    const path = join(this.folder, 'ledger')
    this.#writer = new LedgerWriter(path)
    this.ledger = new LedgerReader(path)
  }

  /** @param open given the scenario's folder */
  async setUp(open: (folder: string) => Promise<Stand>): Promise<void> {
    this.#stand = await open(this.folder)
    this.#app = new Celerity('system', { brokerUrl: this.stand.url, resultBackend: this.stand.url })
    await this.app.broker() // makes the file, so that those who come later find it
  }

  get stand(): Stand {
    if (this.#stand === undefined) throw new Error('the stage is not set up')
    return this.#stand
  }

  /** The producer of this process. */
  get app(): Celerity {
    if (this.#app === undefined) throw new Error('the stage is not set up')
    return this.#app
  }

  /** Sends them all; who is accepted and who is not stands in the ledger. Every final state that is stored for them is seen. */
  async send(calls: readonly Call[]): Promise<void> {
    await this.#witness(calls.map(({ id }) => id))
    await Promise.all(calls.map((call) => this.#send(call)))
  }

  async #send({ id, task, args, link }: Call): Promise<void> {
    const linked = link === undefined ? {} : { link: this.app.signature('system.after', [], { taskId: link }) }
    try {
      await this.app.send(task, args, { taskId: id, ...linked })
      this.#writer.accepted(id)
    } catch (error) {
      this.#writer.failed(id, error)
    }
  }

  async #witness(ids: readonly string[]): Promise<void> {
    const results = await this.app.results()
    await results.watch(ids, (id, json) => {
      const final = finalOf(json)
      if (final === null) return
      const seen = this.#stored.get(id)
      if (seen === undefined) this.#stored.set(id, [final])
      else seen.push(final)
    })
  }

  async worker(name: string, options?: WorkerOptions): Promise<GroupProcess> {
    const worker = startWorker(name, this.folder, this.#environment(), options)
    this.#processes.push(worker)
    await ready(worker)
    return worker
  }

  /** Another program of this folder. */
  program(file: string, args: readonly string[]): GroupProcess {
    const program = startProgram(file, args, this.#environment())
    this.#processes.push(program)
    return program
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
  async away(during: () => Promise<void>): Promise<void> {
    const { back } = await this.stand.away()
    this.#writer.fault('broker', 0)
    try {
      await during()
    } finally {
      await back()
      this.#writer.over('broker', 0)
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
  async allFinal(ids: readonly string[], seconds = 60): Promise<void> {
    let asked = monotonic()
    let missing = ids
    const look = async () => {
      missing = missing.filter((id) => !this.#stored.has(id))
      if (missing.length === 0) return true
      if (monotonic() < asked + 500) return false
      asked = monotonic() // what the witness may have missed while the broker was away
      const finals = await this.finals(missing)
      missing = missing.filter((id) => !finals.has(id))
      return missing.length === 0
    }
    await eventually(look, seconds).catch(async (error: Error) => {
      const counts = JSON.stringify(await this.counts())
      const first = JSON.stringify(this.ledger.lines().filter((line) => 'id' in line && line.id === missing[0]))
      throw new Error(
        `${missing.length} of ${ids.length} tasks have no end (${missing.slice(0, 5).join(', ')}): ${error.message}\n${first}\n${counts}`,
      )
    })
  }

  /** Stops these in order, waits until the broker is done with dead workers too, and looks at what came of it all. */
  async findings(ids: readonly string[], workers: readonly GroupProcess[]): Promise<Findings> {
    const alive = workers.filter(({ isAlive }) => isAlive)
    await eventually(async () => (await this.stand.registered()) === alive.length, 20).catch(async (error: Error) => {
      const said = alive.map(({ name, output }) => `${name}: ${output.split('\n').slice(-4).join('\n')}`).join('\n')
      throw new Error(`${await this.stand.registered()} workers are registered, ${alive.length} alive: ${error.message}\n${said}`)
    })
    for (const worker of alive) worker.signal('SIGTERM')
    await Promise.all(alive.map(({ ended }) => ended))
    return audit({
      ledger: this.ledger.lines(),
      finals: await this.finals(ids),
      stored: this.#stored,
      residue: await this.stand.residue(),
    })
  }

  /** Those of `ids` that have a final state stored. */
  async finals(ids: readonly string[]): Promise<ReadonlyMap<string, Final>> {
    const found = await (await this.app.results()).get(ids)
    return new Map(
      ids.flatMap((id, index): [string, Final][] => {
        const final = finalOf(found[index] ?? '')
        return final === null ? [] : [[id, final]]
      }),
    )
  }

  #environment(): NodeJS.ProcessEnv {
    const { PATH } = process.env
    return {
      PATH,
      HOME: this.folder,
      TASKS_BROKER_URL: this.stand.url,
      TASKS_RESULT_BACKEND: this.stand.url,
      TASKS_WORKER_LOG_FORMAT: 'json',
      SYSTEM_LEDGER: join(this.folder, 'ledger'),
    }
  }

  /** Ends everything, whatever state it is in. */
  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.end()))
    await this.#app?.close().catch(() => {}) // the broker may be gone for good
    await this.#stand?.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function finalOf(json: string): Final | null {
  const decoded = json === '' ? null : decodeResult(json)
  if (decoded === null) return null
  if (!decoded.ok) throw new Error(`a result that can't be read: ${decoded.reason}`)
  const { outcome }: TaskResult = decoded.result
  const state = stateOf(outcome)
  if (!isFinal(state)) return null
  const pid = outcome.kind === 'success' && typeof outcome.value === 'number' ? outcome.value : null
  return { state, pid, error: outcome.kind === 'error' ? outcome.error.type : null }
}
