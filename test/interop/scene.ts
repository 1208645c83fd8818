import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import type { Context } from 'mocha'
import type { Broker, DeadLetter } from '../../src/broker/broker.js'
import { Celerity } from '../../src/index.js'
import { eventually } from '../eventually.js'
import { python, redisUrl } from '../setup/servers.js'
import { CeleryCommand } from './celery-command.js'
import { Driver } from './driver.js'
import { Process } from './process.js'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export interface NodeWorkerOptions {
  readonly queues: readonly string[]
  readonly concurrency?: number
  readonly prefetchMultiplier?: number
  /** Default false: the Python of these tests is of the time before markers. */
  readonly jsonTypeMarkers?: boolean
  /** Default: as `tasks worker` calls itself. */
  readonly name?: string
  /** More flags of `tasks worker`. */
  readonly flags?: readonly string[]
}

export interface PythonWorkerOptions {
  /** Default `py`, at the host `interop`. */
  readonly name?: string
  /** Seconds after which it may give back what another Python worker has not acked. Default: Celery's, an hour. */
  readonly visibilityTimeout?: number
  /** As Celery's workers do by themselves: mingle, gossip and heartbeats, which take a second at the start. Default false. */
  readonly isSociable?: boolean
  /** More flags of `celery worker`. */
  readonly flags?: readonly string[]
}

export interface SceneOptions {
  /** Default true. */
  readonly python?: boolean
  /** `global_keyprefix` of everybody's broker; Celery 5.2 has none for results. */
  readonly prefix?: string
}

/** One empty Redis database, a folder with gates and a ledger, and the processes that share them. */
export class Scene {
  readonly #python: string | undefined
  readonly #prefix: string
  readonly #processes: Process[] = []
  readonly folder = mkdtempSync(join(tmpdir(), 'celerity-interop-'))
  readonly url: string
  /** A producer of ours in this process. */
  readonly app: Celerity
  /** Sees and puts bytes as they are. */
  readonly redis: Redis

  /** Skips the test when this machine has no Redis, or no Python where it is needed. */
  static async open(context: Context, options: SceneOptions = {}): Promise<Scene> {
    const path = options.python === false ? undefined : python(context)
    return new Scene(await redisUrl(context), path, options.prefix ?? '')
  }

  private constructor(url: string, path: string | undefined, prefix: string) {
    this.url = url
    this.#python = path
    this.#prefix = prefix
    this.app = new Celerity('interop', { brokerUrl: url, jsonTypeMarkers: false, brokerTransportOptions: { globalKeyprefix: prefix } })
    this.redis = new Redis(url)
  }

  async driver(): Promise<Driver> {
    const driver = new Driver(this.python('driver.py'))
    await driver.ready()
    return driver
  }

  async pythonWorker(queues: readonly string[], options: PythonWorkerOptions = {}): Promise<Process> {
    const { name = 'py', visibilityTimeout = 3600, isSociable = false, flags = [] } = options
    const worker = ['worker', '-P', 'solo', '-Q', queues.join(','), '-n', `${name}@interop`, '-l', 'INFO']
    const quick = isSociable ? [] : ['--without-gossip', '--without-mingle', '--without-heartbeat']
    const process = this.#startPython(['-m', 'celery', '-A', 'project', ...worker, ...quick, ...flags], {
      INTEROP_VISIBILITY_TIMEOUT: `${visibilityTimeout}`,
    })
    await process.said(/ ready\./)
    return process
  }

  /** Celery's own commands, many of them quickly. */
  async celeryCommand(): Promise<CeleryCommand> {
    const command = new CeleryCommand(this.python('commands.py'), this.url)
    await command.ready()
    return command
  }

  /** A command of Celery's own: `events --dump`. */
  celery(args: readonly string[]): Process {
    return this.#startPython(['-m', 'celery', '-A', 'project', ...args])
  }

  /** A command of ours, on the same broker. */
  tasks(args: readonly string[]): Process {
    return this.#start(process.execPath, [here('../../bin/tasks.js'), ...args], this.folder, { TASKS_BROKER_URL: this.url })
  }

  /** One of the programs of `python/`. */
  python(program: string): Process {
    return this.#startPython([here(`python/${program}`)])
  }

  async nodeWorker(options: NodeWorkerOptions): Promise<Process> {
    const { queues, concurrency = 4, prefetchMultiplier, jsonTypeMarkers = false, name, flags = [] } = options
    const args = [
      'worker',
      '-A',
      here('node/project.ts'),
      '-Q',
      queues.join(','),
      '-c',
      `${concurrency}`,
      '-l',
      'info',
      '--log-format',
      'text',
      '--no-color',
    ]
    if (prefetchMultiplier !== undefined) args.push('--prefetch-multiplier', `${prefetchMultiplier}`)
    if (name !== undefined) args.push('-n', name)
    const worker = this.#start(process.execPath, [here('../../bin/tasks.js'), ...args, ...flags], this.folder, {
      TASKS_BROKER_URL: this.url,
      TASKS_JSON_TYPE_MARKERS: `${jsonTypeMarkers}`,
      TASKS_BROKER_TRANSPORT_OPTIONS: JSON.stringify({ globalKeyprefix: this.#prefix }),
    })
    await worker.said(/ ready\./)
    return worker
  }

  /** Lets the tasks go on that wait for it, and those that will. */
  openGate(gate: string): void {
    writeFileSync(join(this.folder, gate), '')
  }

  /** What tasks have noted, in the order they did. */
  ledger(): readonly string[] {
    try {
      return readFileSync(join(this.folder, 'ledger'), 'utf8').split('\n').slice(0, -1)
    } catch {
      return [] // nobody has noted anything yet
    }
  }

  /** Resolves when a task has noted that line. */
  async noted(line: string): Promise<void> {
    await eventually(() => this.ledger().includes(line))
  }

  async broker(): Promise<Broker> {
    return this.app.broker()
  }

  /** The newest dead letters of a queue. */
  async dead(queue: string, most = 1000): Promise<readonly DeadLetter[]> {
    return (await this.broker()).queues.dead(queue, 0, most)
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()))
    await this.app.close()
    this.redis.disconnect()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #startPython(args: readonly string[], env: Readonly<Record<string, string>> = {}): Process {
    if (this.#python === undefined) throw new Error('the scene was opened without Python')
    return this.#start(this.#python, args, here('python'), { PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1', ...env })
  }

  #start(command: string, args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Process {
    const process = new Process(command, args, {
      cwd,
      env: { INTEROP_URL: this.url, INTEROP_FOLDER: this.folder, INTEROP_PREFIX: this.#prefix, ...env },
    })
    this.#processes.push(process)
    return process
  }
}
