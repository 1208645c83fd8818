/** A process that is measured: what it prints, what it costs. Read from /proc, hence Linux only. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { endWithUs, type Guard } from '../test/setup/guard.js'

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Who it runs as; default: who we are. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
}

/** Per second, in /proc/<pid>/stat: fixed at 100 for user space on every architecture of Linux. */
const TICKS = 100

export class Program {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #guard: Guard
  readonly #complaints: string[] = []
  readonly #found: { readonly word: string; readonly value: string }[] = []
  readonly #closed: Promise<void>
  #ended = false
  #changed: () => void = () => {}

  constructor({ file, args, env, cwd, user }: Command) {
    // Settings of the person's own shell would reach every worker.
    const own = Object.entries(process.env).filter(([name]) => !/^(TASKS_|CELERY|BROKER_URL$|NODE_OPTIONS$)/.test(name))
    this.#child = spawn(file, args, {
      env: { ...Object.fromEntries(own), NODE_ENV: 'production', ...env },
      ...(cwd === undefined ? {} : { cwd }),
      ...user,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a group of its own, so that its children end with it
    })
    if (this.#child.pid === undefined) throw new Error(`${file} could not be started`)
    this.pid = this.#child.pid
    this.#guard = endWithUs(-this.pid)
    this.#closed = new Promise((resolve) => this.#child.once('close', () => resolve()))
    this.#child.once('close', () => {
      this.#ended = true
      this.#changed()
    })
    this.#listen()
  }

  /** Values of the lines `<word> <value>` on its standard output, once there are `count` of them. @throws Error when it ends before */
  async values(word: string, count: number): Promise<readonly number[]> {
    for (;;) {
      const values = this.#found.filter((line) => line.word === word).map(({ value }) => Number(value))
      if (values.length >= count) return values.slice(0, count)
      if (this.#ended) throw new Error(`ended too early: ${this.#child.spawnargs.join(' ')}\n${this.#complaints.join('\n')}`)
      await new Promise<void>((resolve) => (this.#changed = resolve))
    }
  }

  /** The line `<word> <value>` of a program that prints it and ends. */
  async result(word: string): Promise<number> {
    const [value] = await this.values(word, 1)
    await this.#closed
    this.#guard.dismiss()
    return value as number
  }

  get ended(): boolean {
    return this.#ended
  }

  /** What it said on standard error, the last lines. */
  get complaints(): string {
    return this.#complaints.join('\n')
  }

  /** Seconds of CPU that it and its children have used. */
  cpuSeconds(): number {
    return cpuSecondsOf(this.pid)
  }

  /** Bytes that it and its children hold in memory; pages they share are counted for each. */
  residentBytes(): number {
    return sum(tree(this.pid).map((pid) => 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)))
  }

  /** At once: nothing of a measured program is worth keeping. */
  async stop(): Promise<void> {
    if (!this.#ended) {
      try {
        process.kill(-this.pid, 'SIGKILL')
      } catch {
        // ESRCH: it has just ended by itself
      }
    }
    await this.#closed
    this.#guard.dismiss()
  }

  #listen(): void {
    const { stdout, stderr } = this.#child
    if (stdout === null || stderr === null) throw new TypeError('a program is started with pipes')
    createInterface(stdout).on('line', (line) => {
      const [word, value] = line.split(' ')
      if (word === undefined || value === undefined) return
      this.#found.push({ word, value })
      this.#changed()
    })
    createInterface(stderr).on('line', (line) => {
      this.#complaints.push(line)
      if (this.#complaints.length > 20) this.#complaints.shift()
    })
  }
}

/** Seconds of CPU that a process and its children have used. */
export function cpuSecondsOf(pid: number): number {
  return sum(tree(pid).map(ticks)) / TICKS
}

/** This process and all below it. */
function tree(pid: number): number[] {
  let threads: string[]
  try {
    threads = readdirSync(`/proc/${pid}/task`)
  } catch {
    return [] // it has just ended
  }
  const children = threads.flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number))
  return [pid, ...children.flatMap(tree)]
}

function ticks(pid: number): number {
  // The name in parentheses may hold anything; user and system time are the 12th and 13th field after it.
  const fields = read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? []
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // it has just ended
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
